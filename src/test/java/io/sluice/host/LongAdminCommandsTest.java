package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.host.FaultyNvme.Fate;
import io.sluice.host.FaultyNvme.Faults;
import io.sluice.nvme.AdminOpcode;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Admin commands that take long, and what goes on beside them, in virtual time. */
class LongAdminCommandsTest extends RecoveryFixture {
    private Thread supervisor;

    @Test
    void shouldGiveACommandThatIsPassedThroughAsLongAsItsCallerSays() {
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                return Fate.LOST;
            }
        };
        AdminRequest format = AdminRequest.of(AdminOpcode.FORMAT_NVM, 1, 0);
        assertEquals(60_000, format.timeoutMillis());
        long start = clock.nanoTime();
        DeviceFailure late = assertThrows(DeviceFailure.class, () -> driver.admin(format.withTimeoutMillis(100_000)));
        assertTrue(late.getMessage().contains("within 100000 ms"), late.getMessage());
        assertTrue(clock.nanoTime() - start >= 100_000_000_000L);
        assertThrows(IllegalArgumentException.class, () -> format.withTimeoutMillis(0));
    }

    @Test
    void shouldAbortAndResetWhileALongAdminCommandIsAwaited() throws IOException {
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                return Fate.LOST;
            }

            @Override
            public boolean abortWorks() {
                return false;
            }
        };
        read(7);
        clock.onPause = () -> {
            if (driver.resets() == 0) {
                inAnotherThread(this::cycle);
            }
        };
        AdminRequest format = AdminRequest.of(AdminOpcode.FORMAT_NVM, 1, 0).withTimeoutMillis(Integer.MAX_VALUE);
        int[] formats = {0};
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                return opcode == AdminOpcode.FORMAT_NVM && formats[0]++ == 0 ? Fate.LOST : Fate.DONE;
            }

            @Override
            public boolean abortWorks() {
                return false;
            }
        };
        DeviceFailure ended = assertThrows(DeviceFailure.class, () -> driver.admin(format));
        assertTrue(ended.getMessage().contains("is being reset"), ended.getMessage());
        clock.onPause = () -> {};
        passSeconds(3);
        assertEquals(1, device.aborts);
        assertEquals(1, driver.resets());
        assertEquals(List.of(7L), tokens);
    }

    /** The reset waits until the command's own thread has noticed, so the caller goes on while it does. */
    private void inAnotherThread(Executable work) {
        if (supervisor == null || !supervisor.isAlive()) {
            supervisor = Thread.ofPlatform().start(() -> assertDoesNotThrow(work));
        }
    }
}

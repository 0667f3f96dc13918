package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.host.FaultyNvme.Fate;
import io.sluice.host.FaultyNvme.Faults;
import io.sluice.nvme.AdminOpcode;
import io.sluice.pci.PciHeader;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Closing and shutting down, whatever is going on, in virtual time. */
class ClosingTest extends RecoveryFixture {
    @Test
    void shouldRefuseAdminCommandsWhenItIsClosed() throws IOException {
        driver.close();
        assertThrows(DeviceFailure.class, driver::health);
        assertThrows(DeviceFailure.class, () -> driver.errors(1));
        assertThrows(DeviceFailure.class, () -> driver.feature(7));
        assertThrows(DeviceFailure.class, () -> driver.admin(AdminRequest.of(AdminOpcode.FORMAT_NVM, 1, 0)));
        assertFalse(driver.admin().abort(1, 0, 8));
        driver.admin().requestEvents(4);
        driver.admin().poll();
        assertThrows(IOException.class, () -> driver.allocate("late", 4096));
    }

    @Test
    void shouldCloseWhileAnotherThreadWaitsForAnAdminCommand() throws Exception {
        CountDownLatch waiting = new CountDownLatch(1);
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                waiting.countDown();
                return Fate.LOST;
            }
        };
        clock.stop();
        AtomicReference<Exception> end = new AtomicReference<>();
        Thread asker = Thread.ofPlatform().start(() -> end.set(assertThrows(IOException.class, driver::health)));
        waiting.await();
        clock.go();
        driver.close();
        asker.join();
        assertEquals(DeviceFailure.class, end.get().getClass());
    }

    @Test
    void shouldCloseInBoundedTimeWhenTheControllerDoesNotObey() {
        device.readyNeverGoes = true;
        long before = clock.nanoTime();
        driver.close();
        assertTrue(clock.nanoTime() - before <= 2_100_000_000L);
        assertEquals(0, device.config.getShort(PciHeader.COMMAND) & PciHeader.COMMAND_BUS_MASTER, "no DMA any more");
    }

    @Test
    void shouldShutDownWhenAQueueIsNotDeletedAndAnotherIsStill() throws IOException {
        setFate(Fate.LOST);
        read(7);
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                return qid == 0 && opcode == AdminOpcode.DELETE_IO_SQ ? Fate.LOST : Fate.DONE;
            }
        };
        driver.shutDown();
        assertTrue(device.log.contains("shutdown"));
        driver.supervise(clock.nanoTime());
        assertEquals("disable", device.log.getLast(), "nobody enables it again");
        assertEquals(1, pair.poll(this::ended, 16));
        assertEquals(List.of(DriverStatus.DEVICE_DEAD), statuses);
        assertThrows(DeviceFailure.class, () -> pair.poll(this::ended, 16));
        assertThrows(DeviceFailure.class, driver::health);
        driver.shutDown();
    }

    @Test
    void shouldShutDownWhenItsQueuesAreStillBeingGivenBack() throws IOException {
        driver.requestReset("the test says so");
        driver.supervise(clock.nanoTime());
        assertEquals(PairState.Mode.ENDING, pair.mode());
        driver.shutDown();
        assertTrue(device.log.contains("shutdown"));
        assertEquals(PairState.Mode.DEAD, pair.mode());
    }
}

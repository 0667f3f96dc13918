package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.device.FunctionStalled;
import io.sluice.device.InterruptKind;
import io.sluice.linux.EventFd;
import io.sluice.poll.CommandQueue;
import io.sluice.storage.NoopStorage;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A controller whose agent does not come round while somebody sets its interrupts. */
@Timeout(60)
class StalledAgentTest {
    private NvmeController controller;

    @BeforeEach
    void create() throws Exception {
        Namespace namespace = new Namespace(1, 8, 512, 1, 2, 0, false);
        controller = new NvmeController(
                ControllerConfig.of("STALLED", "STALLED"),
                new NoopStorage(namespace),
                CommandQueue.to(() -> {}),
                () -> {},
                System::nanoTime);
    }

    @AfterEach
    void close() {
        controller.close();
    }

    /** Runs what has come, as the agent. */
    private void runUntil(Thread caller) throws InterruptedException {
        while (caller.isAlive()) {
            controller.doWork();
            Thread.sleep(1);
        }
    }

    @Test
    void shouldCloseEventFdsThatItNeverTookOver() throws Exception {
        EventFd target = EventFd.create();

        FunctionStalled stalled = assertThrows(
                FunctionStalled.class,
                () -> controller.setInterruptTargets(InterruptKind.MSIX, 0, Arrays.asList(target, null)));
        controller.doWork();

        assertEquals("STALLED: the poller did not set interrupts within 1900 ms", stalled.getMessage());
        assertFalse(target.fd().isOpen());
    }

    @Test
    void shouldKeepTheEventFdsThatItHasUntilOthersReplaceThem() throws Exception {
        EventFd first = EventFd.create();
        EventFd never = EventFd.create();
        EventFd second = EventFd.create();
        Thread caller =
                Thread.ofPlatform().start(() -> controller.setInterruptTargets(InterruptKind.MSIX, 0, List.of(first)));
        runUntil(caller);

        assertThrows(
                FunctionStalled.class, () -> controller.setInterruptTargets(InterruptKind.MSIX, 0, List.of(never)));
        assertTrue(first.fd().isOpen());

        caller =
                Thread.ofPlatform().start(() -> controller.setInterruptTargets(InterruptKind.MSIX, 0, List.of(second)));
        runUntil(caller);
        assertFalse(first.fd().isOpen());
        assertTrue(second.fd().isOpen());
        second.close();
    }
}

package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.device.InterruptKind;
import io.sluice.linux.EventFd;
import io.sluice.linux.FullEventFd;
import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Cns;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.vfiouser.client.VfioUserClient;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A whole model behind a real socket, driven register by register by a client that behaves as it likes. */
@Timeout(120)
class ServedControllerTest {
    private static final long QUEUES = 0x10_0000;
    private static final long DATA = 0x2000_0000_0000L;
    private static final int VECTOR = 1;

    @TempDir
    Path folder;

    private ModelDaemon model;
    private RawController raw;
    private RawQueue queue;

    @BeforeEach
    void start() throws Exception {
        model = ModelDaemon.start(new ModelOptions(
                folder.resolve("s"), 0600, Optional.empty(), Optional.empty(), 1 << 20, 512, "SERVED", false));
        raw = connect();
    }

    @AfterEach
    void stop() {
        raw.close();
        model.close();
    }

    private RawController connect() throws IOException {
        RawController connected = new RawController(VfioUserClient.connect(model.socket()), QUEUES, DATA);
        connected.enablePci();
        connected.mapQueues();
        connected.mapData();
        connected.enable();
        return connected;
    }

    // ---- interrupts

    @Test
    void shouldKeepAnInterruptThatIsRaisedWhileAllTargetsAreTakenAway() throws Exception {
        raw.enableMsix();
        createInterruptingQueues();
        try (EventFd target = EventFd.create()) {
            for (int i = 0; i < 100; i++) {
                raw.device.disableInterrupts(InterruptKind.MSIX);
                queue.flush();
                assertEquals(Status.OK, queue.await());
                assertEquals(0, target.drain(), "it was taken away");

                raw.device.setInterruptTargets(InterruptKind.MSIX, VECTOR, List.of(target));

                assertEquals(1, target.drain(), "round " + i);
            }
        }
    }

    @Test
    void shouldLoseNoInterruptWhileTargetsComeAndGo() throws Exception {
        raw.enableMsix();
        createInterruptingQueues();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        try (EventFd target = EventFd.create()) {
            Thread churn = Thread.ofPlatform().start(() -> {
                try {
                    while (!Thread.currentThread().isInterrupted()) {
                        raw.device.disableInterrupts(InterruptKind.MSIX);
                        raw.device.setInterruptTargets(InterruptKind.MSIX, VECTOR, List.of(target));
                    }
                } catch (IOException e) {
                    failure.set(e);
                }
            });
            try {
                for (int i = 0; i < 1_000; i++) {
                    queue.flush();
                    awaitSignal(target);
                    assertEquals(Status.OK, queue.await());
                }
            } finally {
                churn.interrupt();
                churn.join();
            }
        }
        assertEquals(null, failure.get());
    }

    @Test
    void shouldGoOnWhenAnEventfdIsFull() throws Exception {
        raw.enableMsix();
        createInterruptingQueues();
        try (EventFd target = EventFd.create()) {
            FullEventFd.fill(target);
            raw.device.setInterruptTargets(InterruptKind.MSIX, VECTOR, List.of(target));

            for (int i = 0; i < 100; i++) {
                queue.flush();
                assertEquals(Status.OK, queue.await());
            }
        }
    }

    // ---- a controller that is fully loaded with event requests

    @Test
    void shouldIdentifyOnATwoEntryAdminQueueWithAllEventRequestsOutstanding() throws Exception {
        raw.disable();
        raw.enable(2);
        for (int i = 0; i < 4; i++) {
            raw.adminSqe(AdminOpcode.ASYNC_EVENT_REQUEST);
            raw.submitAdmin();
        }
        for (int i = 0; i < 10; i++) {
            long sqe = raw.adminSqe(AdminOpcode.IDENTIFY);
            AdminSqe.setIdentify(sqe, Cns.CONTROLLER, 0);
            Sqe.setPrp1(sqe, raw.dataIova);
            assertEquals(Status.OK, raw.runAdmin(), "Identify " + i);
        }
        assertEquals((byte) 'S', Memory.getByte(raw.dataAddress(4)), "the serial number's first letter");
    }

    // ---- help

    private void createInterruptingQueues() throws IOException {
        raw.createQueues(VECTOR);
        queue = new RawQueue(raw);
    }

    private static void awaitSignal(EventFd target) {
        long start = System.nanoTime();
        while (target.drain() == 0) {
            assertTrue(System.nanoTime() - start < 5 * RawController.DEADLINE_NANOS, "an interrupt was lost");
            Thread.onSpinWait();
        }
    }
}

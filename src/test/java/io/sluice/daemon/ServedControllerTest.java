package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.device.InterruptKind;
import io.sluice.linux.EventFd;
import io.sluice.linux.FullEventFd;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Cns;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Registers;
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
    private static final int MSIX_CAPABILITY = 0x11;
    private static final int MSIX_ENABLE = 1 << 15;
    private static final int VECTOR = 1;

    @TempDir
    Path folder;

    private ModelDaemon model;
    private RawController raw;
    private int tail;
    private int head;
    private int phase = 1;

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
        enableMsix();
        createInterruptingQueues();
        try (EventFd target = EventFd.create()) {
            for (int i = 0; i < 100; i++) {
                raw.device.disableInterrupts(InterruptKind.MSIX);
                flush();
                assertEquals(Status.OK, awaitCompletion());
                assertEquals(0, target.drain(), "it was taken away");

                raw.device.setInterruptTargets(InterruptKind.MSIX, VECTOR, List.of(target));

                assertEquals(1, target.drain(), "round " + i);
            }
        }
    }

    @Test
    void shouldLoseNoInterruptWhileTargetsComeAndGo() throws Exception {
        enableMsix();
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
                    flush();
                    awaitSignal(target);
                    assertEquals(Status.OK, awaitCompletion());
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
        enableMsix();
        createInterruptingQueues();
        try (EventFd target = EventFd.create()) {
            FullEventFd.fill(target);
            raw.device.setInterruptTargets(InterruptKind.MSIX, VECTOR, List.of(target));

            for (int i = 0; i < 100; i++) {
                flush();
                assertEquals(Status.OK, awaitCompletion());
            }
        }
    }

    // ---- memory

    @Test
    void shouldFailOnlyTheControllerWhoseMemoryIsCutShort() throws Exception {
        raw.createQueues();
        Memfd.resize(raw.dataFile(), 0);
        for (int i = 0; i < 20 && !Csts.fatal(raw.read(Registers.CSTS)); i++) {
            submit(NvmOpcode.READ, raw.dataIova + (long) i * RawController.PAGE);
            Thread.sleep(10);
        }

        assertTrue(Csts.fatal(raw.read(Registers.CSTS)), "the controller has not failed");
        raw.close();
        raw = connect();
        raw.createQueues();
        resetCounters();
        flush();
        assertEquals(Status.OK, awaitCompletion(), "the next client is served");
    }

    @Test
    void shouldSurviveQueueMemoryThatIsCutShort() throws Exception {
        raw.createQueues();
        Memfd.resize(raw.queueFile(), 0);
        raw.ring(Doorbells.sqTailDoorbell(1), 5);
        for (int i = 0; i < 200 && !Csts.fatal(raw.read(Registers.CSTS)); i++) {
            Thread.sleep(10);
        }

        assertTrue(Csts.fatal(raw.read(Registers.CSTS)), "the controller has not failed");
        raw.device.close();
        RawController next = connect();
        next.createQueues();
        next.close();
    }

    @Test
    void shouldReportMemoryThatIsNotMappedAndGoOn() throws Exception {
        raw.createQueues();
        submit(NvmOpcode.READ, 0x7777_0000_0000L);
        assertEndsIn(Status.DATA_TRANSFER_ERROR);
        submit(NvmOpcode.READ, raw.dataIova + RawController.MEMORY_BYTES);
        assertEndsIn(Status.DATA_TRANSFER_ERROR);
        submit(NvmOpcode.READ, raw.dataIova + 1);
        assertEndsIn(Status.PRP_OFFSET_INVALID);
        submit(NvmOpcode.READ, raw.dataIova);
        assertEquals(Status.OK, awaitCompletion());
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

    private void enableMsix() throws IOException {
        int offset = raw.device.readConfig(0x34, 1);
        for (int i = 0; i < 48 && raw.device.readConfig(offset, 1) != MSIX_CAPABILITY; i++) {
            offset = raw.device.readConfig(offset + 1, 1);
        }
        assertEquals(MSIX_CAPABILITY, raw.device.readConfig(offset, 1));
        raw.device.writeConfig(offset + 2, 2, MSIX_ENABLE);
    }

    private void createInterruptingQueues() throws IOException {
        raw.createQueues(VECTOR);
    }

    private void resetCounters() {
        tail = 0;
        head = 0;
        phase = 1;
    }

    private void flush() {
        submit(NvmOpcode.FLUSH, 0);
    }

    private void submit(int opcode, long prp1) {
        long sqe = raw.queueAddress(RawController.IO_SQ) + (long) tail * Sqe.BYTES;
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, opcode, tail);
        Sqe.setNsid(sqe, 1);
        Sqe.setPrp1(sqe, prp1);
        tail = (tail + 1) % RawController.IO_ENTRIES;
        raw.ring(Doorbells.sqTailDoorbell(1), tail);
    }

    private int awaitCompletion() {
        long cqe = raw.queueAddress(RawController.IO_CQ) + (long) head * Cqe.BYTES;
        long start = System.nanoTime();
        while (Cqe.phase(Cqe.tail(cqe)) != phase) {
            assertTrue(System.nanoTime() - start < RawController.DEADLINE_NANOS, "no completion within 2 s");
            Thread.onSpinWait();
        }
        int status = Cqe.status(Cqe.tail(cqe));
        head = (head + 1) % RawController.IO_ENTRIES;
        phase ^= head == 0 ? 1 : 0;
        raw.ring(Doorbells.cqHeadDoorbell(1), head);
        return status;
    }

    private void assertEndsIn(Status expected) {
        int status = awaitCompletion();
        assertTrue(expected.is(status), () -> Status.describe(status));
    }

    private static void awaitSignal(EventFd target) {
        long start = System.nanoTime();
        while (target.drain() == 0) {
            assertTrue(System.nanoTime() - start < 5 * RawController.DEADLINE_NANOS, "an interrupt was lost");
            Thread.onSpinWait();
        }
    }
}

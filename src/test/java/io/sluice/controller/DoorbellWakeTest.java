package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.device.Region;
import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Aqa;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.pci.PciHeader;
import io.sluice.poll.AgentRunner;
import io.sluice.poll.CommandQueue;
import io.sluice.poll.IdleStrategy;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A poller on a thread of its own that sleeps whenever it may, for as long as nobody wakes it, and a guest that has its doorbells in
 * its memory: a wake that is lost is a command that never ends.
 */
@Timeout(120)
class DoorbellWakeTest {
    private static final int COMMANDS = 2_000;
    private static final int ENTRIES = 16;
    private static final long SHADOW = 0x30_0000;
    private static final long EVENT_IDX = 0x30_1000;
    private static final long PATIENCE_NANOS = 30_000_000_000L;

    private final long seed = Long.getLong("sluice.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final FakeGuest memory;
    private final NvmeController controller;
    private final AgentRunner runner;
    private final AtomicInteger sleeps = new AtomicInteger();
    private int adminTail;

    /** Sleeps at once, and without an end. */
    private final class Sleeper implements IdleStrategy {
        @Override
        public void idle(int work, long maxRestNanos) {
            Thread.onSpinWait();
        }

        @Override
        public boolean isParking() {
            return true;
        }

        @Override
        public void sleep() {
            sleeps.incrementAndGet();
            LockSupport.park();
        }
    }

    DoorbellWakeTest() throws Exception {
        memory = new FakeGuest(16 << 20);
        AtomicReference<AgentRunner> later = new AtomicReference<>();
        Runnable wake = () -> later.get().wake();
        controller = new NvmeController(
                ControllerConfig.of("wake", "SN1").withTrappedDoorbells(),
                new ManualPath(),
                CommandQueue.to(wake),
                wake,
                System::nanoTime);
        runner = new AgentRunner(controller, new Sleeper(), () -> {});
        later.set(runner);
    }

    private void write(Registers register, long value) throws Exception {
        writeBar0(register.offset(), register.bytes(), value);
    }

    private void writeBar0(long offset, int bytes, long value) throws Exception {
        byte[] source = new byte[bytes];
        LittleEndian.put(value, source);
        controller.write(Region.BAR0, offset, source);
    }

    /** As it is when nothing has to be loaded first, on a thread that has little time for it. */
    private static void warmUp() throws Exception {
        try (ControllerRig rig = new ControllerRig()) {
            rig.enable(ENTRIES);
            rig.createCq(1, ENTRIES, -1);
        }
    }

    private void enable() throws Exception {
        controller.attach(memory);
        controller.write(Region.CONFIG, PciHeader.COMMAND, new byte[] {PciHeader.COMMAND_BUS_MASTER, 0});
        write(Registers.AQA, Aqa.of(ENTRIES, ENTRIES));
        write(Registers.ASQ, ControllerRig.ASQ);
        write(Registers.ACQ, ControllerRig.ACQ);
        write(Registers.CC, ControllerRig.cc(true));
    }

    private void admin(int opcode, LongConsumer fill) throws Exception {
        long sqe = memory.hva(ControllerRig.ASQ) + (long) adminTail * Sqe.BYTES;
        Sqe.setCommand(sqe, opcode, adminTail);
        fill.accept(sqe);
        long cqe = memory.hva(ControllerRig.ACQ) + (long) adminTail * Cqe.BYTES;
        writeBar0(Doorbells.sqTailDoorbell(0), Integer.BYTES, ++adminTail);
        await(cqe, 1, "admin command " + opcode);
        assertEquals(Status.OK, Cqe.status(Cqe.tail(cqe)), "admin command " + opcode);
        writeBar0(Doorbells.cqHeadDoorbell(0), Integer.BYTES, adminTail); // else the pin keeps the poller awake
    }

    @SuppressWarnings("ThreadPriorityCheck") // nothing relies on the yield
    private void await(long cqe, int phase, String what) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (Cqe.phase(Memory.getLongAcquire(cqe + Long.BYTES)) != phase) {
            assertTrue(
                    System.nanoTime() < deadline, what + " has not ended, after " + sleeps + " sleeps, seed " + seed);
            Thread.yield(); // the poller may want this processor
        }
    }

    private void createPair() throws Exception {
        admin(AdminOpcode.CREATE_IO_CQ, sqe -> AdminSqe.setCreateCq(sqe, 1, ENTRIES, ControllerRig.cqGpa(1), false, 0));
        admin(
                AdminOpcode.CREATE_IO_SQ,
                sqe -> AdminSqe.setCreateSq(sqe, 1, ENTRIES, ControllerRig.sqGpa(1), 1, AdminSqe.QPRIO_MEDIUM));
        admin(AdminOpcode.DOORBELL_BUFFER_CONFIG, sqe -> {
            Sqe.setPrp1(sqe, SHADOW);
            Sqe.setPrp2(sqe, EVENT_IDX);
        });
    }

    @Test
    void shouldEndEveryCommandOfAGuestThatRingsOnlyWhenItIsAskedTo() throws Exception {
        System.out.println("seed of doorbells and sleeps: " + seed);
        warmUp();
        try {
            runner.start();
            enable();
            createPair();
            int rung = 0;
            ShadowGuest guest = new ShadowGuest(memory.hva(SHADOW), memory.hva(EVENT_IDX));
            for (int i = 0; i < COMMANDS; i++) {
                int sleepsBefore = sleeps.get();
                rung += submit(guest, i) ? 1 : 0;
                await(
                        memory.hva(ControllerRig.cqGpa(1)) + (long) (i % ENTRIES) * Cqe.BYTES,
                        (i / ENTRIES + 1) & 1,
                        "command " + i);
                guest.moveHead(1, (i + 1) % ENTRIES);
                linger(sleepsBefore);
            }
            assertTrue(sleeps.get() > COMMANDS / 4, sleeps + " sleeps");
            assertTrue(rung > COMMANDS / 4, rung + " doorbells rung");
        } finally {
            close();
        }
    }

    private boolean submit(ShadowGuest guest, int i) throws Exception {
        long sqe = memory.hva(ControllerRig.sqGpa(1)) + (long) (i % ENTRIES) * Sqe.BYTES;
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, NvmOpcode.FLUSH, i & 0x7fff);
        Sqe.setNsid(sqe, 1);
        int tail = (i + 1) % ENTRIES;
        boolean wanted = guest.moveTail(1, tail);
        if (wanted) {
            writeBar0(Doorbells.sqTailDoorbell(1), Integer.BYTES, tail);
        }
        return wanted;
    }

    /** So that the next doorbell comes at any moment of the poller's way to sleep, and half of them to one that has just gone. */
    @SuppressWarnings("ThreadPriorityCheck") // nothing relies on the yield
    private void linger(int sleepsBefore) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        boolean waits = random.nextBoolean();
        while (waits && sleeps.get() == sleepsBefore) {
            assertTrue(System.nanoTime() < deadline, "it does not go to sleep, seed " + seed);
            Thread.yield();
        }
        for (int spins = random.nextInt(600); spins > 0; spins--) {
            Thread.onSpinWait();
        }
    }

    private void close() {
        controller.detach();
        assertTrue(runner.stop());
        controller.close();
        memory.close();
    }
}

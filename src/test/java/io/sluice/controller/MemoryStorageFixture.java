package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;

/** Storage, in memory if a test does not say otherwise, behind a real queue pair of a guest that is stepped by hand. */
abstract class MemoryStorageFixture {
    private static final long HANG_NANOS = 60_000_000_000L;

    static final int PAGE = Memory.PAGE_BYTES;
    static final int ENTRIES = 64;
    static final long SQ_GPA = 0;
    static final long CQ_GPA = 0x1_0000;
    static final long LIST_GPA = 0x2_0000;
    static final long DATA_GPA = 0x10_0000;
    static final int MAX_TRANSFER = 1 << 20;

    final FakeGuest guest;
    final Mapping bar0;
    IoPath storage;
    IoQueues queues;
    private ControllerState state;
    int tail;

    MemoryStorageFixture() throws Exception {
        guest = new FakeGuest(4 << 20);
        bar0 = Mapping.anonymous(16 << 10, Mapping.PROT_READ | Mapping.PROT_WRITE);
    }

    void open(long bytes, int blockBytes) throws Exception {
        storage = newStorage(new Namespace(1, bytes / blockBytes, blockBytes, 0, 0, 0, false));
        state = TestState.of(storage);
        queues = new IoQueues(storage, 1, MAX_TRANSFER, bar0.address(), vector -> {}, new NoQueueFaults(), state);
        queues.enable(guest, PAGE);
        assertTrue(queues.createCompletionQueue(1, ENTRIES, CQ_GPA, 0));
        assertTrue(queues.createSubmissionQueue(1, ENTRIES, SQ_GPA, 1));
    }

    IoPath newStorage(Namespace namespace) throws Exception {
        return new MemoryStorage(namespace);
    }

    @AfterEach
    void closeAll() {
        stepUntil(queues::reset, "nothing is pending");
        queues.close();
        state.close();
        storage.close();
        bar0.close();
        guest.close();
    }

    int transfer(int opcode, long slba, int blocks) {
        long sqe = command(opcode);
        Sqe.setSlba(sqe, slba);
        Sqe.setBlockCount(sqe, blocks);
        Sqe.setPrp2(sqe, (long) blocks * 4096 > 2 * PAGE ? LIST_GPA : DATA_GPA + PAGE);
        int pages = MAX_TRANSFER / PAGE;
        for (int i = 1; i < pages; i++) {
            Memory.putLong(guest.hva(LIST_GPA) + 8L * (i - 1), DATA_GPA + (long) i * PAGE);
        }
        if ((long) blocks << storage.namespaces().get(0).blockShift() <= 2 * PAGE) {
            Sqe.setPrp2(sqe, DATA_GPA + PAGE);
        }
        ring();
        return complete();
    }

    void deallocate(long slba, int blocks) {
        DsmRange.set(guest.hva(DATA_GPA), 0, blocks, slba);
        long sqe = command(NvmOpcode.DATASET_MANAGEMENT);
        Sqe.setDsm(sqe, 1, Sqe.DSM_DEALLOCATE);
        ring();
        assertEquals(Status.OK, complete());
    }

    /** Without More, which says that the error log has an entry. */
    static int status(int posted) {
        return posted & ~Status.MORE;
    }

    void assertBlock(long lba, byte expected) {
        assertEquals(Status.OK, transfer(NvmOpcode.READ, lba, 1));
        byte[] data = new byte[512];
        Memory.copyOut(guest.hva(DATA_GPA), data, 0, 512);
        byte[] wanted = new byte[512];
        Arrays.fill(wanted, expected);
        assertArrayEquals(wanted, data, "block " + lba);
    }

    long command(int opcode) {
        long sqe = guest.hva(SQ_GPA) + (long) tail * Sqe.BYTES;
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, opcode, tail);
        Sqe.setNsid(sqe, 1);
        Sqe.setPrp1(sqe, DATA_GPA);
        return sqe;
    }

    /** The next command's entry, after those that have been written and not rung for. */
    long commandAfter(int others, int opcode) {
        int index = (tail + others) % ENTRIES;
        long sqe = guest.hva(SQ_GPA) + (long) index * Sqe.BYTES;
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, opcode, index);
        Sqe.setNsid(sqe, 1);
        Sqe.setPrp1(sqe, DATA_GPA);
        return sqe;
    }

    /** Rings for several commands at once, and has them done. Returns their statuses, in the order of completion, by command. */
    int[] ringAll(int count) {
        int first = tail;
        tail = (tail + count) % ENTRIES;
        Memory.putIntRelease(bar0.address() + Doorbells.sqTailDoorbell(1), tail);
        int[] statuses = new int[count];
        for (int i = 0; i < count; i++) {
            int index = (first + i) % ENTRIES;
            stepUntil(() -> Cqe.phase(Cqe.tail(cqe(index))) != phases[index], "command " + i + " has ended");
            long word = Cqe.tail(cqe(index));
            phases[index] ^= 1;
            statuses[Math.floorMod(Cqe.cid(word) - first, ENTRIES)] = Cqe.status(word) & ~Status.MORE;
        }
        Memory.putIntRelease(bar0.address() + Doorbells.cqHeadDoorbell(1), tail);
        return statuses;
    }

    void ring() {
        tail = (tail + 1) % ENTRIES;
        Memory.putIntRelease(bar0.address() + Doorbells.sqTailDoorbell(1), tail);
    }

    int complete() {
        int index = (tail + ENTRIES - 1) % ENTRIES;
        int before = Cqe.phase(Cqe.tail(cqe(index)));
        stepUntil(() -> Cqe.phase(Cqe.tail(cqe(index))) != before, "the command has ended");
        completed();
        return Cqe.status(Cqe.tail(cqe(index)));
    }

    private void stepUntil(BooleanSupplier reached, String what) {
        long start = System.nanoTime();
        while (!reached.getAsBoolean()) {
            assertTrue(System.nanoTime() - start < HANG_NANOS, () -> "it never comes that " + what);
            if (queues.doWork() == 0) {
                LockSupport.parkNanos(1_000);
            }
        }
    }

    int phaseBefore(int index) {
        return index < ENTRIES ? phases[index] : 0;
    }

    final int[] phases = new int[ENTRIES];

    void completed() {
        int index = (tail + ENTRIES - 1) % ENTRIES;
        phases[index] = Cqe.phase(Cqe.tail(cqe(index)));
        assertEquals(index, Cqe.cid(Cqe.tail(cqe(index))));
        Memory.putIntRelease(bar0.address() + Doorbells.cqHeadDoorbell(1), tail);
    }

    long cqe(int index) {
        return guest.hva(CQ_GPA) + (long) index * Cqe.BYTES;
    }
}

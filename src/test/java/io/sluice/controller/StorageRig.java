package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.CopyRange;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;

/** A storage behind one real queue pair, whose commands may end late and in any order; stepped by hand. */
final class StorageRig implements AutoCloseable {
    static final int MAX_TRANSFER = 1 << 20;
    static final int ENTRIES = 256;

    private static final int PAGE = Memory.PAGE_BYTES;
    private static final long SQ_GPA = 0;
    private static final long CQ_GPA = 0x1_0000;
    private static final long LIST_GPA = 0x2_0000;
    /** Of the first buffer; each has {@link #MAX_TRANSFER} bytes. */
    private static final long DATA_GPA = 0x10_0000;

    private static final int BUFFERS = 4;

    /** The buffer whose pages, but for the first, come in the opposite order, so that no two are one piece. */
    static final int SCATTERED = 2;

    private static final long HANG_NANOS = 60_000_000_000L;
    private static final int NOT_ENDED = -1;

    final FakeGuest guest;
    final IoPath path;
    final IoQueues queues;
    private final ControllerState state;
    private final Mapping bar0;
    private final int blockShift;
    private final int[] statuses = new int[ENTRIES];
    private final int[] results = new int[ENTRIES];
    private int tail;
    private int head;
    private int phase = 1;

    /** @param path closed with this */
    StorageRig(IoPath path) throws IOException {
        this.path = path;
        blockShift = path.namespaces().getFirst().blockShift();
        guest = new FakeGuest(DATA_GPA + (long) BUFFERS * MAX_TRANSFER);
        bar0 = Mapping.anonymous(16 << 10, Mapping.PROT_READ | Mapping.PROT_WRITE);
        state = TestState.of(path);
        queues = new IoQueues(path, 1, MAX_TRANSFER, bar0.address(), vector -> {}, new NoQueueFaults(), state);
        queues.enable(guest, PAGE);
        assertTrue(queues.createCompletionQueue(1, ENTRIES, CQ_GPA, 0));
        reopenQueue();
        for (int buffer = 0; buffer < BUFFERS; buffer++) {
            for (int i = 1; i < MAX_TRANSFER / PAGE; i++) {
                int page = buffer == SCATTERED ? MAX_TRANSFER / PAGE - i : i;
                Memory.putLong(guest.hva(list(buffer)) + 8L * (i - 1), data(buffer) + (long) page * PAGE);
            }
        }
    }

    /** Makes the submission queue, or again after it was deleted. */
    void reopenQueue() {
        tail = 0;
        assertTrue(queues.createSubmissionQueue(1, ENTRIES, SQ_GPA, 1));
    }

    private static long list(int buffer) {
        return LIST_GPA + (long) buffer * PAGE;
    }

    private static long data(int buffer) {
        return DATA_GPA + (long) buffer * MAX_TRANSFER;
    }

    /** The host address of a buffer. */
    long buffer(int buffer) {
        return guest.hva(data(buffer));
    }

    /** Lets the first page of a buffer be at an address where this process has nothing. */
    void takeMemoryFrom(int buffer) {
        guest.mapPage(data(buffer), PAGE - guest.hva(0), Translator.READ | Translator.WRITE);
    }

    /** Puts a command into the queue, and rings. Returns its CID. */
    int submit(int opcode, long slba, int blocks, int buffer) {
        transferEntry(opcode, slba, blocks, buffer);
        return ring();
    }

    /** The same to another namespace than 1. */
    int submitTo(int nsid, int opcode, long slba, int blocks, int buffer) {
        int cid = submit(opcode, slba, blocks, buffer);
        Sqe.setNsid(guest.hva(SQ_GPA) + (long) cid * Sqe.BYTES, nsid);
        return cid;
    }

    /** The same with FUA. */
    int submitForced(int opcode, long slba, int blocks, int buffer) {
        int cid = submit(opcode, slba, blocks, buffer);
        Sqe.setForceUnitAccess(guest.hva(SQ_GPA) + (long) cid * Sqe.BYTES, true);
        return cid;
    }

    int flush() {
        entry(NvmOpcode.FLUSH);
        return ring();
    }

    /** A Flush of all namespaces. */
    int flushAll() {
        Sqe.setNsid(entry(NvmOpcode.FLUSH), Sqe.NSID_ALL);
        return ring();
    }

    int deallocate(long[]... ranges) {
        long sqe = entry(NvmOpcode.DATASET_MANAGEMENT);
        Sqe.setPrp1(sqe, data(BUFFERS - 1));
        Sqe.setDsm(sqe, ranges.length, Sqe.DSM_DEALLOCATE);
        for (int i = 0; i < ranges.length; i++) {
            DsmRange.set(buffer(BUFFERS - 1) + (long) i * DsmRange.BYTES, 0, ranges[i][1], ranges[i][0]);
        }
        return ring();
    }

    /** Source ranges, each a first block and a number, to one place. */
    int copy(long sdlba, boolean forced, long[]... ranges) {
        long sqe = entry(NvmOpcode.COPY);
        Sqe.setPrp1(sqe, data(BUFFERS - 1));
        Sqe.setCopy(sqe, sdlba, ranges.length, forced);
        for (int i = 0; i < ranges.length; i++) {
            CopyRange.set(buffer(BUFFERS - 1) + (long) i * CopyRange.BYTES, ranges[i][0], (int) ranges[i][1]);
        }
        return ring();
    }

    /** A fused Compare and Write, of two buffers. Returns the CID of the Compare; the Write's is the next one. */
    int compareAndWrite(long slba, int blocks, int compared, int written) {
        long compare = transferEntry(NvmOpcode.COMPARE, slba, blocks, compared);
        Sqe.setFuse(compare, Sqe.FUSE_FIRST);
        int first = add();
        long write = transferEntry(NvmOpcode.WRITE, slba, blocks, written);
        Sqe.setFuse(write, Sqe.FUSE_SECOND);
        ring();
        return first;
    }

    /** Dword 0 of a completion. */
    int result(int cid) {
        return results[cid];
    }

    private long transferEntry(int opcode, long slba, int blocks, int buffer) {
        long sqe = entry(opcode);
        Sqe.setPrp1(sqe, data(buffer));
        boolean two = (long) blocks << blockShift <= 2L * PAGE;
        Sqe.setPrp2(sqe, two ? data(buffer) + PAGE : list(buffer));
        Sqe.setSlba(sqe, slba);
        Sqe.setBlockCount(sqe, blocks);
        return sqe;
    }

    private long entry(int opcode) {
        long sqe = guest.hva(SQ_GPA) + (long) tail * Sqe.BYTES;
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, opcode, tail);
        Sqe.setNsid(sqe, 1);
        return sqe;
    }

    private int add() {
        int cid = tail;
        statuses[cid] = NOT_ENDED;
        tail = (tail + 1) % ENTRIES;
        return cid;
    }

    private int ring() {
        int cid = add();
        Memory.putIntRelease(bar0.address() + Doorbells.sqTailDoorbell(1), tail);
        return cid;
    }

    /** A duty cycle; takes what has been completed. */
    int step() {
        int work = queues.doWork();
        take();
        return work;
    }

    private void take() {
        while (Cqe.phase(Cqe.tail(cqe())) == phase) {
            long end = Cqe.tail(cqe());
            assertEquals(NOT_ENDED, statuses[Cqe.cid(end)], "it has ended twice");
            statuses[Cqe.cid(end)] = Cqe.status(end);
            results[Cqe.cid(end)] = Cqe.dw0(cqe());
            head = (head + 1) % ENTRIES;
            phase ^= head == 0 ? 1 : 0;
            Memory.putIntRelease(bar0.address() + Doorbells.cqHeadDoorbell(1), head);
        }
    }

    private long cqe() {
        return guest.hva(CQ_GPA) + (long) head * Cqe.BYTES;
    }

    boolean hasEnded(int cid) {
        take();
        return statuses[cid] != NOT_ENDED;
    }

    /** Steps until a command has ended, and gives its status. */
    int await(int cid) {
        long start = System.nanoTime();
        while (!hasEnded(cid)) {
            assertTrue(System.nanoTime() - start < HANG_NANOS, "command " + cid + " does not end");
            if (step() == 0) {
                LockSupport.parkNanos(1_000);
            }
        }
        return statuses[cid];
    }

    void assertEnds(Status expected, int cid) {
        int status = await(cid);
        assertTrue(expected.is(status), () -> "expected " + expected.text() + ", got " + Status.describe(status));
    }

    void write(long slba, int blocks, byte[] data) {
        Memory.copyIn(data, 0, buffer(0), data.length);
        assertEnds(Status.SUCCESS, submit(NvmOpcode.WRITE, slba, blocks, 0));
    }

    byte[] read(long slba, int blocks) {
        int bytes = blocks << blockShift;
        Memory.fill(buffer(1), bytes, (byte) 0x5a);
        assertEnds(Status.SUCCESS, submit(NvmOpcode.READ, slba, blocks, 1));
        byte[] data = new byte[bytes];
        Memory.copyOut(buffer(1), data, 0, bytes);
        return data;
    }

    static byte[] filled(int bytes, int value) {
        byte[] data = new byte[bytes];
        Arrays.fill(data, (byte) value);
        return data;
    }

    @Override
    public void close() {
        long start = System.nanoTime();
        while (!queues.reset() && System.nanoTime() - start < HANG_NANOS) {
            path.poll();
            LockSupport.parkNanos(1_000);
        }
        queues.close();
        state.close();
        path.close();
        bar0.close();
        guest.close();
    }
}

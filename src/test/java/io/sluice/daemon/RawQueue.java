package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.nvme.Cqe;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;

/**
 * The I/O queue pair that {@link RawController#createQueues()} makes, entry by entry. Its doorbells are rung by the mapped
 * page.
 */
final class RawQueue {
    private static final int QID = 1;

    private final RawController raw;
    private int tail;
    private int head;
    private int phase = 1;

    /** A pair that has just been created. */
    RawQueue(RawController raw) {
        this.raw = raw;
    }

    /** The next entry, cleared but for its opcode and namespace 1. */
    long next(int opcode) {
        long sqe = raw.queueAddress(RawController.IO_SQ) + (long) tail * Sqe.BYTES;
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, opcode, tail);
        Sqe.setNsid(sqe, 1);
        tail = (tail + 1) % RawController.IO_ENTRIES;
        return sqe;
    }

    /** Rings for all entries that {@link #next} has given. */
    void ring() {
        raw.ring(Doorbells.sqTailDoorbell(QID), tail);
    }

    /** Submits a command of one block. */
    void submit(int opcode, long prp1) {
        Sqe.setPrp1(next(opcode), prp1);
        ring();
    }

    void flush() {
        submit(NvmOpcode.FLUSH, 0);
    }

    /** Rings and waits for one completion. Returns its status. */
    int run() {
        ring();
        return await();
    }

    /** Waits for one completion and consumes it. Returns its status. */
    int await() {
        int status = awaitUnconsumed();
        consume();
        return status;
    }

    /** The same without telling the controller. */
    int awaitUnconsumed() {
        long cqe = raw.queueAddress(RawController.IO_CQ) + (long) head * Cqe.BYTES;
        long start = System.nanoTime();
        while (Cqe.phase(Cqe.tail(cqe)) != phase) {
            assertTrue(System.nanoTime() - start < RawController.PATIENCE_NANOS, "no completion within a minute");
            Thread.onSpinWait();
        }
        int status = Cqe.status(Cqe.tail(cqe));
        head = (head + 1) % RawController.IO_ENTRIES;
        phase ^= head == 0 ? 1 : 0;
        return status;
    }

    /** Tells the controller how far completions have been taken. */
    void consume() {
        raw.ring(Doorbells.cqHeadDoorbell(QID), head);
    }

    /** Whether a completion is there that has not been awaited. */
    boolean hasCompletion() {
        long cqe = raw.queueAddress(RawController.IO_CQ) + (long) head * Cqe.BYTES;
        return Cqe.phase(Cqe.tail(cqe)) == phase;
    }

    /** Rings, and expects exactly this status: type, code and Do Not Retry. */
    void assertEndsIn(int expected) {
        assertEquals(Status.describe(expected), Status.describe(run()));
    }
}

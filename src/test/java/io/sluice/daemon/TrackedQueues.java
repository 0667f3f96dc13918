package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;

/**
 * I/O queues of a {@link RawController}, where each completion must be that of a command that was submitted and has not ended:
 * by its submission queue, in that one's completion queue, by its CID.
 *
 * <pre>
 *   SQ 1 ─┐
 *   SQ 2 ─┴─ CQ 1        SQ 3 ─── CQ 2
 *
 *   queue memory:  1_0000h SQ 1 | 2_0000h SQ 2 | 3_0000h SQ 3 | … | 9_0000h CQ 1 | A_0000h CQ 2
 * </pre>
 */
final class TrackedQueues {
    static final int SUBMISSION_QUEUES = 3;
    static final int COMPLETION_QUEUES = 2;
    static final int ENTRIES = 128;
    static final int CQ_ENTRIES = 256;
    static final long SQ_BYTES = (long) ENTRIES * Sqe.BYTES;
    static final long CQ_BYTES = (long) CQ_ENTRIES * Cqe.BYTES;

    /** Of what waits for a completion between two looks, so that it leaves the processor to those who make it. */
    private static final long PAUSE_NANOS = 5_000;

    private static final long STRIDE = 0x1_0000;
    private static final long FIRST_CQ = 0x9_0000;
    private static final int CIDS = 1 << 16;

    /** By identifier, from 1. */
    private static final int[] CQ_OF = {0, 1, 1, 2};

    /** Hears of each completion. */
    @FunctionalInterface
    interface Listener {
        void ended(int sqid, int cid, int status);
    }

    private static final class Submission {
        /** How many of each CID have been submitted and have not ended: a mutated entry may have another's. */
        final byte[] outstanding = new byte[CIDS];

        boolean exists;
        int tail;
        int rung;
        int pending;
        int nextCid;
    }

    private static final class Completion {
        boolean exists;
        int head;
        int phase;
    }

    private final RawController raw;
    private final Listener listener;
    private final Submission[] submissions = new Submission[SUBMISSION_QUEUES + 1];
    private final Completion[] completions = new Completion[COMPLETION_QUEUES + 1];

    /** Whether somebody may rewrite entries that were submitted: their CIDs tell nothing then. */
    private boolean entriesChange;

    private long ended;
    private long exactlyKnown;
    private long slowestNanos;

    TrackedQueues(RawController raw, Listener listener) {
        this.raw = raw;
        this.listener = listener;
        Arrays.setAll(submissions, i -> new Submission());
        Arrays.setAll(completions, i -> new Completion());
    }

    static long sqOffset(int sqid) {
        return sqid * STRIDE;
    }

    static long cqOffset(int cqid) {
        return FIRST_CQ + (cqid - 1) * STRIDE;
    }

    /** How many commands have ended. */
    long ended() {
        return ended;
    }

    /** How many of them were known by their CID for sure, and so have ended exactly once. */
    long exactlyKnown() {
        return exactlyKnown;
    }

    /** How long the slowest of {@link #awaitAll} took. */
    long slowestNanos() {
        return slowestNanos;
    }

    /** Only while nothing is pending. */
    void entriesMayChange(boolean may) {
        entriesChange = may;
    }

    // ---- life

    /** All of them, on a controller that is ready and has none. */
    void createAll() {
        for (int cqid = 1; cqid <= COMPLETION_QUEUES; cqid++) {
            createCompletionQueue(cqid);
        }
        for (int sqid = 1; sqid <= SUBMISSION_QUEUES; sqid++) {
            createSubmissionQueue(sqid);
        }
    }

    private void createCompletionQueue(int cqid) {
        Memory.fill(raw.queueAddress(cqOffset(cqid)), CQ_BYTES, (byte) 0);
        Completion queue = completions[cqid];
        queue.head = 0;
        queue.phase = 1;
        queue.exists = true;
        long sqe = raw.adminSqe(AdminOpcode.CREATE_IO_CQ);
        AdminSqe.setCreateCq(sqe, cqid, CQ_ENTRIES, raw.queueIova + cqOffset(cqid), false, 0);
        runAdmin();
    }

    void createSubmissionQueue(int sqid) {
        Submission queue = submissions[sqid];
        queue.tail = 0;
        queue.rung = 0;
        queue.exists = true;
        long sqe = raw.adminSqe(AdminOpcode.CREATE_IO_SQ);
        AdminSqe.setCreateSq(sqe, sqid, ENTRIES, raw.queueIova + sqOffset(sqid), CQ_OF[sqid], AdminSqe.QPRIO_URGENT);
        runAdmin();
    }

    /** Deletes a submission queue, whatever is in it. What has not ended by then must not end any more. */
    void deleteSubmissionQueue(int sqid) {
        AdminSqe.setDeleteQueue(raw.adminSqe(AdminOpcode.DELETE_IO_SQ), sqid);
        runAdmin();
        reap();
        forget(submissions[sqid]);
    }

    /** Deletes the last completion queue with its submission queue, and creates them anew after something else. */
    void renewLastCompletionQueue(Runnable meanwhile) {
        deleteSubmissionQueue(SUBMISSION_QUEUES);
        AdminSqe.setDeleteQueue(raw.adminSqe(AdminOpcode.DELETE_IO_CQ), COMPLETION_QUEUES);
        runAdmin();
        completions[COMPLETION_QUEUES].exists = false;
        meanwhile.run();
        createCompletionQueue(COMPLETION_QUEUES);
        createSubmissionQueue(SUBMISSION_QUEUES);
    }

    private void runAdmin() {
        int status = raw.runAdmin();
        assertEquals(Status.OK, status, () -> Status.describe(status));
    }

    /** The controller has lost them all, and what was in them. */
    void forgetAll() {
        for (Submission queue : submissions) {
            forget(queue);
        }
        for (Completion queue : completions) {
            queue.exists = false;
        }
    }

    private static void forget(Submission queue) {
        queue.exists = false;
        queue.pending = 0;
        Arrays.fill(queue.outstanding, (byte) 0);
    }

    // ---- commands

    /** Whether a queue exists and has room for so many more entries. */
    boolean hasRoom(int sqid, int commands) {
        Submission queue = submissions[sqid];
        int used = queue.pending + Math.floorMod(queue.tail - queue.rung, ENTRIES);
        return queue.exists && used + commands <= ENTRIES - 1;
    }

    /** The next entry of a queue that has room, cleared but for its opcode, its CID and namespace 1. */
    long next(int sqid, int opcode) {
        Submission queue = submissions[sqid];
        long sqe = raw.queueAddress(sqOffset(sqid)) + (long) queue.tail * Sqe.BYTES;
        do {
            queue.nextCid = (queue.nextCid + 1) % CIDS;
        } while (queue.outstanding[queue.nextCid] > 0);
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, opcode, queue.nextCid);
        Sqe.setNsid(sqe, 1);
        queue.tail = (queue.tail + 1) % ENTRIES;
        return sqe;
    }

    /** Submits all entries that {@link #next} has given, by the CIDs that they have now. */
    void ring() {
        for (int sqid = 1; sqid <= SUBMISSION_QUEUES; sqid++) {
            Submission queue = submissions[sqid];
            if (queue.rung == queue.tail || !queue.exists) {
                continue;
            }
            while (queue.rung != queue.tail) {
                queue.outstanding[Sqe.cid(raw.queueAddress(sqOffset(sqid)) + (long) queue.rung * Sqe.BYTES)]++;
                queue.pending++;
                queue.rung = (queue.rung + 1) % ENTRIES;
            }
            raw.ring(Doorbells.sqTailDoorbell(sqid), queue.tail);
        }
    }

    /** Waits until all have ended, each of them once. */
    void awaitAll() {
        long start = System.nanoTime();
        while (anyPending()) {
            if (reap() == 0) {
                LockSupport.parkNanos(PAUSE_NANOS);
            }
            assertTrue(
                    System.nanoTime() - start < RawController.PATIENCE_NANOS,
                    () -> "no completion within a minute: " + pendingText());
        }
        slowestNanos = Math.max(slowestNanos, System.nanoTime() - start);
    }

    private boolean anyPending() {
        for (Submission queue : submissions) {
            if (queue.pending > 0) {
                return true;
            }
        }
        return false;
    }

    private String pendingText() {
        return Arrays.toString(
                Arrays.stream(submissions).mapToInt(queue -> queue.pending).toArray());
    }

    /** Takes what has ended. Returns how many. */
    int reap() {
        int taken = 0;
        for (int cqid = 1; cqid <= COMPLETION_QUEUES; cqid++) {
            if (completions[cqid].exists) {
                taken += reap(cqid, completions[cqid]);
            }
        }
        return taken;
    }

    private int reap(int cqid, Completion queue) {
        int taken = 0;
        long address = raw.queueAddress(cqOffset(cqid));
        long tail = Cqe.tail(address + (long) queue.head * Cqe.BYTES);
        while (Cqe.phase(tail) == queue.phase) {
            take(cqid, tail);
            queue.head = (queue.head + 1) % CQ_ENTRIES;
            queue.phase ^= queue.head == 0 ? 1 : 0;
            taken++;
            tail = Cqe.tail(address + (long) queue.head * Cqe.BYTES);
        }
        if (taken > 0) {
            raw.ring(Doorbells.cqHeadDoorbell(cqid), queue.head);
        }
        return taken;
    }

    private void take(int cqid, long tail) {
        int sqid = Cqe.sqid(tail);
        int cid = Cqe.cid(tail);
        String what = "command " + cid + " of queue " + sqid + " ended in queue " + cqid;
        assertTrue(sqid >= 1 && sqid <= SUBMISSION_QUEUES && CQ_OF[sqid] == cqid, what);
        Submission queue = submissions[sqid];
        assertTrue(queue.exists && queue.pending > 0, () -> what + ", and none is in flight");
        assertTrue(Cqe.sqHead(tail) < ENTRIES, () -> what + ", head " + Cqe.sqHead(tail));
        if (!entriesChange) {
            assertTrue(queue.outstanding[cid] > 0, () -> what + ", and was not in flight");
            queue.outstanding[cid]--;
            exactlyKnown++;
        }
        queue.pending--;
        ended++;
        if (queue.pending == 0 && entriesChange) {
            Arrays.fill(queue.outstanding, (byte) 0);
        }
        listener.ended(sqid, cid, Cqe.status(tail));
    }

    /** What the controller may write to: the completion queues. */
    void forEachWritten(RangeVisitor visitor) {
        visitor.visit(raw.queueAddress(RawController.ADMIN_CQ), RawController.PAGE);
        for (int cqid = 1; cqid <= COMPLETION_QUEUES; cqid++) {
            visitor.visit(raw.queueAddress(cqOffset(cqid)), CQ_BYTES);
        }
    }

    /** Takes ranges of memory. */
    @FunctionalInterface
    interface RangeVisitor {
        void visit(long address, long bytes);
    }
}

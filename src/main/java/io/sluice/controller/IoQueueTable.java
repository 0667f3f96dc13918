package io.sluice.controller;

import io.sluice.dma.GuestMemory;
import io.sluice.state.SnapshotReader;
import io.sluice.state.SnapshotWriter;
import java.util.Arrays;
import java.util.Objects;

/** The I/O queues that there are: by identifier, and without gaps for the polling loop. Belongs to the controller's agent. */
final class IoQueueTable {
    private final IoPath path;
    private final DoorbellBuffers doorbells;
    private final QueueListener listener;
    private final ControllerState state;
    /** By qid; null where there is none. */
    private final VirtualSubmissionQueue[] submissionQueues;

    private final VirtualCompletionQueue[] completionQueues;

    private VirtualSubmissionQueue[] activeSubmissionQueues = {};
    private VirtualCompletionQueue[] activeCompletionQueues = {};
    private boolean anyMirrored;
    private GuestMemory memory;

    /**
     * No queues.
     *
     * @param maxQueuePairs the largest queue identifier
     * @param path is told of completion queues that come and go
     * @param state where what of them outlives this process is kept
     */
    IoQueueTable(
            int maxQueuePairs, IoPath path, DoorbellBuffers doorbells, QueueListener listener, ControllerState state) {
        this.path = path;
        this.doorbells = doorbells;
        this.listener = listener;
        this.state = state;
        submissionQueues = new VirtualSubmissionQueue[maxQueuePairs + 1];
        completionQueues = new VirtualCompletionQueue[maxQueuePairs + 1];
    }

    /** Null if there is none. */
    VirtualSubmissionQueue submissionQueue(int qid) {
        return submissionQueues[qid];
    }

    /** Null if there is none; of any number. */
    VirtualSubmissionQueue submissionQueueIfAny(int qid) {
        return qid < submissionQueues.length ? submissionQueues[qid] : null;
    }

    /** Null if there is none. */
    VirtualCompletionQueue completionQueue(int qid) {
        return completionQueues[qid];
    }

    /** The controller is enabled. */
    void enable(GuestMemory guestMemory) {
        memory = guestMemory;
    }

    /**
     * Makes a completion queue; its parameters have been checked.
     *
     * @param vector its interrupt vector, or {@link VirtualCompletionQueue#NO_VECTOR}
     * @return whether all of its memory can be reached; if not, nothing is made
     */
    boolean createCompletionQueue(int qid, int entries, long baseGpa, int vector) {
        VirtualCompletionQueue queue = newCompletionQueue(qid, entries, baseGpa, vector);
        if (!queue.reach(memory)) {
            return false;
        }
        doorbells.beginCqHead(qid);
        queue.begin();
        add(queue);
        return true;
    }

    private VirtualCompletionQueue newCompletionQueue(int qid, int entries, long baseGpa, int vector) {
        return new VirtualCompletionQueue(
                qid, entries, baseGpa, vector, doorbells.cqHead(qid), memory.hostView(), listener, state);
    }

    /** Makes a submission queue for an existing completion queue; otherwise as {@link #createCompletionQueue}. */
    boolean createSubmissionQueue(int qid, int entries, long baseGpa, int cqid) {
        VirtualSubmissionQueue queue = newSubmissionQueue(qid, entries, baseGpa, cqid);
        if (!queue.reach(memory)) {
            return false;
        }
        doorbells.beginSqTail(qid);
        state.ring(qid).beginSq();
        add(queue);
        return true;
    }

    private VirtualSubmissionQueue newSubmissionQueue(int qid, int entries, long baseGpa, int cqid) {
        return new VirtualSubmissionQueue(
                qid,
                entries,
                baseGpa,
                doorbells.sqTail(qid),
                completionQueues[cqid],
                memory.hostView(),
                listener,
                state.ring(qid));
    }

    private void add(VirtualCompletionQueue queue) {
        completionQueues[queue.qid()] = queue;
        refresh();
        path.completionQueueChanged(queue.qid(), true);
    }

    private void add(VirtualSubmissionQueue queue) {
        queue.completionQueue().addSubmissionQueue(1);
        submissionQueues[queue.qid()] = queue;
        refresh();
    }

    void remove(VirtualSubmissionQueue queue) {
        queue.completionQueue().storeCount(); // it has been in this queue's record, perhaps
        queue.completionQueue().addSubmissionQueue(-1);
        queue.memory().close();
        submissionQueues[queue.qid()] = null;
        refresh();
    }

    void remove(VirtualCompletionQueue queue) {
        queue.memory().close();
        completionQueues[queue.qid()] = null;
        refresh();
        path.completionQueueChanged(queue.qid(), false);
    }

    /** The controller is reset: there is no queue any more. */
    void clear() {
        for (VirtualCompletionQueue queue : activeCompletionQueues) {
            path.completionQueueChanged(queue.qid(), false);
            queue.memory().close();
        }
        for (VirtualSubmissionQueue queue : activeSubmissionQueues) {
            queue.memory().close();
        }
        Arrays.fill(submissionQueues, null);
        Arrays.fill(completionQueues, null);
        refresh();
    }

    /** The guest's memory has changed: addresses of before are forgotten. */
    void memoryChanged() {
        for (VirtualSubmissionQueue queue : activeSubmissionQueues) {
            queue.memory().forget();
        }
        for (VirtualCompletionQueue queue : activeCompletionQueues) {
            queue.memory().forget();
        }
    }

    // ---- what outlives this process

    /** Writes which queues there are. */
    void save(SnapshotWriter out) {
        out.put(activeCompletionQueues.length);
        for (VirtualCompletionQueue queue : activeCompletionQueues) {
            out.put(queue.qid());
            out.put(queue.entries());
            out.put(queue.memory().baseGpa());
            out.put(queue.vector());
        }
        out.put(activeSubmissionQueues.length);
        for (VirtualSubmissionQueue queue : activeSubmissionQueues) {
            out.put(queue.qid());
            out.put(queue.entries());
            out.put(queue.memory().baseGpa());
            out.put(queue.completionQueue().qid());
        }
    }

    /** Makes the queues that another process had; after {@link #enable}. Whether all of them can be reached. */
    boolean resume(SnapshotReader in) {
        boolean reached = true;
        for (int left = in.getInt(); left > 0; left--) {
            VirtualCompletionQueue queue = newCompletionQueue(in.getInt(), in.getInt(), in.getLong(), in.getInt());
            reached &= queue.reach(memory);
            add(queue);
        }
        for (int left = in.getInt(); left > 0; left--) {
            VirtualSubmissionQueue queue = newSubmissionQueue(in.getInt(), in.getInt(), in.getLong(), in.getInt());
            reached &= queue.reach(memory);
            add(queue);
        }
        return reached;
    }

    /** Their heads and tails are what the other process has left. */
    void resumeQueues() {
        for (VirtualCompletionQueue queue : activeCompletionQueues) {
            queue.resume();
        }
        for (VirtualSubmissionQueue queue : activeSubmissionQueues) {
            queue.resume();
            queue.completionQueue().resumeAt(queue.storedCount());
        }
    }

    /** The guest is told of all that it has not consumed. */
    void signalAgain() {
        for (VirtualCompletionQueue queue : activeCompletionQueues) {
            queue.signalAgain();
        }
    }

    private void refresh() {
        activeSubmissionQueues =
                Arrays.stream(submissionQueues).filter(Objects::nonNull).toArray(VirtualSubmissionQueue[]::new);
        activeCompletionQueues =
                Arrays.stream(completionQueues).filter(Objects::nonNull).toArray(VirtualCompletionQueue[]::new);
        anyMirrored = Arrays.stream(activeSubmissionQueues).anyMatch(VirtualSubmissionQueue::isMirrored)
                || Arrays.stream(activeCompletionQueues).anyMatch(VirtualCompletionQueue::isMirrored);
    }

    /** Those that there are, in the order of their identifiers; not to be changed. */
    VirtualSubmissionQueue[] activeSubmissionQueues() {
        return activeSubmissionQueues;
    }

    /** Likewise. */
    VirtualCompletionQueue[] activeCompletionQueues() {
        return activeCompletionQueues;
    }

    /** Whether any is in memory that the guest does not share. */
    boolean anyMirrored() {
        return anyMirrored;
    }

    boolean isEmpty() {
        return activeCompletionQueues.length == 0 && activeSubmissionQueues.length == 0;
    }
}

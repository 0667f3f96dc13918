package io.sluice.controller;

import java.util.Arrays;
import java.util.Objects;

/** The I/O queues that there are: by identifier, and without gaps for the polling loop. Belongs to the controller's agent. */
final class IoQueueTable {
    /** By qid; null where there is none. */
    private final VirtualSubmissionQueue[] submissionQueues;

    private final VirtualCompletionQueue[] completionQueues;

    private VirtualSubmissionQueue[] activeSubmissionQueues = {};
    private VirtualCompletionQueue[] activeCompletionQueues = {};
    private boolean anyMirrored;

    /** @param maxQueuePairs the largest queue identifier */
    IoQueueTable(int maxQueuePairs) {
        submissionQueues = new VirtualSubmissionQueue[maxQueuePairs + 1];
        completionQueues = new VirtualCompletionQueue[maxQueuePairs + 1];
    }

    /** Null if there is none. */
    VirtualSubmissionQueue submissionQueue(int qid) {
        return submissionQueues[qid];
    }

    /** Null if there is none. */
    VirtualCompletionQueue completionQueue(int qid) {
        return completionQueues[qid];
    }

    void add(VirtualSubmissionQueue queue) {
        submissionQueues[queue.qid()] = queue;
        refresh();
    }

    void add(VirtualCompletionQueue queue) {
        completionQueues[queue.qid()] = queue;
        refresh();
    }

    void removeSubmissionQueue(int qid) {
        submissionQueues[qid] = null;
        refresh();
    }

    void removeCompletionQueue(int qid) {
        completionQueues[qid] = null;
        refresh();
    }

    void clear() {
        Arrays.fill(submissionQueues, null);
        Arrays.fill(completionQueues, null);
        refresh();
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

package io.sluice.controller;

/** For tests in which nothing may be wrong with a queue: whatever is told of one fails the test. */
class NoQueueFaults implements QueueListener {
    @Override
    public void invalidDoorbell(int qid, boolean cqHead, int value) {
        throw new AssertionError("doorbell " + qid + (cqHead ? " (CQ head) " : " (SQ tail) ") + value);
    }

    @Override
    public void queueMemoryUnreachable(int qid, boolean completionQueue, long code) {
        throw new AssertionError("queue " + qid + " is unreachable");
    }

    @Override
    public void completionLost(int cqid, int sqid, int cid) {
        throw new AssertionError("completion lost: CQ " + cqid + ", SQ " + sqid + ", CID " + cid);
    }
}

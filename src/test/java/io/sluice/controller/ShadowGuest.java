package io.sluice.controller;

import io.sluice.mem.Memory;
import io.sluice.nvme.DoorbellBuffer;

/** A guest that has its doorbells in its memory: what a driver does for each, step by step. */
final class ShadowGuest {
    private final long shadow;
    private final long eventIdx;

    /** Host addresses of the two buffers. */
    ShadowGuest(long shadow, long eventIdx) {
        this.shadow = shadow;
        this.eventIdx = eventIdx;
    }

    int tail(int qid) {
        return Memory.getIntAcquire(shadow + DoorbellBuffer.sqTailOffset(qid));
    }

    int head(int qid) {
        return Memory.getIntAcquire(shadow + DoorbellBuffer.cqHeadOffset(qid));
    }

    int eventIdx(int qid) {
        return Memory.getIntAcquire(eventIdx + DoorbellBuffer.sqTailOffset(qid));
    }

    /** Whether the doorbell has to be written as well. */
    boolean moveTail(int qid, int index) {
        int old = tail(qid);
        storeTail(qid, index);
        Memory.fullFence();
        return isWanted(qid, index, old);
    }

    /** The first half of {@link #moveTail}. */
    void storeTail(int qid, int index) {
        Memory.putIntRelease(shadow + DoorbellBuffer.sqTailOffset(qid), index);
    }

    /** The second half. */
    boolean isWanted(int qid, int index, int old) {
        return DoorbellBuffer.needsEvent(eventIdx(qid), index, old);
    }

    void moveHead(int qid, int index) {
        Memory.putIntRelease(shadow + DoorbellBuffer.cqHeadOffset(qid), index);
    }
}

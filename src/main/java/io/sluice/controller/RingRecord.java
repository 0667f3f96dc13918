package io.sluice.controller;

import io.sluice.mem.Bits;
import io.sluice.mem.Memory;
import io.sluice.state.Stores;

/**
 * How far the queues with one identifier have come, as it outlives this process. Completions are counted from the creation of their
 * queue on, and the count says both where its tail is and which phase it has.
 *
 * <pre>
 *   0h  SQ  63:16 completions of its CQ when it was stored │ 15:0 head        one store for a command that was done at once
 *   8h  CQ  completions                                                       one store for any other
 *   10h CQ  head, as far as it has been looked at
 *   14h CQ  how many completions the guest has, the lower 32 bits, where entries go by messages
 * </pre>
 *
 * <p>How many completions there are is the largest of what a CQ and its SQs say.
 */
final class RingRecord {
    static final int BYTES = 64;

    private static final int SQ = 0;
    private static final int CQ = 8;
    private static final int CQ_HEAD = 16;
    private static final int CQ_SENT = 20;

    /** In the word of a submission queue, which is stored for each command: by hand, since {@link Bits} checks what cannot be wrong. */
    private static final int CQ_COUNT_SHIFT = 16;

    private final long address;
    private final Stores stores;

    RingRecord(long address, Stores stores) {
        this.address = address;
        this.stores = stores;
    }

    /** See {@link Stores#beforeEffect}. */
    void beforeEffect() {
        stores.beforeEffect();
    }

    /** A submission queue is being made. */
    void beginSq() {
        stores.putLong(address + SQ, 0);
    }

    /** A completion queue is being made. */
    void beginCq() {
        setCqCount(0);
        setCqHead(0);
        setCqSent(0);
    }

    int sqHead() {
        return (int) Bits.get(Memory.getLong(address + SQ), 15, 0);
    }

    /** Of the submission queue's completion queue, less than 2^48. */
    long cqCountInSq() {
        return Bits.get(Memory.getLong(address + SQ), 63, 16);
    }

    void setSq(int head, long cqCount) {
        stores.putLong(address + SQ, cqCount << CQ_COUNT_SHIFT | head);
    }

    long cqCount() {
        return Memory.getLong(address + CQ);
    }

    void setCqCount(long count) {
        stores.putLong(address + CQ, count);
    }

    int cqHead() {
        return Memory.getInt(address + CQ_HEAD);
    }

    void setCqHead(int head) {
        stores.putInt(address + CQ_HEAD, head);
    }

    /**
     * How many completions the guest has been known to have; it may have more.
     *
     * @param count how many there are, which is at most a queue's more, or fewer
     */
    long cqSent(long count) {
        return count - ((int) count - Memory.getInt(address + CQ_SENT));
    }

    /** An index would not do: a guest that has consumed what is not known to be sent can have a whole queue to come. */
    void setCqSent(long sent) {
        stores.putInt(address + CQ_SENT, (int) sent);
    }
}

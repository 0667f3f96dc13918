package io.sluice.host;

import io.sluice.mem.Bits;
import io.sluice.mem.Memory;
import io.sluice.state.Stores;

/**
 * What outlives this process of one queue pair, beside the memory of its queues. Entries of both queues are counted from their creation
 * on; each word is stored whole.
 *
 * <pre>
 *   ring   0h SQ entries that the device has been told of, or is about to be │ 8h CQ entries that it may use again, or is about to
 *   slot   0h token of its command │ 8h 63 outstanding │ 62 used │ 61:16 its entry's number in the SQ │ 15:0 its CID
 *          of a free one that was used:    63 0 │ 62 used │ 15:0 the CID of its next command
 *
 *   submit    slot ─▶ token ─▶ … ─▶ SQ count ─▶ doorbell        a slot whose entry is not counted was never submitted
 *   complete  listener ─▶ slot ─▶ … ─▶ CQ count ─▶ doorbell     an entry whose command is outstanding was never looked at
 * </pre>
 */
final class PairRecord {
    static final int RING_BYTES = 64;
    static final int SLOT_BYTES = 16;

    private static final int SQ = 0;
    private static final int CQ = 8;
    private static final int TOKEN = 0;
    private static final int COMMAND = 8;
    private static final long OUTSTANDING = 1L << 63;
    private static final long USED = 1L << 62;
    private static final int NUMBER_SHIFT = 16;
    private static final long NUMBERS = (1L << 46) - 1;

    private final long ring;
    private final long slots;
    private final Stores stores;

    /**
     * @param ring address of its ring's words, {@link #RING_BYTES}
     * @param slots address of its slots' words, {@link #SLOT_BYTES} each
     */
    PairRecord(long ring, long slots, Stores stores) {
        this.ring = Memory.hint(ring);
        this.slots = Memory.hint(slots);
        this.stores = stores;
    }

    /** See {@link Stores#beforeEffect}. */
    void beforeEffect() {
        stores.beforeEffect();
    }

    // ---- rings

    long sqCount() {
        return Memory.getLong(ring + SQ);
    }

    void setSqCount(long count) {
        stores.putLong(ring + SQ, count);
    }

    long cqCount() {
        return Memory.getLong(ring + CQ);
    }

    void setCqCount(long count) {
        stores.putLong(ring + CQ, count);
    }

    // ---- slots

    private long slot(int slot) {
        return slots + (long) slot * SLOT_BYTES;
    }

    /**
     * A free slot has a command.
     *
     * @param number of its entry
     */
    void taken(int slot, long token, long number, int cid) {
        long at = slot(slot);
        stores.putLong(at + COMMAND, OUTSTANDING | USED | ((number & NUMBERS) << NUMBER_SHIFT) | cid);
        stores.putLong(at + TOKEN, token);
    }

    /** The command of a slot has ended, and who submitted it knows. */
    void free(int slot, int nextCid) {
        stores.putLong(slot(slot) + COMMAND, USED | nextCid);
    }

    /** The command of an outstanding slot is somebody else's from now on. */
    void setToken(int slot, long token) {
        stores.putLong(slot(slot) + TOKEN, token);
    }

    boolean isOutstanding(int slot) {
        return Memory.getLong(slot(slot) + COMMAND) < 0;
    }

    /** Whether a slot has ever had a command. */
    boolean isUsed(int slot) {
        return Memory.getLong(slot(slot) + COMMAND) != 0;
    }

    long token(int slot) {
        return Memory.getLong(slot(slot) + TOKEN);
    }

    /** Of the command in an outstanding slot, or of the next one in a free slot that was used. */
    int cid(int slot) {
        return (int) Bits.get(Memory.getLong(slot(slot) + COMMAND), 15, 0);
    }

    /**
     * Whether the device was told of an outstanding command's entry.
     *
     * @param slotCount as many are outstanding at most
     */
    boolean isSubmitted(int slot, int slotCount) {
        long number = Bits.get(Memory.getLong(slot(slot) + COMMAND), 61, NUMBER_SHIFT);
        return ((number - sqCount()) & NUMBERS) > slotCount;
    }
}

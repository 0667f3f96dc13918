package io.sluice.host;

import java.util.Arrays;

/**
 * Which commands of a queue pair are outstanding. A slot's number is its command's CID, so that a completion finds its
 * slot without a search, and one for a slot that is not outstanding is known for a lie.
 *
 * <p>Free slots are a stack: the slot used last, whose memory is in the cache, is used next.
 */
final class SlotTable {
    private final int[] free;
    private final boolean[] outstanding;
    private final long[] tokens;
    private int freeCount;

    SlotTable(int count) {
        free = new int[count];
        outstanding = new boolean[count];
        tokens = new long[count];
        Arrays.setAll(free, i -> count - 1 - i);
        freeCount = count;
    }

    int count() {
        return free.length;
    }

    int outstanding() {
        return free.length - freeCount;
    }

    /** The slot that {@link #take} will take, or -1 if all are outstanding. */
    int peek() {
        return freeCount == 0 ? -1 : free[freeCount - 1];
    }

    /** Makes the slot of {@link #peek} outstanding. */
    void take(long token) {
        assert freeCount > 0 : "no free slot";
        freeCount--;
        int slot = free[freeCount];
        assert !outstanding[slot] : "slot " + slot + " was free and outstanding";
        outstanding[slot] = true;
        tokens[slot] = token;
    }

    /** Whether a CID, which the device may have made up, is that of an outstanding command. */
    boolean isOutstanding(int cid) {
        return cid < outstanding.length && outstanding[cid];
    }

    /** Frees an outstanding slot and gives its token. */
    long release(int slot) {
        assert outstanding[slot] : "slot " + slot + " is not outstanding";
        outstanding[slot] = false;
        free[freeCount] = slot;
        freeCount++;
        return tokens[slot];
    }
}

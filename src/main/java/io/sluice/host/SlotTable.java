package io.sluice.host;

import java.util.Arrays;

/**
 * Which commands of a queue pair are outstanding, and since when. A command's CID names its slot ({@link Cids}), so that a
 * completion finds its slot without a search, and one for a command that is not outstanding is known for a lie.
 *
 * <pre>
 *   free ──take──▶ outstanding ──deadline──▶ late ──▶ … still outstanding: nothing but its end makes it free
 *     ▲                 │ release             │ release
 *     └─────────────────┴─────────────────────┘
 * </pre>
 *
 * <p>Free slots are a stack: the slot used last, whose memory is in the cache, is used next. What outlives this process is in the
 * pair's {@link PairRecord}: a slot is taken there at once, and free when whoever has the command knows that it has ended.
 */
final class SlotTable {
    private final Cids codec;
    private final int[] free;
    /** Of an outstanding slot its CID; of a free one the complement of its next CID, which no device can name. */
    private final int[] cids;

    private final PairRecord record;
    private final boolean[] late;

    /** Whether another process has submitted it; null if there is none left of these. */
    private boolean[] inherited;

    private volatile int inheritedCount;
    private final long[] tokens;
    private final long[] deadlines;
    private int freeCount;
    private int lateCount;
    private long deadlineOfNew;

    /**
     * Slots that are all free.
     *
     * @param count 1 to 65535
     */
    SlotTable(int count, PairRecord record) {
        this.record = record;
        codec = new Cids(count);
        free = new int[count];
        cids = new int[count];
        late = new boolean[count];
        tokens = new long[count];
        deadlines = new long[count];
        Arrays.setAll(cids, slot -> ~codec.first(slot));
        fillFree();
    }

    private void fillFree() {
        Arrays.setAll(free, i -> free.length - 1 - i);
        freeCount = free.length;
    }

    /** Forgets all commands, but not which CIDs were theirs. */
    void freeAll() {
        for (int slot = 0; slot < cids.length; slot++) {
            if (isOutstanding(slot)) {
                cids[slot] = ~codec.next(cids[slot]);
            }
            record.free(slot, nextCid(slot));
        }
        inherited = null;
        inheritedCount = 0;
        Arrays.fill(late, false);
        lateCount = 0;
        fillFree();
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

    /** The CID that the next command in a free slot has. */
    int nextCid(int slot) {
        return ~cids[slot];
    }

    /**
     * Makes a free slot outstanding: that of {@link #peek}, or of an earlier one, if others were freed since.
     *
     * @param number of its entry in the submission queue
     */
    void take(int slot, long token, long number) {
        assert freeCount > 0 : "no free slot";
        freeCount--;
        if (free[freeCount] != slot) {
            moveToTop(slot);
        }
        assert !isOutstanding(slot) : "slot " + slot + " was free and outstanding";
        cids[slot] = ~cids[slot];
        record.taken(slot, token, number, cids[slot]);
        tokens[slot] = token;
        deadlines[slot] = deadlineOfNew;
    }

    private void moveToTop(int slot) {
        int at = freeCount;
        while (free[at] != slot) {
            at--;
        }
        free[at] = free[freeCount];
    }

    boolean isOutstanding(int slot) {
        return cids[slot] >= 0;
    }

    /** The CID of the command in an outstanding slot. */
    int cid(int slot) {
        return cids[slot];
    }

    /** The slot of the outstanding command that has a CID, which the device may have made up; -1 if there is none. */
    int find(int cid) {
        int slot = codec.slot(cid);
        return slot < cids.length && cids[slot] == cid ? slot : -1;
    }

    /** Frees an outstanding slot and gives its token; {@link #settle} is to follow. */
    long release(int slot) {
        assert isOutstanding(slot) : "slot " + slot + " is not outstanding";
        cids[slot] = ~codec.next(cids[slot]);
        free[freeCount] = slot;
        freeCount++;
        if (inherited != null) {
            forgetInherited(slot);
        }
        return tokens[slot];
    }

    /** Whoever had the command of a slot that was released knows that it has ended. Perhaps the slot has another one by now. */
    void settle(int slot) {
        if (!isOutstanding(slot)) {
            record.free(slot, nextCid(slot));
        }
    }

    long token(int slot) {
        return tokens[slot];
    }

    /** The command of an outstanding slot is somebody else's from now on. */
    void setToken(int slot, long token) {
        tokens[slot] = token;
        record.setToken(slot, token);
    }

    // ---- what another process has left

    /** Goes on with what another process has left; what the device was not told of is forgotten. */
    void takeOver() {
        boolean[] found = new boolean[cids.length];
        int count = 0;
        freeCount = 0;
        for (int slot = cids.length - 1; slot >= 0; slot--) {
            found[slot] = record.isOutstanding(slot) && record.isSubmitted(slot, cids.length);
            if (found[slot]) {
                cids[slot] = record.cid(slot);
                tokens[slot] = record.token(slot);
                count++;
            } else {
                cids[slot] = ~nextCidLeft(slot);
                if (record.isOutstanding(slot)) {
                    record.free(slot, nextCid(slot));
                }
                free[freeCount++] = slot;
            }
        }
        inherited = count == 0 ? null : found;
        inheritedCount = count;
    }

    private int nextCidLeft(int slot) {
        if (!record.isUsed(slot)) {
            return codec.first(slot);
        }
        return record.isOutstanding(slot) ? codec.next(record.cid(slot)) : record.cid(slot);
    }

    private void forgetInherited(int slot) {
        if (inherited[slot]) {
            inherited[slot] = false;
            int left = inheritedCount - 1; // nobody else writes it
            inheritedCount = left;
            if (left == 0) {
                inherited = null;
            }
        }
    }

    /** How many commands of another process are outstanding still; from any thread. */
    int inherited() {
        return inheritedCount;
    }

    // ---- deadlines

    /** Whether an outstanding command has passed its deadline. */
    boolean isLate(int slot) {
        return lateCount > 0 && late[slot];
    }

    /** Marks an outstanding command that has passed its deadline. */
    void markLate(int slot) {
        late[slot] = true;
        lateCount++;
    }

    /** Takes the mark away, before the slot is freed. */
    void clearLate(int slot) {
        late[slot] = false;
        lateCount--;
    }

    int late() {
        return lateCount;
    }

    long deadline(int slot) {
        return deadlines[slot];
    }

    void setDeadline(int slot, long deadlineNanos) {
        deadlines[slot] = deadlineNanos;
    }

    /** What {@link #take} gives from now on. */
    void setDeadlineOfNew(long deadlineNanos) {
        deadlineOfNew = deadlineNanos;
    }
}

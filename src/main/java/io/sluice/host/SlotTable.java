package io.sluice.host;

import java.util.Arrays;

/**
 * Which commands of a queue pair are outstanding, and since when. A slot's number is its command's CID, so that a completion
 * finds its slot without a search, and one for a slot that is not outstanding is known for a lie.
 *
 * <pre>
 *   free ──take──▶ outstanding ──deadline──▶ late ──▶ … still outstanding: nothing but its end makes it free
 *     ▲                 │ release             │ release
 *     └─────────────────┴─────────────────────┘
 * </pre>
 *
 * <p>Free slots are a stack: the slot used last, whose memory is in the cache, is used next.
 */
final class SlotTable {
    private static final byte FREE = 0;
    private static final byte OUTSTANDING = 1;
    private static final byte LATE = 2;

    private final int[] free;
    private final byte[] states;
    private final long[] tokens;
    private final long[] deadlines;
    private int freeCount;
    private int lateCount;

    SlotTable(int count) {
        free = new int[count];
        states = new byte[count];
        tokens = new long[count];
        deadlines = new long[count];
        freeAll();
    }

    /** Forgets all commands. */
    void freeAll() {
        Arrays.setAll(free, i -> free.length - 1 - i);
        Arrays.fill(states, FREE);
        freeCount = free.length;
        lateCount = 0;
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
    void take(long token, long deadlineNanos) {
        assert freeCount > 0 : "no free slot";
        freeCount--;
        int slot = free[freeCount];
        assert states[slot] == FREE : "slot " + slot + " was free and outstanding";
        states[slot] = OUTSTANDING;
        tokens[slot] = token;
        deadlines[slot] = deadlineNanos;
    }

    /** Whether a CID, which the device may have made up, is that of an outstanding command. */
    boolean isOutstanding(int cid) {
        return cid < states.length && states[cid] != FREE;
    }

    /** Frees an outstanding slot and gives its token. */
    long release(int slot) {
        assert states[slot] != FREE : "slot " + slot + " is not outstanding";
        states[slot] = FREE;
        free[freeCount] = slot;
        freeCount++;
        return tokens[slot];
    }

    // ---- deadlines

    /** Whether an outstanding command has passed its deadline. */
    boolean isLate(int slot) {
        return lateCount > 0 && states[slot] == LATE;
    }

    /** Marks an outstanding command that has passed its deadline. */
    void markLate(int slot) {
        states[slot] = LATE;
        lateCount++;
    }

    /** Takes the mark away, before the slot is freed. */
    void clearLate(int slot) {
        states[slot] = OUTSTANDING;
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
}

package io.sluice.nvme;

/**
 * Arithmetic of the circular queues: NVMe 1.4, 4.1 "Submission Queue &amp; Completion Queue Definition".
 *
 * <p>A queue of {@code entries} slots (2 to 65536, any number, not only powers of two) is empty when head equals tail and
 * full when one slot is left: that slot tells the two apart. Indices are 0 to {@code entries - 1}.
 *
 * <pre>
 *      head            tail
 *       v               v
 *   |   | x | x | x | x |   |   |     used = 4, free = entries - 1 - 4
 * </pre>
 *
 * <p>The phase of a completion queue is 1 in the first pass, and flips each time the index wraps to 0.
 */
public final class Rings {
    /** The smallest queue that NVMe allows, in entries. */
    public static final int MIN_ENTRIES = 2;
    /** The largest I/O queue that NVMe allows, in entries (QSIZE, 16 bits, 0's based). */
    public static final int MAX_ENTRIES = 65_536;
    /** The largest admin queue, in entries (AQA, 12 bits, 0's based). */
    public static final int MAX_ADMIN_ENTRIES = 4_096;
    /** The phase that a controller writes in its first pass over a zeroed queue. */
    public static final int FIRST_PHASE = 1;

    private Rings() {}

    /** The index before this one. */
    public static int previous(int index, int entries) {
        return index == 0 ? entries - 1 : index - 1;
    }

    /** The index after this one. */
    public static int next(int index, int entries) {
        int next = index + 1;
        return next == entries ? 0 : next;
    }

    /** The index {@code count} slots further, {@code count} being 0 to {@code entries}. */
    public static int advance(int index, int count, int entries) {
        int sum = index + count;
        return sum >= entries ? sum - entries : sum;
    }

    /** How many slots lie from {@code head} up to, not including, {@code tail}: the entries in use. */
    public static int distance(int head, int tail, int entries) {
        int distance = tail - head;
        return distance < 0 ? distance + entries : distance;
    }

    /** How many more entries fit. */
    public static int free(int head, int tail, int entries) {
        return entries - 1 - distance(head, tail, entries);
    }

    public static boolean isEmpty(int head, int tail) {
        return head == tail;
    }

    public static boolean isFull(int head, int tail, int entries) {
        return next(tail, entries) == head;
    }

    /** Whether a doorbell's value is an index of the queue at all; compared unsigned, since a guest wrote it. */
    public static boolean isIndex(int value, int entries) {
        return Integer.compareUnsigned(value, entries) < 0;
    }

    /** The phase to use at {@code nextIndex}, having used {@code phase} at the index before it. */
    public static int phaseAt(int nextIndex, int phase) {
        return nextIndex == 0 ? phase ^ 1 : phase;
    }
}

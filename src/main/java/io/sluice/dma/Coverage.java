package io.sluice.dma;

import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * Which parts of a file's range have been in a region without interruption, and in how many. Once a part is in none it is out
 * for good: {@link #add} is for ranges that are covered, but for the first one.
 *
 * <pre>
 *   counts   |0: 1      |0xa0000: 2   |0xc0000: 1 |0x100000: 0      from each offset on, up to the next
 * </pre>
 */
final class Coverage {
    private final NavigableMap<Long, Integer> counts = new TreeMap<>();

    /** Counts a region; {@code end} is exclusive. */
    void add(long start, long end) {
        change(start, end, 1);
    }

    /** A region that was counted is gone. */
    void remove(long start, long end) {
        change(start, end, -1);
    }

    private void change(long start, long end, int by) {
        split(start);
        split(end);
        counts.subMap(start, end).replaceAll((offset, count) -> count + by);
        join(start);
        join(end);
    }

    private void split(long offset) {
        counts.putIfAbsent(offset, countAt(counts.floorEntry(offset)));
    }

    private void join(long offset) {
        if (countAt(counts.lowerEntry(offset)) == counts.get(offset)) {
            counts.remove(offset);
        }
    }

    private static int countAt(Map.Entry<Long, Integer> entry) {
        return entry == null ? 0 : entry.getValue();
    }

    /** Whether all of a range is covered. */
    boolean covers(long start, long end) {
        return countAt(counts.floorEntry(start)) > 0
                && !counts.subMap(start, false, end, false).containsValue(0);
    }

    /** How many pieces with different counts it keeps an account of, gaps included. */
    int pieces() {
        return counts.size();
    }
}

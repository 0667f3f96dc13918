package io.sluice.storage;

import java.util.Map;
import java.util.TreeMap;

/**
 * Blocks that the host has marked as not readable (Write Uncorrectable), until they are written again: a sorted set of ranges
 * that neither overlap nor touch. In almost every life it is empty, and {@link #isEmpty} is all that a command costs.
 */
final class BadBlocks {
    /** A host that marks every other block must not have all of this process's memory. */
    static final int MAX_RANGES = 65_536;

    /** By first block: the block after the last one. */
    private final TreeMap<Long, Long> ends = new TreeMap<>();

    boolean isEmpty() {
        return ends.isEmpty();
    }

    /** Whether any of some blocks is marked. */
    boolean hasAny(long slba, long count) {
        Map.Entry<Long, Long> last = ends.lowerEntry(slba + count);
        return last != null && last.getValue() > slba;
    }

    /** Marks blocks. False, and nothing is marked, if there are too many ranges already. */
    boolean add(long slba, long count) {
        if (ends.size() >= MAX_RANGES) {
            return false;
        }
        long first = slba;
        long end = slba + count;
        Map.Entry<Long, Long> at = ends.floorEntry(end);
        while (at != null && at.getValue() >= first) { // overlaps or touches
            first = Math.min(first, at.getKey());
            end = Math.max(end, at.getValue());
            ends.remove(at.getKey());
            at = ends.floorEntry(end);
        }
        ends.put(first, end);
        return true;
    }

    /**
     * Takes the mark from blocks that have been written. Where that makes two ranges of one, and there are too many already, the
     * smaller one loses its mark too: blocks that can be read again are better than written ones that cannot.
     */
    void remove(long slba, long count) {
        long end = slba + count;
        Map.Entry<Long, Long> at = ends.lowerEntry(end);
        while (at != null && at.getValue() > slba) {
            ends.remove(at.getKey());
            long before = Math.max(slba - at.getKey(), 0);
            long after = Math.max(at.getValue() - end, 0);
            boolean roomForBoth = ends.size() + 2 <= MAX_RANGES;
            if (after > 0 && (roomForBoth || after > before)) {
                ends.put(end, at.getValue());
            }
            if (before > 0 && (roomForBoth || before >= after)) {
                ends.put(at.getKey(), slba);
            }
            at = ends.lowerEntry(Math.min(end, at.getKey()));
        }
    }

    /** First block and number of blocks of each range, ascending. */
    long[] toArray() {
        long[] ranges = new long[2 * ends.size()];
        int at = 0;
        for (Map.Entry<Long, Long> range : ends.entrySet()) {
            ranges[at++] = range.getKey();
            ranges[at++] = range.getValue() - range.getKey();
        }
        return ranges;
    }

    /** How many ranges there are. */
    int ranges() {
        return ends.size();
    }
}

package io.sluice.dma;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * The direct table: an {@link Entry} for each 2 MiB granule of low guest addresses, up to the highest one that was ever in
 * use. A granule that lies in one region has that region's entry; one that is empty, or has a border in it, has 0.
 */
final class GranuleTable {
    /** Guest addresses below 1 TiB at most: 4 MiB of entries. */
    static final int MAX_GRANULES = 1 << (40 - Entry.GRANULE_SHIFT);

    private GranuleTable() {}

    /**
     * Brings the table up to date. It is changed in place, under the eyes of readers; if it has to grow, it is left as it is
     * and a longer one is made.
     *
     * @param next all regions
     * @param removed and {@code added}: the only regions that may differ from those that the table was made of
     * @return the same table, or its successor
     */
    static long[] updated(long[] table, RegionIndex next, List<DmaRegion> removed, List<DmaRegion> added) {
        // Each granule is worked out once, however often a transaction changes it.
        BitSet changed = new BitSet();
        removed.forEach(region -> mark(changed, region));
        added.forEach(region -> mark(changed, region));
        long[] entries = table;
        int needed = neededGranules(next, changed);
        if (needed > entries.length) {
            int doubled = Math.min(MAX_GRANULES, entries.length * 2);
            entries = Arrays.copyOf(entries, Math.max(needed, doubled));
        }
        int end = Math.min(changed.length(), entries.length);
        for (int from = changed.nextSetBit(0); from >= 0 && from < end; from = changed.nextSetBit(from)) {
            int to = Math.min(end, changed.nextClearBit(from));
            refresh(entries, next, from, to);
            from = to;
        }
        return entries;
    }

    private static void mark(BitSet changed, DmaRegion region) {
        long from = Entry.block(region.gpa, Entry.GRANULE_SHIFT);
        if (from < MAX_GRANULES) {
            long to = Entry.block(region.last, Entry.GRANULE_SHIFT) + 1;
            changed.set((int) from, (int) Math.min(MAX_GRANULES, to));
        }
    }

    /** How long the table has to be for the changed granules: up to the highest that can have an entry. */
    private static int neededGranules(RegionIndex next, BitSet changed) {
        int granules = changed.length();
        DmaRegion highest = granules == 0 ? null : next.floor(granules * Entry.GRANULE_BYTES - 1);
        return highest == null ? 0 : (int) Math.min(granules, Entry.blocksUpTo(highest.last, Entry.GRANULE_SHIFT));
    }

    /** Works out the entries {@code from} to {@code to - 1} anew. */
    private static void refresh(long[] entries, RegionIndex next, int from, int to) {
        int granule = from;
        while (granule < to) {
            long gpa = granule * Entry.GRANULE_BYTES;
            DmaRegion region = next.find(gpa);
            long until =
                    region == null ? firstIn(next.ceiling(gpa)) : Entry.blocksUpTo(region.last, Entry.GRANULE_SHIFT);
            long entry = region != null && until > granule ? Entry.of(region) : 0;
            int end = (int) Math.min(to, Math.max(granule + 1, until));
            for (int i = granule; i < end; i++) {
                Entry.set(entries, i, entry);
            }
            granule = end;
        }
    }

    /** The granule that a region begins in; the end of the table for no region. */
    private static long firstIn(DmaRegion region) {
        return region == null ? MAX_GRANULES : Entry.block(region.gpa, Entry.GRANULE_SHIFT);
    }
}

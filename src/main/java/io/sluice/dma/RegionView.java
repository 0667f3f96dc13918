package io.sluice.dma;

import io.sluice.mem.Translator;
import java.util.List;

/**
 * Guest addresses to others, for any number of readers, while one writer changes it. A space has one whose regions lead to host
 * addresses, and, where there is a device behind it, one whose regions lead to the device's. They differ in their regions'
 * differences and in nothing else.
 *
 * <pre>
 *   guest address --+-- low, its granule inside one region ----> GranuleTable --> + difference
 *                   |
 *                   +-- its granule or page in one region -----> BlockHash -----> + difference
 *                   |
 *                   +-- else: spans over several, huge regions > RegionIndex ---> + difference, or why not
 * </pre>
 *
 * <p>The index knows all regions; the other two are shortcuts through it, with an entry of 0 for "ask the index". The index
 * changes by one store, the shortcuts entry by entry. A page that is mapped before and after is in the old index and in the
 * new one, so whichever mixture of old and new a reader meets, it never sees that page unmapped. What it still sees of the
 * old state is harmless until it has acknowledged the epoch that comes after.
 *
 * <p>A reader that acts on an epoch also sees all that was published before it: the epoch is volatile, and written last.
 */
final class RegionView implements Translator {
    private volatile long[] table = new long[0];
    private volatile long[] slots;
    private volatile RegionIndex index = RegionIndex.EMPTY;
    private final BlockHash hash = new BlockHash();

    RegionView() {
        slots = hash.slots();
    }

    @Override
    public long translate(long gpa, int bytes, int access) {
        long[] entries = table;
        long granule = gpa >>> Entry.GRANULE_SHIFT;
        if (granule < entries.length && Entry.inGranule(gpa, bytes)) {
            long entry = Entry.get(entries, (int) granule);
            if (Entry.allows(entry, access)) {
                return Entry.address(entry, gpa);
            }
        }
        return lookUp(gpa, bytes, access);
    }

    private long lookUp(long gpa, int bytes, int access) {
        long[] blocks = slots;
        if (Entry.inGranule(gpa, bytes)) {
            long entry = BlockHash.find(blocks, BlockHash.granuleKey(gpa));
            if (Entry.allows(entry, access)) {
                return Entry.address(entry, gpa);
            }
            if (Entry.inPage(gpa, bytes)) {
                entry = BlockHash.find(blocks, BlockHash.pageKey(gpa));
                if (Entry.allows(entry, access)) {
                    return Entry.address(entry, gpa);
                }
            }
        }
        return search(gpa, bytes, access);
    }

    private long search(long gpa, int bytes, int access) {
        RegionIndex now = index;
        DmaRegion region = now.find(gpa);
        long last = gpa + bytes - 1;
        if (region == null || Long.compareUnsigned(last, gpa) < 0) {
            return NOT_MAPPED;
        }
        long first = region.address(gpa, access);
        if (first == NO_ACCESS || Long.compareUnsigned(last, region.last) <= 0) {
            return first;
        }
        return across(now, region, first, last, access);
    }

    /** A span over several regions: good where they follow each other both in the guest and in what this view leads to. */
    private static long across(RegionIndex now, DmaRegion begin, long first, long last, int access) {
        DmaRegion region = begin;
        // Each turn takes at least a page off a span of less than 2^31 bytes.
        while (Long.compareUnsigned(region.last, last) < 0) {
            DmaRegion next = now.find(region.last + 1);
            if (next == null) {
                return NOT_MAPPED;
            }
            if (next.extent == null || begin.extent == null || next.delta != begin.delta) {
                return SPLIT;
            }
            if (next.address(next.gpa, access) < 0) {
                return NO_ACCESS;
            }
            region = next;
        }
        return first;
    }

    /** All regions that readers see. */
    RegionIndex index() {
        return index;
    }

    /**
     * Makes a new state visible; for the one writer.
     *
     * @param removed regions that were taken away, in this state or on the way to it
     * @param added regions that came, of which some may have been taken away again
     */
    void publish(RegionIndex next, List<DmaRegion> removed, List<DmaRegion> added) {
        index = next;
        table = GranuleTable.updated(table, next, removed, added);
        removed.forEach(hash::remove);
        for (DmaRegion region : added) {
            if (next.find(region.gpa) == region) {
                hash.add(region);
            }
        }
        slots = hash.slots();
    }
}

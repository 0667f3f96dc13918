package io.sluice.dma;

/**
 * A hash table of {@link Entry}s for what {@link GranuleTable} cannot have: the granules of high guest addresses (a client's own
 * virtual addresses, say), and the pages of small regions (a guest's strict vIOMMU maps single ones).
 *
 * <pre>
 *   slots:  | key | entry | key | entry | ...       key 0: never used
 *   find:   start where the key's hash says; at most {@value #MAX_PROBES} slots from there
 * </pre>
 *
 * <p>Readers look while the writer changes it. So a slot keeps its key for ever: the entry is stored first, then the key; to
 * remove is to set the entry to 0. Keys that are of no use any more go when the table is made anew, as a new array.
 *
 * <p>It need not hold everything, for behind it is the index: neither huge regions, nor more blocks than a limit, nor keys for
 * which there is no room near their place. A guest that picks colliding addresses slows itself down to the index's speed, no
 * more. For the writer's thread, but for {@link #find}.
 */
final class BlockHash {
    static final int MAX_PROBES = 8;

    /** In slots; 4 MiB of keys and entries. */
    static final int MAX_SLOTS = 1 << 18;

    private static final int MIN_SLOTS = 64;

    /** A region with more whole granules than this, 64 GiB, has none of them here. */
    private static final int MAX_GRANULES_PER_REGION = 1 << 15;

    /** A region with more pages than this outside of its whole granules has none of them here. */
    private static final int MAX_PAGES_PER_REGION = 64;

    /** Tags in bits above a page's number, which has 52. */
    private static final long PAGE_TAG = 1L << 62;

    private static final long GRANULE_TAG = 1L << 63;

    /** 2^64 divided by the golden ratio: neighbouring keys go far apart. */
    private static final long SPREAD = 0x9E37_79B9_7F4A_7C15L;

    private static final int SPREAD_SHIFT = 40;

    private long[] slots = new long[2 * MIN_SLOTS];
    /** Slots with a key, and among them those with an entry. */
    private int used;

    private int live;

    /** The table as it is now, for readers. */
    long[] slots() {
        return slots;
    }

    int live() {
        return live;
    }

    static long granuleKey(long gpa) {
        return Entry.block(gpa, Entry.GRANULE_SHIFT) | GRANULE_TAG;
    }

    static long pageKey(long gpa) {
        return Entry.block(gpa, Entry.PAGE_SHIFT) | PAGE_TAG;
    }

    /** The entry of a key, or 0. */
    static long find(long[] slots, long key) {
        int at = home(slots, key);
        for (int probe = 0; probe < MAX_PROBES; probe++) {
            long found = Entry.getAcquire(slots, at);
            if (found == key) {
                return Entry.get(slots, at + 1);
            }
            if (found == 0) {
                return 0;
            }
            at = next(slots, at);
        }
        return 0;
    }

    static int home(long[] slots, long key) {
        int slot = (int) ((key * SPREAD) >>> SPREAD_SHIFT);
        return (2 * slot) & (slots.length - 1);
    }

    private static int next(long[] slots, int at) {
        return (at + 2) & (slots.length - 1);
    }

    /** Puts a region's blocks in, as far as they fit. */
    void add(DmaRegion region) {
        forEachBlock(region, Entry.of(region));
    }

    /** Takes a region's blocks out. */
    void remove(DmaRegion region) {
        forEachBlock(region, 0);
    }

    private void forEachBlock(DmaRegion region, long entry) {
        if (region.extent == null) {
            return;
        }
        long from = Entry.blocksBelow(region.gpa, Entry.GRANULE_SHIFT);
        long to = Math.max(from, Entry.blocksUpTo(region.last, Entry.GRANULE_SHIFT));
        long first = Math.max(from, GranuleTable.MAX_GRANULES);
        if (to - first <= MAX_GRANULES_PER_REGION) {
            for (long granule = first; granule < to; granule++) {
                set(granule | GRANULE_TAG, entry);
            }
        }
        long begin = Entry.block(region.gpa, Entry.PAGE_SHIFT);
        long end = Entry.blocksUpTo(region.last, Entry.PAGE_SHIFT);
        long pages = Entry.GRANULE_BYTES / Entry.PAGE_BYTES;
        // Pages before the first whole granule, and after the last one; without any, all.
        long headEnd = from < to ? from * pages : end;
        long tailBegin = from < to ? to * pages : end;
        if (headEnd - begin + end - tailBegin <= MAX_PAGES_PER_REGION) {
            setPages(begin, headEnd, entry);
            setPages(tailBegin, end, entry);
        }
    }

    private void setPages(long begin, long end, long entry) {
        for (long page = begin; page < end; page++) {
            set(page | PAGE_TAG, entry);
        }
    }

    private void set(long key, long entry) {
        int at = home(slots, key);
        for (int probe = 0; probe < MAX_PROBES; probe++) {
            if (slots[at] == key) {
                live += (entry == 0 ? 0 : 1) - (slots[at + 1] == 0 ? 0 : 1);
                Entry.set(slots, at + 1, entry);
                return;
            }
            if (slots[at] == 0) {
                if (entry != 0) {
                    insert(at, key, entry);
                }
                return;
            }
            at = next(slots, at);
        }
        // No room near its place: the index has it.
    }

    private void insert(int at, long key, long entry) {
        if (used * 4 >= slots.length) {
            if (!renew()) {
                return;
            }
            set(key, entry);
            return;
        }
        Entry.set(slots, at + 1, entry);
        Entry.setRelease(slots, at, key);
        used++;
        live++;
    }

    /** Makes the table anew, without the keys that have no entry, and with room for the rest once more. */
    private boolean renew() {
        long[] old = slots;
        int size = MIN_SLOTS;
        while (size < live * 4 && size < MAX_SLOTS) {
            size *= 2;
        }
        // Where it cannot grow any more, it is not made anew for the sake of a few keys.
        if (live * 8 > size * 3) {
            return false;
        }
        slots = new long[2 * size];
        used = 0;
        live = 0;
        for (int at = 0; at < old.length; at += 2) {
            if (old[at + 1] != 0) {
                set(old[at], old[at + 1]);
            }
        }
        return true;
    }
}

package io.sluice.dma;

import java.util.Arrays;
import java.util.function.Consumer;

/**
 * DMA regions sorted by guest address, as an immutable value: a change makes a new index that shares all but one leaf with the
 * old one. Readers therefore always see a whole state, and a change costs a leaf and the list of leaves, not all regions.
 *
 * <pre>
 *   firsts  [ key  | key  | key  ]        key: the guest address with its top bit flipped,
 *   leaves  [  |   |  |   |  |   ]             so that signed comparison is the unsigned one
 *              v      v      v
 *   keys    [ up to 128 ]  ...            regions do not overlap
 *   regions [ up to 128 ]  ...
 * </pre>
 */
final class RegionIndex {
    static final RegionIndex EMPTY = new RegionIndex(new long[0], new Leaf[0], 0);

    static final int LEAF_REGIONS = 128;

    /** Neighbours with no more than this together become one leaf. Well under a full leaf: the next insertion must not split it. */
    private static final int MERGED_REGIONS = LEAF_REGIONS * 3 / 4;

    private final long[] firsts;
    private final Leaf[] leaves;
    private final int size;

    private RegionIndex(long[] firsts, Leaf[] leaves, int size) {
        this.firsts = firsts;
        this.leaves = leaves;
        this.size = size;
    }

    /** Number of regions. */
    int size() {
        return size;
    }

    /** Number of leaves. */
    int leafCount() {
        return leaves.length;
    }

    /** The region that an address is in, or null. */
    DmaRegion find(long gpa) {
        DmaRegion region = floor(gpa);
        return region != null && Long.compareUnsigned(gpa, region.last) <= 0 ? region : null;
    }

    /** The last region that starts at or below an address, or null. */
    DmaRegion floor(long gpa) {
        long key = key(gpa);
        long[] roots = firsts;
        if (roots.length == 0 || key < roots[0]) {
            return null;
        }
        Leaf leaf = leaves[floor(roots, key)];
        return leaf.regions[floor(leaf.keys, key)];
    }

    /** The first region that starts at or above an address, or null. */
    DmaRegion ceiling(long gpa) {
        long key = key(gpa);
        if (leaves.length == 0 || key <= firsts[0]) {
            return leaves.length == 0 ? null : leaves[0].regions[0];
        }
        int at = floor(firsts, key);
        Leaf leaf = leaves[at];
        int slot = floor(leaf.keys, key);
        if (leaf.keys[slot] == key) {
            return leaf.regions[slot];
        }
        if (slot + 1 < leaf.regions.length) {
            return leaf.regions[slot + 1];
        }
        return at + 1 < leaves.length ? leaves[at + 1].regions[0] : null;
    }

    void forEach(Consumer<DmaRegion> action) {
        for (Leaf leaf : leaves) {
            for (DmaRegion region : leaf.regions) {
                action.accept(region);
            }
        }
    }

    /** This index and one region more, which overlaps none. */
    RegionIndex with(DmaRegion region) {
        long key = key(region.gpa);
        if (leaves.length == 0) {
            return splice(0, 0, size + 1, new Leaf(new long[] {key}, new DmaRegion[] {region}));
        }
        int at = key < firsts[0] ? 0 : floor(firsts, key);
        Leaf leaf = leaves[at].with(key, region);
        if (leaf.keys.length <= LEAF_REGIONS) {
            return splice(at, at + 1, size + 1, leaf);
        }
        int half = leaf.keys.length / 2;
        return splice(at, at + 1, size + 1, leaf.part(0, half), leaf.part(half, leaf.keys.length));
    }

    /** This index without one of its regions. */
    RegionIndex without(DmaRegion region) {
        int at = floor(firsts, key(region.gpa));
        Leaf leaf = leaves[at].without(floor(leaves[at].keys, key(region.gpa)));
        if (leaf.keys.length == 0) {
            return splice(at, at + 1, size - 1);
        }
        if (at > 0 && leaf.keys.length + leaves[at - 1].keys.length <= MERGED_REGIONS) {
            return splice(at - 1, at + 1, size - 1, leaves[at - 1].followedBy(leaf));
        }
        if (at + 1 < leaves.length && leaf.keys.length + leaves[at + 1].keys.length <= MERGED_REGIONS) {
            return splice(at, at + 2, size - 1, leaf.followedBy(leaves[at + 1]));
        }
        return splice(at, at + 1, size - 1, leaf);
    }

    /** The leaves {@code from} to {@code to - 1} replaced by others. */
    private RegionIndex splice(int from, int to, int newSize, Leaf... others) {
        Leaf[] all = Arrays.copyOf(leaves, leaves.length - (to - from) + others.length);
        System.arraycopy(others, 0, all, from, others.length);
        System.arraycopy(leaves, to, all, from + others.length, leaves.length - to);
        long[] keys = Arrays.copyOf(firsts, all.length);
        for (int i = 0; i < others.length; i++) {
            keys[from + i] = others[i].keys[0];
        }
        System.arraycopy(firsts, to, keys, from + others.length, firsts.length - to);
        return new RegionIndex(keys, all, newSize);
    }

    private static long key(long gpa) {
        return gpa ^ Long.MIN_VALUE;
    }

    /**
     * The position of the last element that is not above {@code key}, where the first is not. Without a branch that depends on
     * the data: its outcome could not be predicted, and each miss would cost more than a step.
     */
    private static int floor(long[] sorted, long key) {
        int at = 0;
        int count = sorted.length;
        while (count > 1) {
            int half = count >>> 1;
            at = sorted[at + half] <= key ? at + half : at;
            count -= half;
        }
        return at;
    }

    /** Some neighbouring regions, at least one. Immutable. */
    private static final class Leaf {
        final long[] keys;
        final DmaRegion[] regions;

        Leaf(long[] keys, DmaRegion[] regions) {
            this.keys = keys;
            this.regions = regions;
        }

        Leaf with(long key, DmaRegion region) {
            int at = key < keys[0] ? 0 : floor(keys, key) + 1;
            long[] moreKeys = Arrays.copyOf(keys, keys.length + 1);
            DmaRegion[] moreRegions = Arrays.copyOf(regions, regions.length + 1);
            System.arraycopy(keys, at, moreKeys, at + 1, keys.length - at);
            System.arraycopy(regions, at, moreRegions, at + 1, regions.length - at);
            moreKeys[at] = key;
            moreRegions[at] = region;
            return new Leaf(moreKeys, moreRegions);
        }

        Leaf without(int at) {
            long[] fewerKeys = Arrays.copyOf(keys, keys.length - 1);
            DmaRegion[] fewerRegions = Arrays.copyOf(regions, regions.length - 1);
            System.arraycopy(keys, at + 1, fewerKeys, at, fewerKeys.length - at);
            System.arraycopy(regions, at + 1, fewerRegions, at, fewerRegions.length - at);
            return new Leaf(fewerKeys, fewerRegions);
        }

        Leaf part(int from, int to) {
            return new Leaf(Arrays.copyOfRange(keys, from, to), Arrays.copyOfRange(regions, from, to));
        }

        Leaf followedBy(Leaf next) {
            long[] bothKeys = Arrays.copyOf(keys, keys.length + next.keys.length);
            DmaRegion[] bothRegions = Arrays.copyOf(regions, regions.length + next.regions.length);
            System.arraycopy(next.keys, 0, bothKeys, keys.length, next.keys.length);
            System.arraycopy(next.regions, 0, bothRegions, regions.length, next.regions.length);
            return new Leaf(bothKeys, bothRegions);
        }
    }
}

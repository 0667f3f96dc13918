package io.sluice.dma;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A change on its way from a transaction to the views of a space. */
final class Change {
    /** Regions that were taken away, in this change or on the way to it. */
    final List<DmaRegion> removed;

    /** Regions that came, of which some may have been taken away again. */
    final List<DmaRegion> added;

    /** Regions that came and had to go again, and why. */
    final Map<DmaRegion, DmaRefused> refused = new HashMap<>();

    /** Pins that a region has left. */
    final Set<Pin> left = new LinkedHashSet<>();

    /** Pins that are to be made. */
    final List<Pin> fresh = new ArrayList<>();

    private RegionIndex next;

    Change(RegionIndex next, List<DmaRegion> removed, List<DmaRegion> added) {
        this.next = next;
        this.removed = removed;
        this.added = added;
    }

    /** All regions there will be. */
    RegionIndex next() {
        return next;
    }

    boolean isEmpty() {
        return removed.isEmpty() && added.isEmpty();
    }

    /** The regions that came and stay. */
    List<DmaRegion> staying() {
        return added.stream().filter(region -> next.find(region.gpa) == region).toList();
    }

    /** The same as {@link #added}, to look in. */
    Set<DmaRegion> addedSet() {
        return new HashSet<>(added);
    }

    /** Does without a region that came; before the change is published. */
    void refuse(DmaRegion region, DmaRefused why) {
        next = next.without(region);
        refused.put(region, why);
    }
}

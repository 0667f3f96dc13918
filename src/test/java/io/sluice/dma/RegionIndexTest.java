package io.sluice.dma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class RegionIndexTest {
    private static final long PAGE = GuestFile.PAGE;

    private static DmaRegion page(long gpa) {
        return new DmaRegion(gpa, gpa + PAGE - 1, 3, null, 0);
    }

    @Test
    void shouldFindNothingWhenEmpty() {
        assertNull(RegionIndex.EMPTY.find(0));
        assertNull(RegionIndex.EMPTY.floor(-1));
        assertNull(RegionIndex.EMPTY.ceiling(0));
        assertEquals(0, RegionIndex.EMPTY.size());
    }

    @Test
    void shouldCompareUnsignedWhenAddressesHaveTheTopBit() {
        DmaRegion low = page(0);
        DmaRegion middle = page(Long.MIN_VALUE);
        DmaRegion top = page(-PAGE);
        RegionIndex index = RegionIndex.EMPTY.with(top).with(low).with(middle);
        assertSame(low, index.floor(Long.MAX_VALUE));
        assertSame(middle, index.ceiling(PAGE));
        assertSame(middle, index.floor(-PAGE - 1));
        assertSame(top, index.find(-1));
        assertNull(index.find(PAGE));
        assertNull(index.find(-PAGE - 1));
    }

    @Test
    void shouldLeaveTheOldIndexAloneWhenChanged() {
        RegionIndex full = RegionIndex.EMPTY;
        for (int i = 0; i < 1000; i++) {
            full = full.with(page(i * PAGE));
        }
        RegionIndex less = full;
        for (int i = 0; i < 1000; i += 2) {
            less = less.without(less.find(i * PAGE));
        }
        for (int i = 0; i < 1000; i++) {
            assertEquals(i * PAGE, full.find(i * PAGE).gpa);
            assertEquals(i % 2 != 0, less.find(i * PAGE) != null);
        }
        assertEquals(1000, full.size());
        assertEquals(500, less.size());
    }

    @Test
    void shouldJoinLeavesWhenTheyEmpty() {
        RegionIndex index = RegionIndex.EMPTY;
        for (int i = 0; i < 65_535; i++) {
            index = index.with(page(i * PAGE));
        }
        assertTrue(index.leafCount() <= 2 * 65_535 / RegionIndex.LEAF_REGIONS, () -> "too many leaves");
        for (int i = 0; i < 65_535; i++) {
            if (i % 64 != 0) {
                index = index.without(index.find(i * PAGE));
            }
        }
        assertEquals(1024, index.size());
        assertTrue(index.leafCount() <= 1024 / 32, "joined: " + index.leafCount() + " leaves");
    }

    @Test
    void shouldAgreeWithATreeMapWhenChangedAtRandom() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        TreeMap<Long, DmaRegion> model = new TreeMap<>(Long::compareUnsigned);
        RegionIndex index = RegionIndex.EMPTY;
        for (int step = 0; step < 60_000; step++) {
            // Grows for a while, then shrinks, so that leaves split and join.
            boolean grow = random.nextInt(100) < (step / 10_000 % 2 == 0 ? 80 : 20);
            long gpa = (random.nextInt(8000) - 4000) * PAGE;
            DmaRegion there = model.get(gpa);
            if (grow && there == null) {
                DmaRegion region = page(gpa);
                model.put(gpa, region);
                index = index.with(region);
            } else if (!grow && there != null) {
                model.remove(gpa);
                index = index.without(there);
            }
            long probe = (random.nextInt(8004) - 4002) * PAGE + random.nextInt(3) - 1;
            String where = "seed " + seed + " step " + step;
            assertSame(value(model.floorEntry(probe)), index.floor(probe), where);
            assertSame(value(model.ceilingEntry(probe)), index.ceiling(probe), where);
            assertEquals(model.size(), index.size(), where);
        }
        List<DmaRegion> all = new ArrayList<>();
        index.forEach(all::add);
        assertEquals(new ArrayList<>(model.values()), all, "seed " + seed);
    }

    private static DmaRegion value(Map.Entry<Long, DmaRegion> entry) {
        return entry == null ? null : entry.getValue();
    }
}

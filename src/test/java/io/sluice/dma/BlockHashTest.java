package io.sluice.dma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Mapping;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class BlockHashTest {
    private static final long PAGE = GuestFile.PAGE;
    private static final long HIGH = 0x2000_0000_0000L;
    private static final int RW = 3;

    private final BlockHash hash = new BlockHash();
    private Mapping mapping;
    private Extent extent;

    @BeforeEach
    void open() throws Exception {
        mapping = Mapping.anonymous(PAGE, Mapping.PROT_READ);
        extent = new Extent(null, 0, mapping);
    }

    @AfterEach
    void close() {
        mapping.close();
    }

    private DmaRegion region(long gpa, long bytes) {
        return new DmaRegion(gpa, gpa + bytes - 1, RW, extent, 0);
    }

    private long page(long gpa) {
        return BlockHash.find(hash.slots(), BlockHash.pageKey(gpa));
    }

    private long granule(long gpa) {
        return BlockHash.find(hash.slots(), BlockHash.granuleKey(gpa));
    }

    @Test
    void shouldHaveTheWholeGranulesAndThePagesBesideThemWhenARegionIsHigh() {
        DmaRegion region = region(HIGH - 2 * PAGE, 2 * Entry.GRANULE_BYTES + 5 * PAGE);
        hash.add(region);
        assertEquals(2 + 2 + 3, hash.live());
        assertEquals(Entry.of(region), page(HIGH - 2 * PAGE));
        assertEquals(Entry.of(region), page(HIGH - 1));
        assertEquals(0, page(HIGH));
        assertEquals(Entry.of(region), granule(HIGH));
        assertEquals(Entry.of(region), granule(HIGH + 2 * Entry.GRANULE_BYTES - 1));
        assertEquals(0, granule(HIGH - 1));
        assertEquals(0, granule(HIGH + 2 * Entry.GRANULE_BYTES));
        assertEquals(Entry.of(region), page(HIGH + 2 * Entry.GRANULE_BYTES + 2 * PAGE));
        assertEquals(0, page(HIGH + 2 * Entry.GRANULE_BYTES + 3 * PAGE));
        hash.remove(region);
        assertEquals(0, hash.live());
        assertEquals(0, granule(HIGH));
    }

    @Test
    void shouldLeaveGranulesToTheDirectTableWhenARegionIsLow() {
        hash.add(region(0, 8 * Entry.GRANULE_BYTES));
        assertEquals(0, hash.live());
        hash.add(region(8 * Entry.GRANULE_BYTES, PAGE));
        assertEquals(1, hash.live());
    }

    @Test
    void shouldHaveTheLastGranuleAndPageWhenARegionEndsAtTheTop() {
        DmaRegion region = region(-Entry.GRANULE_BYTES - PAGE, Entry.GRANULE_BYTES + PAGE);
        hash.add(region);
        assertEquals(2, hash.live());
        assertEquals(Entry.of(region), granule(-1));
        assertEquals(Entry.of(region), page(-Entry.GRANULE_BYTES - 1));
    }

    @Test
    void shouldLeaveARegionToTheIndexWhenItIsHugeOrNotLocal() {
        hash.add(region(HIGH, 1L << 45));
        hash.add(region(HIGH + PAGE, 100 * PAGE));
        hash.add(new DmaRegion(0, -1, RW, null, 0));
        assertEquals(0, hash.live());
    }

    @Test
    void shouldStayBoundedWhenThereAreMoreBlocksThanRoom() {
        for (int i = 0; i < 400_000; i++) {
            hash.add(region(HIGH + i * PAGE, PAGE));
        }
        assertTrue(hash.slots().length <= 2 * BlockHash.MAX_SLOTS);
        assertTrue(hash.live() > 65_535 && hash.live() <= BlockHash.MAX_SLOTS / 2, "live " + hash.live());
        for (int i = 0; i < 400_000; i++) {
            hash.remove(region(HIGH + i * PAGE, PAGE));
        }
        assertEquals(0, hash.live());
        hash.add(region(PAGE, PAGE));
        assertEquals(1, hash.live(), "there is room again");
    }

    @Test
    void shouldKeepEveryRegionAllowedWhenTheyAreSinglePages() {
        for (int i = 0; i < 65_535; i++) {
            hash.add(region(0xffff_ffff_f000L - i * PAGE, PAGE));
        }
        assertEquals(65_535, hash.live());
    }

    @Test
    void shouldProbeNoFurtherThanItsBoundWhenKeysCollide() {
        Random random = new Random(1);
        List<Long> colliding = new ArrayList<>();
        // Grown to 1024 slots first, so that it is not made anew meanwhile.
        for (int i = 0; i < 300; i++) {
            hash.add(region(HIGH + i * PAGE, PAGE));
        }
        long[] slots = hash.slots();
        while (colliding.size() < 30) {
            long gpa = (random.nextLong() >>> 20) * PAGE;
            if (BlockHash.home(slots, BlockHash.pageKey(gpa)) == 0) {
                colliding.add(gpa);
            }
        }
        colliding.forEach(gpa -> hash.add(region(gpa, PAGE)));
        long found = colliding.stream().filter(gpa -> page(gpa) != 0).count();
        assertTrue(found <= BlockHash.MAX_PROBES, "found " + found);
        assertEquals(slots, hash.slots());
    }

    @Test
    void shouldNeverAnswerWithWhatWasRemovedWhenChangedAtRandom() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Map<Long, DmaRegion> model = new HashMap<>();
        long missing = 0;
        for (int step = 0; step < 300_000; step++) {
            long gpa = HIGH + random.nextInt(step % 100_000 < 50_000 ? 100 : 20_000) * PAGE;
            DmaRegion there = model.remove(gpa);
            if (there == null) {
                DmaRegion region = new DmaRegion(gpa, gpa + PAGE - 1, RW, extent, random.nextInt(1000) * PAGE);
                model.put(gpa, region);
                hash.add(region);
            } else {
                hash.remove(there);
            }
            long probe = HIGH + random.nextInt(20_000) * PAGE;
            long expected = model.containsKey(probe) ? Entry.of(model.get(probe)) : 0;
            long found = page(probe);
            assertTrue(found == expected || found == 0, "seed " + seed + " step " + step);
            missing += found == expected ? 0 : 1;
        }
        assertTrue(missing < 3000, "seed " + seed + ": " + missing + " of 300,000 not found");
    }
}

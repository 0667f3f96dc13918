package io.sluice.dma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CoverageTest {
    private final Coverage coverage = new Coverage();

    @Test
    void shouldCoverOnlyWhatIsCountedWhenRangesGo() {
        coverage.add(0, 100);
        assertTrue(coverage.covers(0, 100));
        assertFalse(coverage.covers(0, 101));
        coverage.add(20, 30);
        coverage.add(60, 70);
        coverage.remove(0, 100);
        assertTrue(coverage.covers(20, 30));
        assertTrue(coverage.covers(60, 70));
        assertFalse(coverage.covers(20, 31));
        assertFalse(coverage.covers(19, 21));
        assertFalse(coverage.covers(25, 65), "a gap in the middle");
        coverage.remove(20, 30);
        coverage.remove(60, 70);
        assertEquals(0, coverage.pieces());
    }

    @Test
    void shouldAgreeWithCountsOfSinglePagesWhenRangesAreRandom() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int[] counts = new int[64];
        List<int[]> ranges = new ArrayList<>();
        for (int round = 0; round < 20_000; round++) {
            boolean add = ranges.isEmpty() || (ranges.size() < 12 && random.nextBoolean());
            int from = random.nextInt(63);
            int[] range = add
                    ? new int[] {from, from + 1 + random.nextInt(64 - from)}
                    : ranges.remove(random.nextInt(ranges.size()));
            for (int page = range[0]; page < range[1]; page++) {
                counts[page] += add ? 1 : -1;
            }
            if (add) {
                ranges.add(range);
                coverage.add(range[0], range[1]);
            } else {
                coverage.remove(range[0], range[1]);
            }
            check(counts, random.nextInt(63), random, "seed " + seed + " round " + round);
        }
        System.out.println("CoverageTest: seed " + seed);
    }

    private void check(int[] counts, int from, Random random, String where) {
        int to = from + 1 + random.nextInt(64 - from);
        boolean all = true;
        for (int page = from; page < to; page++) {
            all &= counts[page] > 0;
        }
        assertEquals(all, coverage.covers(from, to), where);
        int pieces = counts[0] == 0 ? 0 : 1;
        for (int page = 1; page < counts.length; page++) {
            pieces += counts[page] == counts[page - 1] ? 0 : 1;
        }
        pieces += counts[counts.length - 1] == 0 ? 0 : 1;
        assertEquals(pieces, coverage.pieces(), where);
    }
}

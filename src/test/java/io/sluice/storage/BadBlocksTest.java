package io.sluice.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BadBlocksTest {
    private final BadBlocks blocks = new BadBlocks();

    @Test
    void shouldAgreeWithABitForEachBlockUnderRandomMarksAndWrites() {
        long seed = Long.getLong("sluice.seed", System.nanoTime());
        System.out.println("BadBlocksTest seed " + seed + " (repeat with -Dsluice.seed=" + seed + ")");
        Random random = new Random(seed);
        BitSet model = new BitSet();
        for (int i = 0; i < 20_000; i++) {
            int slba = random.nextInt(200);
            int count = 1 + random.nextInt(random.nextBoolean() ? 4 : 60);
            if (random.nextInt(5) < 2) {
                assertTrue(blocks.add(slba, count));
                model.set(slba, slba + count);
            } else {
                blocks.remove(slba, count);
                model.clear(slba, slba + count);
            }
            assertSame(model, "seed " + seed + ", step " + i);
        }
    }

    private void assertSame(BitSet model, String where) {
        assertEquals(model.isEmpty(), blocks.isEmpty(), where);
        int ranges = 0;
        for (int block = 0; block < 270; block++) {
            assertEquals(model.get(block), blocks.hasAny(block, 1), where + ", block " + block);
            ranges += model.get(block) && (block == 0 || !model.get(block - 1)) ? 1 : 0;
        }
        assertEquals(ranges, blocks.ranges(), where + ": ranges that touch are one");
        int from = 37;
        assertEquals(model.nextSetBit(from) >= 0 && model.nextSetBit(from) < 90, blocks.hasAny(from, 90 - from), where);
    }

    @Test
    void shouldTakeNoMoreRangesThanItsLimitUntilOneIsWritten() {
        for (int i = 0; i < BadBlocks.MAX_RANGES; i++) {
            assertTrue(blocks.add(2L * i, 1));
        }
        assertFalse(blocks.add(2L * BadBlocks.MAX_RANGES, 1));
        assertFalse(blocks.hasAny(2L * BadBlocks.MAX_RANGES, 1));

        blocks.remove(0, 1);

        assertTrue(blocks.add(2L * BadBlocks.MAX_RANGES, 1));
    }

    @Test
    void shouldKnowBlocksAtTheEndOfTheLargestNamespace() {
        long last = Long.MAX_VALUE >>> 9;
        assertTrue(blocks.add(last - 65_536, 65_536));
        assertTrue(blocks.hasAny(last - 1, 1));
        assertFalse(blocks.hasAny(last - 65_537, 1));
    }

    /** One range is marked by a few commands, and cut into as many as the host likes by writes. */
    @Test
    void shouldNotGrowWithoutBoundWhenAMarkedRangeIsWrittenInManyPlaces() {
        BadBlocks blocks = new BadBlocks();
        long count = 4L * BadBlocks.MAX_RANGES;
        assertTrue(blocks.add(1, count));
        for (long written = 2; written <= count; written += 2) {
            blocks.remove(written, 1);
            assertFalse(blocks.hasAny(written, 1), "a block that was written is marked");
        }
        assertTrue(blocks.ranges() <= BadBlocks.MAX_RANGES, blocks.ranges() + " ranges");
        assertTrue(blocks.ranges() > BadBlocks.MAX_RANGES / 2, "marks were forgotten without need");
    }
}

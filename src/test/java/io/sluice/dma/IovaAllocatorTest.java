package io.sluice.dma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.dma.IovaAllocator.Range;
import io.sluice.linux.Errno;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IovaAllocatorTest {
    private static final long PAGE = GuestFile.PAGE;

    private static IovaAllocator of(Range... ranges) {
        return new IovaAllocator(List.of(ranges));
    }

    private static void assertExhausted(IovaAllocator allocator, long bytes, long alignment) {
        DmaRefused refused = assertThrows(DmaRefused.class, () -> allocator.allocate(bytes, alignment));
        assertEquals(Errno.ENOSPC, refused.errno());
    }

    @Test
    void shouldNeverGiveAddressZeroWhenTheRangeBeginsThere() throws Exception {
        IovaAllocator allocator = of(new Range(0, 3 * PAGE - 1));
        assertEquals(PAGE, allocator.allocate(PAGE, PAGE));
        assertEquals(2 * PAGE, allocator.allocate(PAGE, PAGE));
        assertExhausted(allocator, PAGE, PAGE);
    }

    @Test
    void shouldLeaveOutPartsOfPagesWhenARangeIsUneven() throws Exception {
        IovaAllocator allocator = of(new Range(PAGE + 1, 4 * PAGE - 2), new Range(10, 20), new Range(-100, -2));
        assertEquals(2 * PAGE, allocator.allocate(PAGE, PAGE));
        assertExhausted(allocator, PAGE, PAGE);
        assertExhausted(of(new Range(0, PAGE - 1)), PAGE, PAGE);
    }

    @Test
    void shouldUseTheLastPageWhenTheRangeEndsAtTheTop() throws Exception {
        IovaAllocator allocator = of(new Range(-2 * PAGE, -1));
        assertExhausted(allocator, 2 * PAGE, 4 * PAGE);
        assertEquals(-2 * PAGE, allocator.allocate(2 * PAGE, 2 * PAGE));
        assertExhausted(allocator, PAGE, PAGE);
        allocator.free(-2 * PAGE, 2 * PAGE);
        assertEquals(-2 * PAGE, allocator.allocate(PAGE, PAGE));
        assertEquals(-PAGE, allocator.allocate(PAGE, PAGE));
    }

    @Test
    void shouldSkipAHoleWhenThePieceDoesNotFitBeforeIt() throws Exception {
        // As x86 hosts have it: the interrupt window at 0xfee00000.
        IovaAllocator allocator = of(new Range(0, 0xfedf_ffffL), new Range(0xfef0_0000L, 0x7f_ffff_ffffL));
        assertEquals(0x1_0000_0000L, allocator.allocate(0x1_0000_0000L, 1L << 32));
        assertEquals(0x20_0000, allocator.allocate(0x20_0000, 0x20_0000));
        assertEquals(0x2_0000_0000L, allocator.allocate(0xff00_0000L, PAGE));
    }

    @Test
    void shouldJoinFreePiecesWhenNeighboursComeBack() throws Exception {
        IovaAllocator allocator = of(new Range(PAGE, 4 * PAGE - 1));
        for (int i = 1; i <= 3; i++) {
            assertEquals(i * PAGE, allocator.allocate(PAGE, PAGE));
        }
        allocator.free(PAGE, PAGE);
        allocator.free(3 * PAGE, PAGE);
        assertExhausted(allocator, 2 * PAGE, PAGE);
        allocator.free(2 * PAGE, PAGE);
        assertEquals(PAGE, allocator.allocate(3 * PAGE, PAGE));
    }

    @Test
    void shouldRefuseToFreeWhenThePieceWasNotTaken() throws Exception {
        IovaAllocator allocator = of(new Range(0, -1));
        long iova = allocator.allocate(2 * PAGE, PAGE);
        assertThrows(IllegalArgumentException.class, () -> allocator.free(iova, PAGE));
        assertThrows(IllegalArgumentException.class, () -> allocator.free(iova + PAGE, PAGE));
        allocator.free(iova, 2 * PAGE);
        assertThrows(IllegalArgumentException.class, () -> allocator.free(iova, 2 * PAGE));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -4096, 1, 4097})
    void shouldRefuseWhenTheLengthIsBad(long bytes) {
        IovaAllocator allocator = of(new Range(0, -1));
        assertThrows(IllegalArgumentException.class, () -> allocator.allocate(bytes, PAGE));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 2048, 12288, -1})
    void shouldRefuseWhenTheAlignmentIsBad(long alignment) {
        IovaAllocator allocator = of(new Range(0, -1));
        assertThrows(IllegalArgumentException.class, () -> allocator.allocate(PAGE, alignment));
    }

    @Test
    void shouldRefuseRangesWhenTheyOverlapOrAreReversed() {
        assertThrows(IllegalArgumentException.class, () -> of(new Range(0, 8191), new Range(4096, 12287)));
        assertThrows(IllegalArgumentException.class, () -> new Range(-1, 0));
    }

    @Test
    void shouldAgreeWithABitmapWhenUsedAtRandom() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int pages = 600;
        long base = -pages * PAGE;
        // The page in the middle is not usable.
        IovaAllocator allocator = of(new Range(base, base + 300 * PAGE - 1), new Range(base + 301 * PAGE, -1));
        BitSet taken = new BitSet();
        taken.set(300);
        List<long[]> pieces = new ArrayList<>();
        for (int step = 0; step < 20_000; step++) {
            String where = "seed " + seed + " step " + step;
            if (random.nextInt(100) < 55) {
                int count = 1 + random.nextInt(12);
                int align = 1 << random.nextInt(5);
                int expected = firstFit(taken, base / PAGE, pages, count, align);
                if (expected < 0) {
                    assertExhausted(allocator, count * PAGE, align * PAGE);
                } else {
                    assertEquals(base + expected * PAGE, allocator.allocate(count * PAGE, align * PAGE), where);
                    assertTrue(taken.get(expected, expected + count).isEmpty(), where);
                    taken.set(expected, expected + count);
                    pieces.add(new long[] {expected, count});
                }
            } else if (!pieces.isEmpty()) {
                long[] piece = pieces.remove(random.nextInt(pieces.size()));
                allocator.free(base + piece[0] * PAGE, piece[1] * PAGE);
                taken.clear((int) piece[0], (int) (piece[0] + piece[1]));
            }
        }
        assertFalse(pieces.isEmpty(), "seed " + seed);
    }

    private static int firstFit(BitSet taken, long basePage, int pages, int count, int align) {
        for (int at = 0; at + count <= pages; at++) {
            if ((basePage + at) % align == 0 && taken.get(at, at + count).isEmpty()) {
                return at;
            }
        }
        return -1;
    }
}

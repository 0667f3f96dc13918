package io.sluice.nvme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.sluice.mem.Memory;
import org.junit.jupiter.api.Test;

/** Dataset Management ranges, SGL descriptors and the doorbell buffer's arithmetic. */
class SmallCodecsTest {
    @Test
    void shouldEncodeAndDecodeARange() {
        Scratch range = Scratch.of(DsmRange.BYTES);
        DsmRange.set(range.address(), 0x0102_0304, 0xffff_fffeL, 0x1122_3344_5566_7788L);
        assertEquals("04030201" + "feffffff" + "8877665544332211", range.hex(0, 16));
        assertEquals(0x0102_0304, DsmRange.attributes(range.address()));
        assertEquals(0xffff_fffeL, DsmRange.blockCount(range.address()));
        assertEquals(0x1122_3344_5566_7788L, DsmRange.slba(range.address()));
        assertThrows(IllegalArgumentException.class, () -> DsmRange.set(range.address(), 0, 1L << 32, 0));
        assertThrows(IllegalArgumentException.class, () -> DsmRange.set(range.address(), 0, -1, 0));
    }

    @Test
    void shouldSeeEachBitOfASixteenByteDescriptorInItsFieldAlone() {
        Scratch scratch = Scratch.of(16);
        long at = scratch.address();
        for (int bit = 0; bit < 128; bit++) {
            scratch.clear();
            Memory.putByte(at + bit / 8, (byte) (1 << bit % 8));
            assertEquals(walked(bit, 0, 31), Integer.toUnsignedLong(DsmRange.attributes(at)));
            assertEquals(walked(bit, 32, 63), DsmRange.blockCount(at));
            assertEquals(walked(bit, 64, 127), DsmRange.slba(at));
            assertEquals(walked(bit, 0, 63), Sgl.address(at));
            assertEquals(walked(bit, 64, 95), Sgl.lengthBytes(at));
            assertEquals(walked(bit, 120, 123), Sgl.subtype(at));
            assertEquals(walked(bit, 124, 127), Sgl.type(at));
        }
        assertEquals(16, DsmRange.BYTES);
        assertEquals(16, Sgl.BYTES);
    }

    private static long walked(int bit, int low, int high) {
        return bit >= low && bit <= high ? 1L << (bit - low) : 0;
    }

    @Test
    void shouldLayBuffersOutLikeDoorbells() {
        assertEquals(8, DoorbellBuffer.sqTailOffset(1));
        assertEquals(12, DoorbellBuffer.cqHeadOffset(1));
        assertEquals(511, DoorbellBuffer.maxQid(4096));
        assertEquals(4092, DoorbellBuffer.cqHeadOffset(DoorbellBuffer.maxQid(4096)));
    }

    @Test
    void shouldNeedAnEventExactlyWhenAStepPassesTheIndex() {
        for (int entries : new int[] {2, 5, 8}) {
            for (int old = 0; old < entries; old++) {
                for (int steps = 0; steps < entries; steps++) {
                    for (int event = 0; event < entries; event++) {
                        assertStep(entries, old, steps, event);
                    }
                }
            }
        }
    }

    private static void assertStep(int entries, int old, int steps, int event) {
        boolean passed = false;
        int index = old;
        for (int i = 0; i < steps; i++) {
            passed |= index == event;
            index = Rings.next(index, entries);
        }
        assertEquals(
                passed,
                DoorbellBuffer.needsEvent(event, index, old),
                entries + " entries, from " + old + " by " + steps + ", event index " + event);
    }

    @Test
    void shouldWrapAtSixteenBits() {
        assertEquals(true, DoorbellBuffer.needsEvent(65_535, 0, 65_535));
        assertEquals(false, DoorbellBuffer.needsEvent(0, 0, 65_535));
    }
}

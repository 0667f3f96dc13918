package io.sluice.nvme;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.sluice.mem.Memory;
import org.junit.jupiter.api.Test;

class CqeTest {
    private final Scratch entry = Scratch.of(Cqe.BYTES);
    private final long cqe = entry.address();

    @Test
    void shouldBeSixteenBytes() {
        assertEquals(16, Cqe.BYTES);
        assertEquals(16, 1 << Cc.IOCQES);
    }

    @Test
    void shouldWriteTheSpecsBytesWhenPublished() {
        entry.fill(0xff);
        // LBA Out of Range (SCT 0, SC 80h) with DNR: DW3 = 1 00 0 0 000 10000000 P CID.
        Cqe.publish(cqe, 0xcafe_f00d, 0x0102, 0x0304, 0x0506, Status.LBA_OUT_OF_RANGE.dnr(), 1);
        assertEquals("0df0feca" + "00000000" + "0201" + "0403" + "0605" + "0181", entry.hex(0, 16));
    }

    @Test
    void shouldReadBackWhatWasPublished() {
        Cqe.publish(cqe, -1, 0xffff, 0x8001, 0x7ffe, Status.COMPARE_FAILURE.code(), 0);
        long tail = Cqe.tail(cqe);
        assertAll(
                () -> assertEquals(-1, Cqe.dw0(cqe)),
                () -> assertEquals(0xffff, Cqe.sqHead(tail)),
                () -> assertEquals(0x8001, Cqe.sqid(tail)),
                () -> assertEquals(0x7ffe, Cqe.cid(tail)),
                () -> assertEquals(0x285, Cqe.status(tail)),
                () -> assertEquals(0, Cqe.phase(tail)));
    }

    @Test
    void shouldSeeEachBitInItsFieldAloneWhenOneBitWalksThroughTheEntry() {
        for (int bit = 0; bit < Cqe.BYTES * 8; bit++) {
            entry.clear();
            Memory.putByte(cqe + bit / 8, (byte) (1 << bit % 8));
            long tail = Cqe.tail(cqe);
            String message = "bit " + bit;
            assertEquals(expected(bit, 0, 31), Integer.toUnsignedLong(Cqe.dw0(cqe)), message);
            assertEquals(expected(bit, 64, 79), Cqe.sqHead(tail), message);
            assertEquals(expected(bit, 80, 95), Cqe.sqid(tail), message);
            assertEquals(expected(bit, 96, 111), Cqe.cid(tail), message);
            assertEquals(expected(bit, 112, 112), Cqe.phase(tail), message);
            assertEquals(expected(bit, 113, 127), Cqe.status(tail), message);
        }
    }

    @Test
    void shouldRefuseWhenAValueDoesNotFitItsField() {
        assertThrows(IllegalArgumentException.class, () -> Cqe.encodeTail(0x1_0000, 0, 0, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> Cqe.encodeTail(0, 0x1_0000, 0, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> Cqe.encodeTail(0, 0, -1, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> Cqe.encodeTail(0, 0, 0, 0x8000, 0));
        assertThrows(IllegalArgumentException.class, () -> Cqe.encodeTail(0, 0, 0, 0, 2));
    }

    private static long expected(int bit, int low, int high) {
        return bit >= low && bit <= high ? 1L << (bit - low) : 0;
    }
}

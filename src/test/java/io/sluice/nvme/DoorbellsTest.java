package io.sluice.nvme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class DoorbellsTest {
    @Test
    void shouldLieWhereTheSpecificationSays() {
        assertEquals(0x1000, Doorbells.sqTailDoorbell(0));
        assertEquals(0x1004, Doorbells.cqHeadDoorbell(0));
        assertEquals(0x1008, Doorbells.sqTailDoorbell(1));
        assertEquals(0x100c, Doorbells.cqHeadDoorbell(1));
        assertEquals(0x1ffc, Doorbells.cqHeadDoorbell(511));
        assertEquals(0x1000 + 2 * 64, Doorbells.sqTailDoorbell(1, 4));
        assertEquals(0x1000 + 3 * 64, Doorbells.cqHeadDoorbell(1, 4));
        assertEquals(0x8_0ffc, Doorbells.cqHeadDoorbell(65_535));
        assertEquals(0x1000 + (2 * 65_535 + 1) * 1024, Doorbells.cqHeadDoorbell(65_535, 8));
    }

    @Test
    void shouldFindTheQueueOfEveryOffset() {
        for (int qid = 0; qid < 65_536; qid++) {
            int sq = Doorbells.sqTailDoorbell(qid);
            int cq = Doorbells.cqHeadDoorbell(qid);
            assertEquals(qid, Doorbells.qid(sq));
            assertEquals(qid, Doorbells.qid(cq));
            assertFalse(Doorbells.isCqHead(sq));
            assertTrue(Doorbells.isCqHead(cq));
            assertEquals(cq + Doorbells.BYTES, Doorbells.OFFSET + Doorbells.bytesFor(qid));
        }
    }

    @Test
    void shouldIgnoreReservedBitsOfAWrittenValue() {
        assertEquals(0xffff, Doorbells.index(0xffff_ffff));
        for (int bit = 0; bit < 32; bit++) {
            assertEquals(bit < 16 ? 1 << bit : 0, Doorbells.index(1 << bit));
        }
    }
}

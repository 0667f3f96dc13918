package io.sluice.pci;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class MsixTableTest {
    private static final int VECTORS = 65;

    private final MemorySegment memory =
            Arena.ofAuto().allocate(MsixTable.tableBytes(VECTORS) + MsixTable.pendingBytes(VECTORS), 8);
    private final long base = memory.address();
    private final long pending = base + MsixTable.tableBytes(VECTORS);
    private final MsixTable table = new MsixTable(base, pending, VECTORS);

    @Test
    void shouldHaveTheSpecificationsSizes() {
        assertEquals(16, MsixTable.ENTRY_BYTES);
        assertEquals(1040, MsixTable.tableBytes(65));
        assertEquals(8, MsixTable.pendingBytes(1));
        assertEquals(8, MsixTable.pendingBytes(64));
        assertEquals(16, MsixTable.pendingBytes(65));
        assertEquals(256, MsixTable.pendingBytes(2048));
    }

    @Test
    void shouldPlaceEachFieldOfAnEntry() {
        table.setMessage(2, 0x1122_3344_5566_7788L, 0x99aa_bbcc);
        table.setMasked(2, true);
        assertEquals(0x1122_3344_5566_7788L, Memory.getLong(base + 32));
        assertEquals(0x99aa_bbcc, Memory.getInt(base + 40));
        assertEquals(1, Memory.getInt(base + 44));
        assertEquals(0x1122_3344_5566_7788L, table.messageAddress(2));
        assertEquals(0x99aa_bbcc, table.messageData(2));
        assertTrue(table.isMasked(2));
        assertFalse(table.isMasked(1));
    }

    @Test
    void shouldSeeEachBitOfAnEntryInItsFieldAlone() {
        for (int bit = 0; bit < 128; bit++) {
            memory.fill((byte) 0);
            Memory.putByte(base + 64 * 16 + bit / 8, (byte) (1 << (bit % 8)));
            assertEquals(bit >= 2 && bit < 64 ? 1L << bit : 0, table.messageAddress(64), "bits 1:0 are always zero");
            assertEquals(bit >= 64 && bit < 96 ? 1 << (bit - 64) : 0, table.messageData(64));
            assertEquals(bit == 96, table.isMasked(64));
        }
    }

    @Test
    void shouldKeepReservedBitsWhenMasking() {
        Memory.putInt(base + 12, 0xffff_ffff);
        table.setMasked(0, false);
        assertEquals(0xffff_fffe, Memory.getInt(base + 12));
    }

    @Test
    void shouldKeepOnePendingBitAVector() {
        for (int vector = 0; vector < VECTORS; vector++) {
            memory.fill((byte) 0);
            table.setPending(vector, true);
            assertEquals(1 << (vector % 8), Memory.getByte(pending + vector / 8) & 0xff);
            for (int other = 0; other < VECTORS; other++) {
                assertEquals(other == vector, table.isPending(other));
            }
            table.setPending(vector, false);
            assertEquals(0, Memory.getLong(pending + vector / 64 * 8L));
        }
    }

    @Test
    void shouldMaskEverythingOnReset() {
        memory.fill((byte) 0xff);
        table.reset();
        for (int vector = 0; vector < VECTORS; vector++) {
            assertTrue(table.isMasked(vector));
            assertFalse(table.isPending(vector));
            assertEquals(0, table.messageAddress(vector));
            assertEquals(1, Memory.getInt(base + vector * 16L + 12));
        }
        assertEquals(65, table.vectors());
    }

    @Test
    void shouldRefuseVectorsThatAreNotThere() {
        assertThrows(IllegalArgumentException.class, () -> table.isMasked(65));
        assertThrows(IllegalArgumentException.class, () -> table.setPending(-1, true));
        assertThrows(IllegalArgumentException.class, () -> new MsixTable(base, pending, 0));
        assertThrows(IllegalArgumentException.class, () -> new MsixTable(base, pending, 2049));
    }
}

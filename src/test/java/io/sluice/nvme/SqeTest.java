package io.sluice.nvme;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import java.util.List;
import java.util.function.LongToIntFunction;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;

class SqeTest {
    /** Write: CID 1234h, NSID 1, PRP1/2, SLBA 11223344_55667788h, NLB 7 (8 blocks), FUA. NVMe 1.4, 4.2 and 6.15. */
    private static final Scratch WRITE = Scratch.ofHex("""
            01003412 01000000 0000000000000000 0000000000000000 00f0debc9a785600 0010debc9a785600
            8877665544332211 07000040 00000000 00000000 00000000
            """);

    private record Field(String name, LongUnaryOperator get, int low, int high) {}

    /** Each field's first and last bit, counted from bit 0 of byte 0 of the entry. */
    private static final List<Field> FIELDS = List.of(
            field("OPC", Sqe::opcode, 0, 7),
            field("FUSE", Sqe::fuse, 8, 9),
            field("PSDT", Sqe::psdt, 14, 15),
            field("CID", Sqe::cid, 16, 31),
            field("NSID", Sqe::nsid, 32, 63),
            new Field("MPTR", Sqe::mptr, 16 * 8, 24 * 8 - 1),
            new Field("PRP1", Sqe::prp1, 24 * 8, 32 * 8 - 1),
            new Field("PRP2", Sqe::prp2, 32 * 8, 40 * 8 - 1),
            field("CDW10", Sqe::cdw10, 40 * 8, 44 * 8 - 1),
            field("CDW11", Sqe::cdw11, 44 * 8, 48 * 8 - 1),
            field("CDW12", Sqe::cdw12, 48 * 8, 52 * 8 - 1),
            field("CDW13", Sqe::cdw13, 52 * 8, 56 * 8 - 1),
            field("CDW14", Sqe::cdw14, 56 * 8, 60 * 8 - 1),
            field("CDW15", Sqe::cdw15, 60 * 8, 64 * 8 - 1),
            new Field("SLBA", Sqe::slba, 40 * 8, 48 * 8 - 1),
            field("NLB", Sqe::nlb0, 48 * 8, 48 * 8 + 15),
            field("DTYPE", Sqe::directiveType, 48 * 8 + 20, 48 * 8 + 23),
            field("DEAC", sqe -> Sqe.deallocate(sqe) ? 1 : 0, 48 * 8 + 25, 48 * 8 + 25),
            field("PRINFO", Sqe::prinfo, 48 * 8 + 26, 48 * 8 + 29),
            field("FUA", sqe -> Sqe.forceUnitAccess(sqe) ? 1 : 0, 48 * 8 + 30, 48 * 8 + 30),
            field("LR", sqe -> Sqe.limitedRetry(sqe) ? 1 : 0, 48 * 8 + 31, 48 * 8 + 31),
            field("NR", sqe -> Sqe.dsmRangeCount(sqe) - 1, 40 * 8, 40 * 8 + 7),
            field("AD", sqe -> Sqe.dsmDeallocate(sqe) ? 1 : 0, 44 * 8 + 2, 44 * 8 + 2));

    private static Field field(String name, LongToIntFunction get, int low, int high) {
        return new Field(name, sqe -> Integer.toUnsignedLong(get.applyAsInt(sqe)), low, high);
    }

    private final Scratch entry = Scratch.of(Sqe.BYTES);
    private final long sqe = entry.address();

    @Test
    void shouldBeSixtyFourBytes() {
        assertEquals(64, Sqe.BYTES);
        assertEquals(64, 1 << Cc.IOSQES);
    }

    @Test
    void shouldDecodeEveryFieldWhenGivenAWrite() {
        long write = WRITE.address();
        assertAll(
                () -> assertEquals(NvmOpcode.WRITE, Sqe.opcode(write)),
                () -> assertEquals(0x1234, Sqe.cid(write)),
                () -> assertEquals(1, Sqe.nsid(write)),
                () -> assertEquals(0x0056_789a_bcde_f000L, Sqe.prp1(write)),
                () -> assertEquals(0x0056_789a_bcde_1000L, Sqe.prp2(write)),
                () -> assertEquals(0x1122_3344_5566_7788L, Sqe.slba(write)),
                () -> assertEquals(7, Sqe.nlb0(write)),
                () -> assertEquals(8, Sqe.blockCount(write)),
                () -> assertTrue(Sqe.forceUnitAccess(write)),
                () -> assertFalse(Sqe.limitedRetry(write)));
    }

    @Test
    void shouldBuildTheSameBytesWhenFieldsAreSet() {
        entry.fill(0xff);
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, NvmOpcode.WRITE, 0x1234);
        Sqe.setNsid(sqe, 1);
        Sqe.setPrp1(sqe, 0x0056_789a_bcde_f000L);
        Sqe.setPrp2(sqe, 0x0056_789a_bcde_1000L);
        Sqe.setSlba(sqe, 0x1122_3344_5566_7788L);
        Sqe.setBlockCount(sqe, 8);
        Sqe.setForceUnitAccess(sqe, true);
        assertEquals(WRITE.hex(0, 64), entry.hex(0, 64));
    }

    @Test
    void shouldBuildTheSameBytesWhenBegunAndGivenATransfer() {
        entry.fill(0xff);
        Sqe.begin(sqe, NvmOpcode.WRITE, 0x1234, 1);
        assertEquals("01003412" + "01000000" + "00".repeat(56), entry.hex(0, 64));
        Sqe.setPrp1(sqe, 0x0056_789a_bcde_f000L);
        Sqe.setPrp2(sqe, 0x0056_789a_bcde_1000L);
        Sqe.setTransfer(sqe, 0x1122_3344_5566_7788L, 8, true);
        assertEquals(WRITE.hex(0, 64), entry.hex(0, 64));
    }

    @Test
    void shouldKeepAllBitsOfTheNamespaceAndTheSizeWhenTheyAreTheLargest() {
        Sqe.begin(sqe, 0xff, 0xffff, Sqe.NSID_ALL);
        assertEquals("ff00ffffffffffff" + "00".repeat(56), entry.hex(0, 64));
        Sqe.setTransfer(sqe, -1, 65_536, false);
        assertEquals("ffffffffffffffff" + "ffff000000000000", entry.hex(40, 16));
        assertThrows(IllegalArgumentException.class, () -> Sqe.begin(sqe, 0x100, 0, 1));
        assertThrows(IllegalArgumentException.class, () -> Sqe.begin(sqe, 0, 0x1_0000, 1));
        assertThrows(IllegalArgumentException.class, () -> Sqe.setTransfer(sqe, 0, 65_537, false));
    }

    @Test
    void shouldSeeEachBitInItsFieldAloneWhenOneBitWalksThroughTheEntry() {
        for (int bit = 0; bit < Sqe.BYTES * 8; bit++) {
            entry.clear();
            Memory.putByte(sqe + bit / 8, (byte) (1 << bit % 8));
            for (Field field : FIELDS) {
                boolean inside = bit >= field.low && bit <= field.high;
                long expected = inside ? 1L << (bit - field.low) : 0;
                assertEquals(expected, field.get.applyAsLong(sqe), field.name + " with bit " + bit);
            }
        }
    }

    @Test
    void shouldLeaveOtherBitsAloneWhenOneFieldIsSet() {
        entry.fill(0xff);
        Sqe.setOpcode(sqe, 0);
        Sqe.setFuse(sqe, 0);
        assertEquals("00fcffff", entry.hex(0, 4));
        Sqe.setPsdt(sqe, 0);
        Sqe.setCid(sqe, 0xa5a5);
        assertEquals("003ca5a5", entry.hex(0, 4));
        Sqe.setBlockCount(sqe, 1);
        Sqe.setDeallocate(sqe, false);
        Sqe.setForceUnitAccess(sqe, false);
        Sqe.setLimitedRetry(sqe, false);
        assertEquals("0000ff3d", entry.hex(48, 4));
        assertEquals("ff".repeat(44), entry.hex(4, 44));
        assertEquals("ff".repeat(12), entry.hex(52, 12));
    }

    @Test
    void shouldPlaceEachDwordWhenSetWhole() {
        Sqe.setMptr(sqe, 0x1716_1514_1312_1110L);
        Sqe.setCdw10(sqe, 0x2b2a_2928);
        Sqe.setCdw11(sqe, 0x2f2e_2d2c);
        Sqe.setCdw12(sqe, 0x3332_3130);
        Sqe.setCdw13(sqe, 0x3736_3534);
        Sqe.setCdw14(sqe, 0x3b3a_3938);
        Sqe.setCdw15(sqe, 0x3f3e_3d3c);
        assertEquals("1011121314151617", entry.hex(16, 8));
        assertEquals("28292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f", entry.hex(40, 24));
    }

    @Test
    void shouldEncodeRangeCountAndAttributesWhenDatasetManagementIsSet() {
        Sqe.setDsm(sqe, 256, Sqe.DSM_DEALLOCATE);
        assertEquals("ff00000004000000", entry.hex(40, 8));
        assertEquals(256, Sqe.dsmRangeCount(sqe));
        assertTrue(Sqe.dsmDeallocate(sqe));
    }

    @Test
    void shouldRefuseWhenAValueDoesNotFitItsField() {
        assertThrows(IllegalArgumentException.class, () -> Sqe.setCid(sqe, 0x1_0000));
        assertThrows(IllegalArgumentException.class, () -> Sqe.setCid(sqe, -1));
        assertThrows(IllegalArgumentException.class, () -> Sqe.setOpcode(sqe, 0x100));
        assertThrows(IllegalArgumentException.class, () -> Sqe.setBlockCount(sqe, 0));
        assertThrows(IllegalArgumentException.class, () -> Sqe.setBlockCount(sqe, 65_537));
        assertThrows(IllegalArgumentException.class, () -> Sqe.setDsm(sqe, 257, 0));
        assertEquals(-1, entry.onlyNonZero(), "a refused value must not be stored in part");
        Sqe.setBlockCount(sqe, 65_536);
        assertEquals(65_536, Sqe.blockCount(sqe));
    }

    @Test
    void shouldCopyAllSixtyFourBytes() {
        Sqe.copy(WRITE.address(), sqe);
        assertEquals(WRITE.hex(0, 64), entry.hex(0, 64));
    }
}

package io.sluice.nvme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import java.util.List;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;

class AdminSqeTest {
    private record Field(String name, LongUnaryOperator get, int dword, int high, int low) {}

    private static final List<Field> FIELDS = List.of(
            new Field("QID", AdminSqe::qid, 10, 15, 0),
            new Field("QSIZE", s -> AdminSqe.queueEntries(s) - 1, 10, 31, 16),
            new Field("PC", s -> AdminSqe.physicallyContiguous(s) ? 1 : 0, 11, 0, 0),
            new Field("QPRIO", AdminSqe::queuePriority, 11, 2, 1),
            new Field("CQID", AdminSqe::cqid, 11, 31, 16),
            new Field("IEN", s -> AdminSqe.interruptsEnabled(s) ? 1 : 0, 11, 1, 1),
            new Field("IV", AdminSqe::interruptVector, 11, 31, 16),
            new Field("CNS", AdminSqe::cns, 10, 7, 0),
            new Field("CNTID", AdminSqe::cntid, 10, 31, 16),
            new Field("LID", AdminSqe::logPageId, 10, 7, 0),
            new Field("LSP", AdminSqe::logSpecific, 10, 11, 8),
            new Field("RAE", s -> AdminSqe.retainAsyncEvent(s) ? 1 : 0, 10, 15, 15),
            new Field("NUMDL", s -> (AdminSqe.logBytes(s) / 4 - 1) & 0xffff, 10, 31, 16),
            new Field("NUMDU", s -> (AdminSqe.logBytes(s) / 4 - 1) >>> 16, 11, 15, 0),
            new Field("LPOL", s -> AdminSqe.logOffset(s) & 0xffff_ffffL, 12, 31, 0),
            new Field("LPOU", s -> AdminSqe.logOffset(s) >>> 32, 13, 31, 0),
            new Field("FID", AdminSqe::featureId, 10, 7, 0),
            new Field("SEL", AdminSqe::featureSelect, 10, 10, 8),
            new Field("SV", s -> AdminSqe.featureSave(s) ? 1 : 0, 10, 31, 31),
            new Field("abort SQID", AdminSqe::abortSqid, 10, 15, 0),
            new Field("abort CID", AdminSqe::abortCid, 10, 31, 16),
            new Field("LBAF", AdminSqe::formatLbaFormat, 10, 3, 0),
            new Field("MSET", s -> AdminSqe.formatMetadataExtended(s) ? 1 : 0, 10, 4, 4),
            new Field("PI", AdminSqe::formatProtection, 10, 7, 5),
            new Field("SES", AdminSqe::formatSecureErase, 10, 11, 9));

    private final Scratch entry = Scratch.of(Sqe.BYTES);
    private final long sqe = entry.address();

    @Test
    void shouldSeeEachBitInItsFieldAloneWhenOneBitWalksThroughTheEntry() {
        for (int bit = 0; bit < Sqe.BYTES * 8; bit++) {
            entry.clear();
            Memory.putByte(sqe + bit / 8, (byte) (1 << bit % 8));
            for (Field field : FIELDS) {
                int low = field.dword * 32 + field.low;
                int high = field.dword * 32 + field.high;
                long expected = bit >= low && bit <= high ? 1L << (bit - low) : 0;
                assertEquals(expected, field.get.applyAsLong(sqe), field.name + " with bit " + bit);
            }
        }
    }

    @Test
    void shouldEncodeCreateCompletionQueue() {
        AdminSqe.setCreateCq(sqe, 3, 1024, 0x1234_5000L, true, 7);
        assertEquals("0050341200000000", entry.hex(24, 8));
        assertEquals("0300ff03" + "03000700", entry.hex(40, 8));
        AdminSqe.setCreateCq(sqe, 3, 65_536, 0, false, 0);
        assertEquals("0300ffff" + "01000000", entry.hex(40, 8));
        assertThrows(IllegalArgumentException.class, () -> AdminSqe.setCreateCq(sqe, 1, 0, 0, true, 0));
    }

    @Test
    void shouldEncodeCreateAndDeleteSubmissionQueue() {
        AdminSqe.setCreateSq(sqe, 2, 64, 0x8000L, 5, AdminSqe.QPRIO_MEDIUM);
        assertEquals("02003f00" + "05000500", entry.hex(40, 8));
        assertTrue(AdminSqe.physicallyContiguous(sqe));
        AdminSqe.setDeleteQueue(sqe, 0xabcd);
        assertEquals("cdab0000", entry.hex(40, 4));
    }

    @Test
    void shouldEncodeGetLogPage() {
        AdminSqe.setGetLogPage(sqe, Sqe.NSID_ALL, LogPage.SMART, 0x1_0000_0200L, 512, true);
        assertEquals("ffffffff", entry.hex(4, 4));
        assertEquals("02807f00" + "00000000" + "00020000" + "01000000", entry.hex(40, 16));
        assertEquals(512, AdminSqe.logBytes(sqe));
        assertEquals(0x1_0000_0200L, AdminSqe.logOffset(sqe));
        AdminSqe.setGetLogPage(sqe, 0, LogPage.SMART, 0, 0x0010_0004, false);
        assertEquals(0x0010_0004, AdminSqe.logBytes(sqe));
        assertFalse(AdminSqe.retainAsyncEvent(sqe));
        entry.fill(0xff);
        assertEquals(1L << 34, AdminSqe.logBytes(sqe));
    }

    @Test
    void shouldEncodeFeaturesIdentifyAndAbort() {
        AdminSqe.setSetFeatures(sqe, 0, Feature.NUMBER_OF_QUEUES, 0x0003_0003, true);
        assertEquals("07000080" + "03000300", entry.hex(40, 8));
        AdminSqe.setGetFeatures(sqe, 1, Feature.ERROR_RECOVERY, Feature.SELECT_SUPPORTED_CAPABILITIES);
        assertEquals("05030000", entry.hex(40, 4));
        assertEquals(1, Sqe.nsid(sqe));
        AdminSqe.setIdentify(sqe, Cns.CONTROLLER, 0);
        assertEquals("01000000", entry.hex(40, 4));
        AdminSqe.setAbort(sqe, 0x1111, 0x2222);
        assertEquals("11112222", entry.hex(40, 4));
        assertTrue(AdminSqe.aborted(0));
        assertFalse(AdminSqe.aborted(1));
    }
}

package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.mem.Translator;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sgl;
import io.sluice.nvme.SglWalker;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands with SGLs on their way through the gate: NVMe 1.4, 4.4, and 4.2, PSDT. What a walk refuses SglWalkerTest shows. */
class SglGateTest extends IoQueuesFixture {
    private static final long SEGMENT = LIST_GPA + 8;

    @BeforeEach
    void offer() {
        offer(1);
    }

    private void offer(int alignmentBytes) {
        path.sglAlignmentBytes = alignmentBytes;
        reopen();
        createPair(16, 16, 0);
    }

    private long submitBlock(int opcode, long gpa, int bytes) {
        long sqe = submit(opcode, 1, 1, 0, 1);
        Sqe.setSglDataBlock(sqe, gpa, bytes);
        return sqe;
    }

    private long submitSegment(int opcode, int count) {
        long sqe = submit(opcode, 1, 1, 0, 1);
        Sqe.setPsdt(sqe, Sqe.PSDT_SGL);
        Sqe.setPrp1(sqe, SEGMENT);
        Sqe.setPrp2(sqe, Sgl.word1(Sgl.TYPE_LAST_SEGMENT, Sgl.SUBTYPE_ADDRESS, (long) count * Sgl.BYTES));
        return sqe;
    }

    private void put(int index, long gpa, int bytes) {
        Sgl.setDataBlock(guest.hva(SEGMENT) + (long) index * Sgl.BYTES, gpa, bytes);
    }

    private IoCommand last() {
        return path.submitted.getLast();
    }

    @Test
    void shouldHandPiecesAtAnyAddressToThePath() {
        put(0, DATA_GPA + 1, 100);
        put(1, DATA_GPA + 3 * PAGE - 12, 412);
        assertStatus(Status.OK, submitSegment(NvmOpcode.WRITE, 2));

        assertEquals(2, last().pieces().count());
        assertEquals(guest.hva(DATA_GPA + 1), last().pieces().address(0));
        assertEquals(100, last().pieces().bytes(0));
        assertEquals(guest.hva(DATA_GPA + 3 * PAGE - 12), last().pieces().address(1));
        assertEquals(412, last().pieces().bytes(1), "two pages that follow each other here too");
        assertEquals(512, last().pieces().totalBytes());
    }

    /** There is no metadata, so what MPTR is makes no difference; 3 is reserved. */
    @Test
    void shouldTakeEverySettingOfPsdtButTheReservedOne() {
        for (int psdt : new int[] {Sqe.PSDT_SGL, Sqe.PSDT_SGL_METADATA_SGL}) {
            long sqe = submitBlock(NvmOpcode.READ, DATA_GPA, 512);
            Sqe.setPsdt(sqe, psdt);
            Sqe.setMptr(sqe, 0x7777_0000_0001L);
            assertStatus(Status.OK, sqe);
        }
        long sqe = submitBlock(NvmOpcode.READ, DATA_GPA, 512);
        Sqe.setPsdt(sqe, Sqe.PSDT_RESERVED);
        assertStatus(Status.INVALID_FIELD.dnr(), sqe);
        assertEquals(2, path.submitted.size());
    }

    @Test
    void shouldIgnorePsdtWhereThereIsNoData() {
        for (int opcode : new int[] {NvmOpcode.FLUSH, NvmOpcode.WRITE_ZEROES}) {
            long sqe = submitBlock(opcode, 0x7777_0000_0001L, 3);
            assertStatus(Status.OK, sqe);
        }
    }

    @Test
    void shouldEndABadSglInItsStatusAndSubmitNothing() {
        put(0, DATA_GPA, 511);
        assertStatus(Status.DATA_SGL_LENGTH_INVALID.dnr(), submitSegment(NvmOpcode.READ, 1));
        assertStatus(Status.DATA_SGL_LENGTH_INVALID.dnr(), submitBlock(NvmOpcode.READ, DATA_GPA, 1024));
        long misaligned = submitSegment(NvmOpcode.READ, 1);
        Sqe.setPrp1(misaligned, SEGMENT + 4);
        assertStatus(Status.INVALID_SGL_SEGMENT_DESCRIPTOR.dnr(), misaligned);
        assertStatus(
                Status.INVALID_SGL_DESCRIPTOR_COUNT.dnr(), submitSegment(NvmOpcode.READ, SglWalker.MAX_DESCRIPTORS));
        long keyed = submitBlock(NvmOpcode.READ, 0, 512);
        Sqe.setPrp2(keyed, Sgl.word1(Sgl.TYPE_KEYED_DATA_BLOCK, Sgl.SUBTYPE_ADDRESS, 512));
        assertStatus(Status.SGL_DESCRIPTOR_TYPE_INVALID.dnr(), keyed);
        assertStatus(Status.DATA_TRANSFER_ERROR.code(), submitBlock(NvmOpcode.READ, 0x7777_0000_0000L, 512));

        assertEquals(List.of(), path.submitted);
    }

    @Test
    void shouldHaveThePathMoveToNobodysMemoryWhatABitBucketLeavesOut() {
        long sqe = submitBlock(NvmOpcode.READ, 0, 512);
        Sqe.setPrp2(sqe, Sgl.word1(Sgl.TYPE_BIT_BUCKET, Sgl.SUBTYPE_ADDRESS, 512));
        assertStatus(Status.OK, sqe);

        assertEquals(1, last().pieces().count());
        assertEquals(DiscardPage.address(), last().pieces().address(0));
        assertEquals(512, last().pieces().bytes(0));
    }

    @Test
    void shouldRefuseABitBucketInTheSglOfAWriteThatHasNothingElse() {
        long sqe = submitBlock(NvmOpcode.WRITE, 0, 512);
        Sqe.setPrp2(sqe, Sgl.word1(Sgl.TYPE_BIT_BUCKET, Sgl.SUBTYPE_ADDRESS, 512));

        assertStatus(Status.DATA_SGL_LENGTH_INVALID.dnr(), sqe);
    }

    /** What is wrong with the blocks is told before anything of the SGL is looked at. */
    @Test
    void shouldCheckBlocksAndSizeFirst() {
        long outside = submitBlock(NvmOpcode.READ, DATA_GPA, 512);
        Sqe.setSlba(outside, BLOCKS);
        assertStatus(Status.LBA_OUT_OF_RANGE.dnr(), outside);
        long tooLong = submitBlock(NvmOpcode.READ, DATA_GPA, MAX_TRANSFER + 512);
        Sqe.setBlockCount(tooLong, MAX_TRANSFER / 512 + 1);
        assertStatus(Status.INVALID_FIELD.dnr(), tooLong);
    }

    @ParameterizedTest
    @ValueSource(ints = {Translator.READ, Translator.WRITE})
    void shouldCheckTheDirection(int allowed) {
        guest.mapPage(DATA_GPA + PAGE, DATA_GPA + PAGE, allowed);
        queues.memoryChanged(guest.epoch.current());
        put(0, DATA_GPA, 256);
        put(1, DATA_GPA + PAGE, 256);
        int refused = Status.DATA_TRANSFER_ERROR.code();

        assertStatus(allowed == Translator.READ ? refused : Status.OK, submitSegment(NvmOpcode.READ, 2));
        assertStatus(allowed == Translator.READ ? Status.OK : refused, submitSegment(NvmOpcode.WRITE, 2));
    }

    @Test
    void shouldOnlyTakeDwordsWhereThePathMovesThoseOnly() {
        offer(4);

        int invalid = Status.SGL_DATA_BLOCK_GRANULARITY_INVALID.dnr();
        assertStatus(invalid, submitBlock(NvmOpcode.READ, DATA_GPA + 2, 512));
        assertStatus(Status.OK, submitBlock(NvmOpcode.READ, DATA_GPA + 4, 512));
    }

    @Test
    void shouldCopyRangesFromAnywhere() {
        long sqe = submitDsm(Sqe.DSM_DEALLOCATE, new long[][] {{0, 10}, {20, 30}});
        DsmRange.set(guest.hva(DATA_GPA + PAGE), 0, 7, 100);
        DsmRange.set(guest.hva(DATA_GPA + 2 * PAGE), 0, 8, 200);
        put(0, DATA_GPA + PAGE, 16);
        put(1, DATA_GPA + 2 * PAGE, 5);
        put(2, DATA_GPA + 2 * PAGE + 5, 11);
        Sqe.setPsdt(sqe, Sqe.PSDT_SGL);
        Sqe.setPrp1(sqe, SEGMENT);
        Sqe.setPrp2(sqe, Sgl.word1(Sgl.TYPE_LAST_SEGMENT, Sgl.SUBTYPE_ADDRESS, 48));
        assertStatus(Status.OK, sqe);

        long ranges = last().rangesAddress();
        assertEquals(100, DsmRange.slba(ranges));
        assertEquals(7, DsmRange.blockCount(ranges));
        assertEquals(200, DsmRange.slba(ranges + DsmRange.BYTES));
        assertEquals(8, DsmRange.blockCount(ranges + DsmRange.BYTES));
        Sqe.setSglDataBlock(submitDsm(Sqe.DSM_DEALLOCATE, new long[][] {{0, 10}, {20, 30}}), DATA_GPA, 31);
        assertEquals(1, step());
        assertEquals(1, path.submitted.size(), "ranges are all of the data, or there are none");
    }

    // ---- a path that moves data elsewhere

    @Test
    void shouldWaitForDataThatThePathCannotReachYet() {
        boolean[] pinned = {false};
        path.dataView = (gpa, bytes, access) -> pinned[0] ? 0x50_0000_0000L + gpa : Translator.NOT_MAPPED;
        offer(1);
        put(0, DATA_GPA + 5, 256);
        put(1, DATA_GPA + PAGE, 256);
        long sqe = submitSegment(NvmOpcode.READ, 2);
        assertEquals(0, step());
        assertEquals(List.of(), path.submitted);

        pinned[0] = true;
        assertStatus(Status.OK, sqe);
        assertEquals(0x50_0000_0000L + DATA_GPA + 5, last().pieces().address(0));
        assertEquals(0x50_0000_0000L + DATA_GPA + PAGE, last().pieces().address(1));
    }

    @Test
    void shouldNotWaitForWhatIsNobodys() {
        path.dataView = (gpa, bytes, access) -> Translator.NOT_MAPPED;
        offer(1);
        assertStatus(Status.DATA_TRANSFER_ERROR.code(), submitBlock(NvmOpcode.READ, 0x7777_0000_0000L, 512));
        long sqe = submitSegment(NvmOpcode.READ, 1);
        Sqe.setPrp1(sqe, 0x7777_0000_0000L);
        assertStatus(Status.DATA_TRANSFER_ERROR.code(), sqe);
    }
}

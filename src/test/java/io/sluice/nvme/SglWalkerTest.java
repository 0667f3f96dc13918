package io.sluice.nvme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * NVMe 1.4, 4.4, "Scatter Gather List". Guest pages 0 to 15 are host pages 0 to 15 in reverse order, so none follows its
 * neighbour; segments are in pages 12 and 13.
 */
class SglWalkerTest {
    private static final int PAGE = 4096;
    private static final int PAGES = 16;
    private static final int MAX = 1 << 20;
    private static final long SEGMENT = 12L * PAGE;
    private static final long NEXT = 13L * PAGE;
    private static final long NOWHERE = 0x7777_0000_0000L;

    private final GuestMemory guest = new GuestMemory(PAGES);
    private final SglWalker walker = new SglWalker(guest, guest, MAX, 1, 0);
    private final Pieces pieces = new Pieces(SglWalker.capacityFor(MAX));

    @BeforeEach
    void map() {
        for (int i = 0; i < PAGES; i++) {
            guest.map((long) i * PAGE, PAGES - 1 - i);
        }
    }

    private long hva(long gpa) {
        return guest.hva(PAGES - 1 - (int) (gpa / PAGE)) + gpa % PAGE;
    }

    private void put(long gpa, int type, long address, long bytes) {
        put(gpa, address, Sgl.word1(type, Sgl.SUBTYPE_ADDRESS, bytes));
    }

    private void put(long gpa, long address, long word1) {
        guest.write(gpa, address);
        guest.write(gpa + Long.BYTES, word1);
    }

    private int walk(int type, long address, long length, int bytes) {
        return walker.walk(address, Sgl.word1(type, Sgl.SUBTYPE_ADDRESS, length), bytes, Translator.WRITE, pieces);
    }

    /** A last segment at {@link #SEGMENT}. */
    private int walkSegment(int count, int bytes) {
        return walk(Sgl.TYPE_LAST_SEGMENT, SEGMENT, (long) count * Sgl.BYTES, bytes);
    }

    private static void assertStatus(int expected, int status) {
        assertEquals(Status.describe(expected), Status.describe(status));
    }

    // ---- what is right

    /** Data block: address 1003h, 513 bytes; type 0h, subtype 0h. */
    @Test
    void shouldResolveADataBlockAsItIsOnTheWire() {
        byte[] wire = HexFormat.of().parseHex("0310000000000000" + "01020000" + "000000" + "00");
        Scratch copy = Scratch.of(Sgl.BYTES);
        for (int i = 0; i < wire.length; i++) {
            Memory.putByte(copy.address() + i, wire[i]);
        }
        long word1 = Memory.getLong(copy.address() + Long.BYTES);

        assertEquals(Status.OK, walker.walk(Sgl.address(copy.address()), word1, 513, Translator.WRITE, pieces));
        assertEquals(1, pieces.count());
        assertEquals(hva(0x1003), pieces.address(0));
        assertEquals(513, pieces.bytes(0));
    }

    /** Last segment: address C000h, two descriptors; type 3h. A segment is type 2h. */
    @Test
    void shouldKnowSegmentsAsTheyAreOnTheWire() {
        assertEquals(0x3000_0000_0000_0020L, Sgl.word1(Sgl.TYPE_LAST_SEGMENT, Sgl.SUBTYPE_ADDRESS, 32));
        assertEquals(0x2000_0000_ffff_fff0L, Sgl.word1(Sgl.TYPE_SEGMENT, Sgl.SUBTYPE_ADDRESS, 0xffff_fff0L));
        Scratch copy = Scratch.of(Sgl.BYTES);
        Sgl.setLastSegment(copy.address(), 0xc000, 2);
        assertEquals(0xc000, Sgl.address(copy.address()));
        assertEquals(32, Sgl.lengthBytes(copy.address()));
        assertEquals(Sgl.TYPE_LAST_SEGMENT, Sgl.type(copy.address()));
        assertEquals(Sgl.SUBTYPE_ADDRESS, Sgl.subtype(copy.address()));
    }

    @Test
    void shouldCutABlockWhereItsPagesAreNotContiguous() {
        assertEquals(Status.OK, walk(Sgl.TYPE_DATA_BLOCK, PAGE + 100, 2 * PAGE, 2 * PAGE));

        assertEquals(3, pieces.count());
        assertEquals(hva(PAGE + 100), pieces.address(0));
        assertEquals(PAGE - 100, pieces.bytes(0));
        assertEquals(hva(2 * PAGE), pieces.address(1));
        assertEquals(PAGE, pieces.bytes(1));
        assertEquals(100, pieces.bytes(2));
    }

    @Test
    void shouldFollowSegmentsInOrder() {
        put(SEGMENT, Sgl.TYPE_DATA_BLOCK, 7, 1000);
        put(SEGMENT + 16, Sgl.TYPE_DATA_BLOCK, 5 * PAGE + 1, 24);
        put(SEGMENT + 32, Sgl.TYPE_SEGMENT, NEXT, 16);
        put(NEXT, Sgl.TYPE_LAST_SEGMENT, NEXT + 0x100, 32);
        put(NEXT + 0x100, Sgl.TYPE_DATA_BLOCK, 3 * PAGE, 4000);
        put(NEXT + 0x110, Sgl.TYPE_DATA_BLOCK, 8 * PAGE, 0);

        assertStatus(Status.OK, walk(Sgl.TYPE_SEGMENT, SEGMENT, 48, 5024));
        assertEquals(3, pieces.count());
        assertEquals(hva(7), pieces.address(0));
        assertEquals(hva(5 * PAGE + 1), pieces.address(1));
        assertEquals(hva(3 * PAGE), pieces.address(2));
        assertEquals(5024, pieces.totalBytes());
    }

    /** A segment that names no other is the last one, whatever its own descriptor said: NVMe 1.4, 4.4. */
    @Test
    void shouldEndWithASegmentThatNamesNoOther() {
        put(SEGMENT, Sgl.TYPE_DATA_BLOCK, 0, 512);

        assertStatus(Status.OK, walk(Sgl.TYPE_SEGMENT, SEGMENT, 16, 512));
    }

    @Test
    void shouldReadADescriptorThatLiesOnTwoPages() {
        long segment = NEXT - 8 - 16;
        put(segment, Sgl.TYPE_DATA_BLOCK, PAGE, 512);
        put(segment + 16, Sgl.TYPE_DATA_BLOCK, 3 * PAGE, 512);
        put(segment + 32, Sgl.TYPE_DATA_BLOCK, 5 * PAGE, 512);

        assertStatus(Status.OK, walk(Sgl.TYPE_LAST_SEGMENT, segment, 48, 3 * 512));
        assertEquals(hva(3 * PAGE), pieces.address(1));
        assertEquals(hva(5 * PAGE), pieces.address(2));
    }

    @Test
    void shouldLoadEachWordOfADescriptorOnce() {
        put(SEGMENT, Sgl.TYPE_DATA_BLOCK, 0, 512);
        put(SEGMENT + 16, Sgl.TYPE_DATA_BLOCK, PAGE, 512);
        guest.asked().clear();

        assertStatus(Status.OK, walkSegment(2, 1024));

        assertEquals(
                List.of(
                        new GuestMemory.Asked(SEGMENT, 32, Translator.READ),
                        new GuestMemory.Asked(0, 512, Translator.WRITE),
                        new GuestMemory.Asked(PAGE, 512, Translator.WRITE)),
                guest.asked());
    }

    @Test
    void shouldTakeABlockOfNoBytesWhereverItIs() {
        put(SEGMENT, Sgl.TYPE_DATA_BLOCK, NOWHERE, 0);
        put(SEGMENT + 16, Sgl.TYPE_DATA_BLOCK, 0, 512);

        assertStatus(Status.OK, walkSegment(2, 512));
        assertEquals(1, pieces.count());
    }

    @Test
    void shouldMergeBlocksThatFollowEachOther() {
        put(SEGMENT, Sgl.TYPE_DATA_BLOCK, 0, 100);
        put(SEGMENT + 16, Sgl.TYPE_DATA_BLOCK, 100, 412);

        assertStatus(Status.OK, walkSegment(2, 512));
        assertEquals(1, pieces.count());
    }

    // ---- lengths

    @ParameterizedTest
    @ValueSource(longs = {0, 511, 513, 0xffff_ffffL})
    void shouldRefuseABlockThatIsNotAsLongAsTheData(long length) {
        assertStatus(Status.DATA_SGL_LENGTH_INVALID.dnr(), walk(Sgl.TYPE_DATA_BLOCK, 0, length, 512));
    }

    @ParameterizedTest
    @ValueSource(ints = {1023, 1025})
    void shouldRefuseBlocksWhoseSumIsNotAsLongAsTheData(int bytes) {
        put(SEGMENT, Sgl.TYPE_DATA_BLOCK, 0, 512);
        put(SEGMENT + 16, Sgl.TYPE_DATA_BLOCK, PAGE, 512);

        assertStatus(Status.DATA_SGL_LENGTH_INVALID.dnr(), walkSegment(2, bytes));
    }

    /** Lengths are of 32 bits, and so might be their sum. */
    @Test
    void shouldNotWrapWhenLengthsAreSummedUp() {
        put(SEGMENT, Sgl.TYPE_DATA_BLOCK, 0, 0xffff_ff00L);
        put(SEGMENT + 16, Sgl.TYPE_DATA_BLOCK, 0, 0x300);

        assertStatus(Status.DATA_SGL_LENGTH_INVALID.dnr(), walkSegment(2, 512));
    }

    @Test
    void shouldRefuseSpansThatGoBeyondTheLastAddress() {
        assertStatus(Status.DATA_SGL_LENGTH_INVALID.dnr(), walk(Sgl.TYPE_DATA_BLOCK, -511, 512, 512));
        assertStatus(Status.DATA_SGL_LENGTH_INVALID.dnr(), walk(Sgl.TYPE_LAST_SEGMENT, -16, 32, 512));
        assertStatus(Status.DATA_TRANSFER_ERROR.code(), walk(Sgl.TYPE_DATA_BLOCK, -512, 512, 512));
        assertStatus(Status.DATA_TRANSFER_ERROR.code(), walk(Sgl.TYPE_LAST_SEGMENT, -16, 16, 512));
    }

    @Test
    void shouldRefuseATransferBeyondItsMaximum() {
        assertStatus(Status.INVALID_FIELD.dnr(), walk(Sgl.TYPE_DATA_BLOCK, 0, MAX + 1, MAX + 1));
        assertStatus(Status.INVALID_FIELD.dnr(), walk(Sgl.TYPE_DATA_BLOCK, 0, 512, -1));
    }

    // ---- types

    static Stream<Arguments> badTypes() {
        return IntStream.range(0, 256)
                .filter(id -> id != 0x00 && id != 0x20 && id != 0x30)
                .mapToObj(id -> Arguments.of(id >> 4, id & 0xf));
    }

    @ParameterizedTest(name = "type {0}, subtype {1}")
    @MethodSource("badTypes")
    void shouldRefuseEveryOtherTypeAndSubtype(int type, int subtype) {
        long word1 = Sgl.word1(type, subtype, 512);
        assertStatus(Status.SGL_DESCRIPTOR_TYPE_INVALID.dnr(), walker.walk(0, word1, 512, Translator.WRITE, pieces));

        put(SEGMENT, 0, word1);
        assertStatus(Status.SGL_DESCRIPTOR_TYPE_INVALID.dnr(), walkSegment(1, 512));
    }

    // ---- segments

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 8, 15, 17, 0xffff_ffffL})
    void shouldRefuseASegmentThatIsNoArrayOfDescriptors(long length) {
        int expected = Status.INVALID_SGL_SEGMENT_DESCRIPTOR.dnr();
        assertStatus(expected, walk(Sgl.TYPE_LAST_SEGMENT, SEGMENT, length, 512));
        assertStatus(expected, walk(Sgl.TYPE_SEGMENT, SEGMENT, length, 512));
        put(SEGMENT, Sgl.TYPE_SEGMENT, NEXT, length);
        assertStatus(expected, walk(Sgl.TYPE_SEGMENT, SEGMENT, 16, 512));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 7, 12})
    void shouldRefuseASegmentThatIsNotAligned(int offset) {
        assertStatus(
                Status.INVALID_SGL_SEGMENT_DESCRIPTOR.dnr(), walk(Sgl.TYPE_LAST_SEGMENT, SEGMENT + offset, 16, 512));
    }

    @ParameterizedTest
    @ValueSource(ints = {Sgl.TYPE_SEGMENT, Sgl.TYPE_LAST_SEGMENT})
    void shouldRefuseASegmentAfterTheLastOne(int type) {
        put(SEGMENT, Sgl.TYPE_DATA_BLOCK, 0, 512);
        put(SEGMENT + 16, type, NEXT, 16);

        assertStatus(Status.INVALID_SGL_SEGMENT_DESCRIPTOR.dnr(), walkSegment(2, 1024));
    }

    @ParameterizedTest
    @ValueSource(ints = {Sgl.TYPE_SEGMENT, Sgl.TYPE_LAST_SEGMENT})
    void shouldRefuseASegmentThatIsNotNamedInTheLastPlace(int type) {
        put(SEGMENT, type, NEXT, 16);
        put(SEGMENT + 16, Sgl.TYPE_DATA_BLOCK, 0, 512);

        assertStatus(Status.INVALID_SGL_DESCRIPTOR_COUNT.dnr(), walkSegment(2, 512));
        assertStatus(Status.INVALID_SGL_DESCRIPTOR_COUNT.dnr(), walk(Sgl.TYPE_SEGMENT, SEGMENT, 32, 512));
    }

    // ---- bounds

    @Test
    void shouldEndASegmentThatLeadsToItself() {
        put(SEGMENT, Sgl.TYPE_SEGMENT, SEGMENT, 16);

        assertStatus(Status.INVALID_SGL_DESCRIPTOR_COUNT.dnr(), walk(Sgl.TYPE_SEGMENT, SEGMENT, 16, 512));
        assertTrue(guest.asked().size() <= SglWalker.MAX_DESCRIPTORS);
    }

    @Test
    void shouldTakeAsManyDescriptorsAsTheLimitAndNoMore() {
        int most = SglWalker.MAX_DESCRIPTORS - 1; // SGL1 is one of them
        for (int i = 0; i < most; i++) {
            put(SEGMENT + 16L * i, Sgl.TYPE_DATA_BLOCK, 2L * i, 1);
        }
        assertStatus(Status.OK, walkSegment(most, most));
        assertEquals(most, pieces.count());

        assertStatus(Status.INVALID_SGL_DESCRIPTOR_COUNT.dnr(), walkSegment(most + 1, most));
        assertStatus(
                Status.INVALID_SGL_DESCRIPTOR_COUNT.dnr(), walk(Sgl.TYPE_LAST_SEGMENT, SEGMENT, 0xffff_fff0L, most));
    }

    @Test
    void shouldRefuseMorePiecesThanThereIsRoomFor() {
        Pieces few = new Pieces(3);
        for (int i = 0; i < 4; i++) {
            put(SEGMENT + 16L * i, Sgl.TYPE_DATA_BLOCK, 2L * i, 1);
        }
        long word1 = Sgl.word1(Sgl.TYPE_LAST_SEGMENT, Sgl.SUBTYPE_ADDRESS, 64);

        assertStatus(Status.INVALID_SGL_DESCRIPTOR_COUNT.dnr(), walker.walk(SEGMENT, word1, 4, Translator.WRITE, few));
        put(SEGMENT + 48, Sgl.TYPE_DATA_BLOCK, 5, 1);
        assertStatus(Status.OK, walker.walk(SEGMENT, word1, 4, Translator.WRITE, few));
        assertStatus(
                Status.INVALID_SGL_DESCRIPTOR_COUNT.dnr(),
                walker.walk(100, Sgl.word1(0, 0, 3 * PAGE), 3 * PAGE, Translator.WRITE, few));
    }

    @Test
    void shouldHaveRoomForAnySglOf256Blocks() {
        Pieces room = new Pieces(SglWalker.capacityFor(256 * (PAGE + 2)));
        SglWalker wide = new SglWalker(guest, guest, 256 * (PAGE + 2), 1, 0);
        for (int i = 0; i < 256; i++) { // each on three pages
            put(SEGMENT + 16L * i, Sgl.TYPE_DATA_BLOCK, 2 * PAGE - 1, PAGE + 2);
        }
        long word1 = Sgl.word1(Sgl.TYPE_LAST_SEGMENT, Sgl.SUBTYPE_ADDRESS, 256 * 16);

        assertStatus(Status.OK, wide.walk(SEGMENT, word1, 256 * (PAGE + 2), Translator.WRITE, room));
        assertEquals(3 * 256, room.count());
    }

    // ---- bit buckets: NVMe 1.4, 4.4

    private static final long DISCARD = 0x6000_0000_0000L;

    private SglWalker discarding(int alignmentBytes) {
        return new SglWalker(guest, guest, MAX, alignmentBytes, DISCARD);
    }

    /** Type 1h. The address is reserved, and not looked at. */
    @Test
    void shouldKnowABitBucketAsItIsOnTheWire() {
        Scratch copy = Scratch.of(Sgl.BYTES);
        Sgl.setBitBucket(copy.address(), 0x201);

        assertEquals(0, Memory.getLong(copy.address()));
        assertEquals(0x1000_0000_0000_0201L, Memory.getLong(copy.address() + Long.BYTES));
    }

    @Test
    void shouldCountWhatABitBucketLeavesOutOfARead() {
        put(SEGMENT, Sgl.TYPE_DATA_BLOCK, PAGE, 100);
        put(SEGMENT + 16, Sgl.TYPE_BIT_BUCKET, NOWHERE, 2 * PAGE + 12);
        put(SEGMENT + 32, Sgl.TYPE_BIT_BUCKET, 0, 0);
        put(SEGMENT + 48, Sgl.TYPE_DATA_BLOCK, 2 * PAGE + 100, 300);
        long word1 = Sgl.word1(Sgl.TYPE_LAST_SEGMENT, Sgl.SUBTYPE_ADDRESS, 64);

        assertStatus(Status.OK, discarding(1).walk(SEGMENT, word1, 2 * PAGE + 412, Translator.WRITE, pieces));

        assertEquals(5, pieces.count());
        assertEquals(2 * PAGE + 412, pieces.totalBytes());
        for (int i = 1; i < 4; i++) {
            assertEquals(DISCARD, pieces.address(i));
            assertEquals(i < 3 ? PAGE : 12, pieces.bytes(i));
        }
        assertEquals(hva(2 * PAGE + 100), pieces.address(4));
    }

    @Test
    void shouldIgnoreABitBucketWhereDataComesFromTheGuest() {
        put(SEGMENT, Sgl.TYPE_BIT_BUCKET, 0, 0xffff_ffffL);
        put(SEGMENT + 16, Sgl.TYPE_DATA_BLOCK, PAGE, 512);
        long word1 = Sgl.word1(Sgl.TYPE_LAST_SEGMENT, Sgl.SUBTYPE_ADDRESS, 32);

        assertStatus(Status.OK, discarding(1).walk(SEGMENT, word1, 512, Translator.READ, pieces));

        assertEquals(1, pieces.count());
        assertEquals(hva(PAGE), pieces.address(0));
    }

    @ParameterizedTest
    @ValueSource(longs = {511, 513, 0, 0xffff_ffffL})
    void shouldRefuseABitBucketThatIsNotAsLongAsWhatIsLeft(long bytes) {
        long word1 = Sgl.word1(Sgl.TYPE_BIT_BUCKET, Sgl.SUBTYPE_ADDRESS, bytes);

        assertStatus(Status.DATA_SGL_LENGTH_INVALID.dnr(), discarding(1).walk(0, word1, 512, Translator.WRITE, pieces));
    }

    @Test
    void shouldRefuseABitBucketThatIsNoDwordsWhereOnlyThoseAreOffered() {
        long word1 = Sgl.word1(Sgl.TYPE_BIT_BUCKET, Sgl.SUBTYPE_ADDRESS, 510);

        assertStatus(
                Status.SGL_DATA_BLOCK_GRANULARITY_INVALID.dnr(),
                discarding(4).walk(0, word1, 512, Translator.WRITE, pieces));
    }

    @Test
    void shouldRefuseABitBucketOfMorePiecesThanThereIsRoomFor() {
        Pieces few = new Pieces(3);
        long word1 = Sgl.word1(Sgl.TYPE_BIT_BUCKET, Sgl.SUBTYPE_ADDRESS, 3L * PAGE);
        assertStatus(Status.OK, discarding(1).walk(0, word1, 3 * PAGE, Translator.WRITE, few));
        long more = Sgl.word1(Sgl.TYPE_BIT_BUCKET, Sgl.SUBTYPE_ADDRESS, 3L * PAGE + 1);

        assertStatus(
                Status.INVALID_SGL_DESCRIPTOR_COUNT.dnr(),
                discarding(1).walk(0, more, 3 * PAGE + 1, Translator.WRITE, few));
    }

    @Test
    void shouldRefuseABitBucketWhereTheyAreNotOffered() {
        for (int access : new int[] {Translator.READ, Translator.WRITE}) {
            long word1 = Sgl.word1(Sgl.TYPE_BIT_BUCKET, Sgl.SUBTYPE_ADDRESS, 512);
            assertStatus(Status.SGL_DESCRIPTOR_TYPE_INVALID.dnr(), walker.walk(0, word1, 512, access, pieces));
        }
    }

    @Test
    void shouldRefuseABitBucketOfASubtypeThatIsReserved() {
        long word1 = Sgl.word1(Sgl.TYPE_BIT_BUCKET, Sgl.SUBTYPE_OFFSET, 512);

        assertStatus(
                Status.SGL_DESCRIPTOR_TYPE_INVALID.dnr(), discarding(1).walk(0, word1, 512, Translator.WRITE, pieces));
    }

    // ---- granularity

    @Test
    void shouldRefuseBlocksThatAreNoDwordsWhereOnlyThoseAreOffered() {
        SglWalker dwords = new SglWalker(guest, guest, MAX, 4, 0);
        int invalid = Status.SGL_DATA_BLOCK_GRANULARITY_INVALID.dnr();
        for (int i = 1; i < 4; i++) {
            assertStatus(invalid, dwords.walk(i, Sgl.word1(0, 0, 512), 512, Translator.WRITE, pieces));
            assertStatus(invalid, dwords.walk(0, Sgl.word1(0, 0, 512 + i), 512, Translator.WRITE, pieces));
        }
        assertStatus(Status.OK, dwords.walk(4, Sgl.word1(0, 0, 512), 512, Translator.WRITE, pieces));
    }

    // ---- memory

    @ParameterizedTest
    @ValueSource(longs = {Translator.NOT_MAPPED, Translator.NO_ACCESS, Translator.NOT_LOCAL})
    void shouldTellWhichPageOfTheDataIsOutOfReach(long code) {
        guest.refuse(5 * PAGE, Translator.WRITE, code);

        assertStatus(Status.DATA_TRANSFER_ERROR.code(), walk(Sgl.TYPE_DATA_BLOCK, 4 * PAGE + 8, 2 * PAGE, 2 * PAGE));
        assertEquals(code, walker.fault());
        assertEquals(5 * PAGE, walker.faultGpa());
        assertEquals(PAGE, walker.faultBytes());
        assertFalse(walker.isFaultInList());
        long word1 = Sgl.word1(0, 0, 2 * PAGE);
        assertStatus(Status.OK, walker.walk(4 * PAGE + 8, word1, 2 * PAGE, Translator.READ, pieces));
        assertEquals(0, walker.fault());
    }

    @Test
    void shouldTellWhenASegmentIsOutOfReach() {
        put(NEXT - 16, Sgl.TYPE_DATA_BLOCK, 0, 512);
        guest.refuse(NEXT, Translator.READ, Translator.NOT_LOCAL);

        assertStatus(Status.DATA_TRANSFER_ERROR.code(), walk(Sgl.TYPE_LAST_SEGMENT, NEXT - 16, 32, 1024));
        assertEquals(Translator.NOT_LOCAL, walker.fault());
        assertTrue(walker.isFaultInList());
        assertStatus(Status.DATA_TRANSFER_ERROR.code(), walk(Sgl.TYPE_LAST_SEGMENT, NEXT - 24, 32, 1024));
        assertStatus(Status.DATA_TRANSFER_ERROR.code(), walk(Sgl.TYPE_LAST_SEGMENT, NOWHERE, 32, 1024));
        assertTrue(walker.isFaultInList());
    }

    @Test
    void shouldRefuseToBeMadeForWhatMakesNoSense() {
        assertThrows(IllegalArgumentException.class, () -> new SglWalker(guest, guest, 0, 1, 0));
        assertThrows(IllegalArgumentException.class, () -> new SglWalker(guest, guest, MAX, 2, 0));
    }
}

package io.sluice.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sections 4.3, Physical Region Page Entry and List, and 4.4, Scatter Gather List. */
class PointerRulesTest extends Conformance {
    private static final int SEGMENT_INVALID = 0x0d;
    private static final int COUNT_INVALID = 0x0e;
    private static final int LENGTH_INVALID = 0x0f;
    private static final int TYPE_INVALID = 0x11;

    // SGL descriptor types: figure 112.
    private static final int BLOCK_TYPE = 0x00;
    private static final int BIT_BUCKET = 0x10;
    private static final int SEGMENT = 0x20;
    private static final int LAST_SEGMENT = 0x30;

    private static final int BYTES = 4 * PAGE;

    /** Random data in blocks 0 to 31 of namespace 1. */
    private byte[] stored() throws IOException {
        byte[] data = new byte[BYTES];
        new Random(4).nextBytes(data);
        host.put(DATA, data);
        for (int i = 0; i < 4; i++) {
            host.io(transfer(0x01, 8L * i, 8)
                            .prp1(Host.gpa(DATA + (long) PAGE * i))
                            .prp2(0))
                    .good();
        }
        host.fill(DATA, 8 * PAGE, 0xa5);
        return data;
    }

    private static byte[] slice(byte[] data, int from, int to) {
        return java.util.Arrays.copyOfRange(data, from, to);
    }

    // ---- 4.3

    @ParameterizedTest
    @CsvSource({"0,8", "512,7", "3584,1", "4,7", "4092,1"})
    void thePrpOfOnePageOrLessMayHaveAnOffset(int offset, int blocks) throws IOException {
        byte[] stored = stored();
        int bytes = blocks * BLOCK;
        host.io(read(0, blocks).prp1(Host.gpa(DATA + offset)).prp2(Host.gpa(DATA + PAGE)))
                .good();
        assertArrayEquals(slice(stored, 0, bytes), host.bytes(DATA + offset, bytes));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 511})
    void anOffsetIsOfDwords(int offset) throws IOException {
        host.io(read(0, 1).prp1(Host.gpa(DATA + offset))).refused(GENERIC, PRP_OFFSET);
    }

    @Test
    void theSecondPrpIsAPageWhereTwoAreEnough() throws IOException {
        byte[] stored = stored();
        host.io(read(0, 16).prp2(Host.gpa(DATA + 5 * PAGE))).good();
        assertArrayEquals(slice(stored, 0, PAGE), host.bytes(DATA, PAGE));
        assertArrayEquals(slice(stored, PAGE, 2 * PAGE), host.bytes(DATA + 5 * PAGE, PAGE));
    }

    @Test
    void theSecondPageHasNoOffset() throws IOException {
        host.io(read(0, 16).prp2(Host.gpa(DATA + PAGE + 8))).refused(GENERIC, PRP_OFFSET);
    }

    private void list(long at, long... pages) {
        for (int i = 0; i < pages.length; i++) {
            host.putQword(at + 8L * i, pages[i]);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 8, 0x100, 0xff0, 0xff8})
    void aListMayBeginAnywhereInAPageAndGoesOnInTheNext(int offset) throws IOException {
        byte[] stored = stored();
        long at = LISTS + offset;
        long[] pages = {Host.gpa(DATA + 6 * PAGE), Host.gpa(DATA + 2 * PAGE), Host.gpa(DATA + 4 * PAGE)};
        int inFirst = (PAGE - offset) / 8;
        if (inFirst >= 3) {
            list(at, pages);
        } else { // the last entry of the page is the address of the next list
            for (int i = 0; i < inFirst - 1; i++) {
                list(at + 8L * i, pages[i]);
            }
            list(at + 8L * (inFirst - 1), Host.gpa(LISTS + 2 * PAGE));
            for (int i = inFirst - 1; i < 3; i++) {
                list(LISTS + 2 * PAGE + 8L * (i - inFirst + 1), pages[i]);
            }
        }
        host.io(read(0, 32).prp2(Host.gpa(at))).good();
        assertArrayEquals(slice(stored, 0, PAGE), host.bytes(DATA, PAGE));
        assertArrayEquals(slice(stored, PAGE, 2 * PAGE), host.bytes(DATA + 6 * PAGE, PAGE));
        assertArrayEquals(slice(stored, 2 * PAGE, 3 * PAGE), host.bytes(DATA + 2 * PAGE, PAGE));
        assertArrayEquals(slice(stored, 3 * PAGE, 4 * PAGE), host.bytes(DATA + 4 * PAGE, PAGE));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 7})
    void aListIsOfQwords(int offset) throws IOException {
        stored();
        host.io(read(0, 32).prp2(Host.gpa(LISTS + offset))).refused(GENERIC, PRP_OFFSET);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void theEntriesOfAListHaveNoOffset(int bad) throws IOException {
        for (int i = 0; i < 3; i++) {
            list(LISTS + 8L * i, Host.gpa(DATA + (long) PAGE * (i + 1)) + (i == bad ? 16 : 0));
        }
        host.io(read(0, 32).prp2(Host.gpa(LISTS))).refused(GENERIC, PRP_OFFSET);
    }

    @Test
    void aPointerToNothingIsATransferError() throws IOException {
        host.io(read(0, 1).prp1(0x6000_0000_0000L)).ends(GENERIC, TRANSFER_ERROR);
        host.io(read(0, 16).prp2(0x6000_0000_0000L)).ends(GENERIC, TRANSFER_ERROR);
        host.io(read(0, 32).prp2(0x6000_0000_0000L)).ends(GENERIC, TRANSFER_ERROR);
    }

    // ---- 4.4

    private boolean sgls() throws IOException {
        identify(1, 0).good();
        return (host.dword(DATA + 536) & 3) != 0;
    }

    private boolean buckets() throws IOException {
        identify(1, 0).good();
        return (host.dword(DATA + 536) & 1 << 16) != 0;
    }

    private void descriptor(int index, long gpa, int bytes, int type) {
        descriptor(LISTS, index, gpa, bytes, type);
    }

    private void descriptor(long list, int index, long gpa, int bytes, int type) {
        host.putQword(list + 16L * index, gpa);
        host.putDword(list + 16L * index + 8, bytes);
        host.putDword(list + 16L * index + 12, type << 24);
    }

    private Command sglRead(int blocks, long gpa, int bytes, int type) {
        return read(0, blocks).psdt(1).prp1(gpa).dw(8, bytes).dw(9, type << 24);
    }

    @Test
    void sglsAreRefusedWhereTheyAreNotOffered() throws IOException {
        Completion completion = host.io(sglRead(1, Host.gpa(DATA), BLOCK, BLOCK_TYPE));
        if (sgls()) {
            completion.good();
        } else {
            completion.refused(GENERIC, INVALID_FIELD);
        }
    }

    @Test
    void psdt11bIsReserved() throws IOException {
        host.io(sglRead(1, Host.gpa(DATA), BLOCK, BLOCK_TYPE).psdt(3)).refused(GENERIC, INVALID_FIELD);
    }

    @Test
    void aDataBlockIsAsLongAsTheTransfer() throws IOException {
        byte[] stored = stored();
        host.io(sglRead(32, Host.gpa(DATA), BYTES, BLOCK_TYPE)).good();
        assertArrayEquals(stored, host.bytes(DATA, BYTES));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4, BLOCK - 4})
    void aDataBlockThatIsTooShortIsRefused(int bytes) throws IOException {
        host.io(sglRead(1, Host.gpa(DATA), bytes, BLOCK_TYPE)).refused(GENERIC, LENGTH_INVALID);
    }

    @Test
    void aSegmentIsFollowed() throws IOException {
        byte[] stored = stored();
        descriptor(0, Host.gpa(DATA + 100), 1000, BLOCK_TYPE);
        descriptor(1, Host.gpa(DATA + 6 * PAGE), BYTES - 1000, BLOCK_TYPE);
        host.io(sglRead(32, Host.gpa(LISTS), 32, LAST_SEGMENT)).good();
        assertArrayEquals(slice(stored, 0, 1000), host.bytes(DATA + 100, 1000));
        assertArrayEquals(slice(stored, 1000, BYTES), host.bytes(DATA + 6 * PAGE, BYTES - 1000));
    }

    @Test
    void segmentsLeadToSegments() throws IOException {
        byte[] stored = stored();
        descriptor(0, Host.gpa(DATA), PAGE, BLOCK_TYPE);
        descriptor(1, Host.gpa(LISTS + PAGE), 48, SEGMENT);
        descriptor(LISTS + PAGE, 0, Host.gpa(DATA + 2 * PAGE), PAGE, BLOCK_TYPE);
        descriptor(LISTS + PAGE, 1, Host.gpa(DATA + 4 * PAGE), PAGE, BLOCK_TYPE);
        descriptor(LISTS + PAGE, 2, Host.gpa(LISTS + 2 * PAGE), 16, LAST_SEGMENT);
        descriptor(LISTS + 2 * PAGE, 0, Host.gpa(DATA + 6 * PAGE), PAGE, BLOCK_TYPE);
        host.io(sglRead(32, Host.gpa(LISTS), 32, SEGMENT)).good();
        for (int i = 0; i < 4; i++) {
            assertArrayEquals(slice(stored, i * PAGE, (i + 1) * PAGE), host.bytes(DATA + 2L * i * PAGE, PAGE));
        }
    }

    @Test
    void aDataBlockOfNoBytesIsSkipped() throws IOException {
        byte[] stored = stored();
        descriptor(0, 0, 0, BLOCK_TYPE);
        descriptor(1, Host.gpa(DATA), BLOCK, BLOCK_TYPE);
        host.io(sglRead(1, Host.gpa(LISTS), 32, LAST_SEGMENT)).good();
        assertArrayEquals(slice(stored, 0, BLOCK), host.bytes(DATA, BLOCK));
    }

    @ParameterizedTest
    @ValueSource(ints = {0x40, 0x50, 0x60, 0xe0, 0xf0, 0x0f, 0x01})
    void aTypeThatIsNotOfferedIsRefused(int type) throws IOException {
        host.io(sglRead(1, Host.gpa(DATA), BLOCK, type)).refused(GENERIC, TYPE_INVALID);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 8, 17, 31})
    void aSegmentsLengthIsOfDescriptors(int bytes) throws IOException {
        host.io(sglRead(1, Host.gpa(LISTS), bytes, LAST_SEGMENT)).refused(GENERIC, SEGMENT_INVALID);
    }

    @Test
    void aLastSegmentLeadsNoFurther() throws IOException {
        descriptor(0, Host.gpa(LISTS + PAGE), 16, LAST_SEGMENT);
        Completion completion = host.io(sglRead(1, Host.gpa(LISTS), 16, LAST_SEGMENT));
        assertTrue(completion.code() == SEGMENT_INVALID || completion.code() == TYPE_INVALID, completion.toString());
    }

    @Test
    void aSegmentInFrontOfTheLastDescriptorIsRefused() throws IOException {
        descriptor(0, Host.gpa(LISTS + PAGE), 16, SEGMENT);
        descriptor(1, Host.gpa(DATA), BLOCK, BLOCK_TYPE);
        Completion completion = host.io(sglRead(1, Host.gpa(LISTS), 32, SEGMENT));
        assertTrue(completion.code() == COUNT_INVALID || completion.code() == SEGMENT_INVALID, completion.toString());
    }

    @Test
    void descriptorsThatDescribeTooLittleAreRefused() throws IOException {
        descriptor(0, Host.gpa(DATA), 256, BLOCK_TYPE);
        host.io(sglRead(1, Host.gpa(LISTS), 16, LAST_SEGMENT)).refused(GENERIC, LENGTH_INVALID);
    }

    @Test
    void aSegmentThatIsNotInMemoryIsATransferError() throws IOException {
        host.io(sglRead(1, 0x6000_0000_0000L, 16, LAST_SEGMENT)).ends(GENERIC, TRANSFER_ERROR);
        host.io(sglRead(1, 0x6000_0000_0000L, BLOCK, BLOCK_TYPE)).ends(GENERIC, TRANSFER_ERROR);
    }

    @Test
    void aSegmentThatLeadsToItselfEnds() throws IOException {
        descriptor(0, Host.gpa(DATA), 4, BLOCK_TYPE);
        descriptor(1, Host.gpa(LISTS), 32, SEGMENT);
        Completion completion = host.io(sglRead(32, Host.gpa(LISTS), 32, SEGMENT));
        assertTrue(completion.doNotRetry(), completion.toString());
    }

    @Test
    void aBitBucketTakesWhatIsReadWhereItIsOffered() throws IOException {
        byte[] stored = stored();
        boolean offered = buckets();
        descriptor(0, Host.gpa(DATA), 512, BLOCK_TYPE);
        descriptor(1, 0, 1024, BIT_BUCKET);
        descriptor(2, Host.gpa(DATA + PAGE), 512, BLOCK_TYPE);
        Completion completion = host.io(sglRead(4, Host.gpa(LISTS), 48, LAST_SEGMENT));
        if (offered) {
            completion.good();
            assertArrayEquals(slice(stored, 0, 512), host.bytes(DATA, 512));
            assertArrayEquals(slice(stored, 1536, 2048), host.bytes(DATA + PAGE, 512));
        } else {
            completion.refused(GENERIC, TYPE_INVALID);
        }
    }

    @Test
    void aBitBucketIsNoSourceOfAWrite() throws IOException {
        boolean offered = buckets();
        descriptor(0, 0, 512, BIT_BUCKET);
        descriptor(1, Host.gpa(DATA), 512, BLOCK_TYPE);
        Command command = write(0, 1).psdt(1).prp1(Host.gpa(LISTS)).dw(8, 32).dw(9, LAST_SEGMENT << 24);
        Completion completion = host.io(command);
        if (offered) { // 4.4: its length is taken as 0
            completion.good();
        } else {
            completion.refused(GENERIC, TYPE_INVALID);
        }
    }
}

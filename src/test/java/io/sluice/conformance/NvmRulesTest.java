package io.sluice.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Section 6, NVM Command Set, and 4.12 for fused ones. Copy is that of NVM Command Set 1.0, 3.2.2. */
class NvmRulesTest extends Conformance {
    private static final int WRITE = 0x01;
    private static final int READ = 0x02;
    private static final int WRITE_UNCORRECTABLE = 0x04;
    private static final int COMPARE = 0x05;
    private static final int WRITE_ZEROES = 0x08;
    private static final int DSM = 0x09;
    private static final int VERIFY = 0x0c;
    private static final int COPY = 0x19;

    private static final int COMMAND_SIZE = 0x83;
    private static final int UNRECOVERED = 0x81;
    private static final int COMPARE_FAILED = 0x85;

    private static final int[] WITH_BLOCKS = {WRITE, READ, WRITE_UNCORRECTABLE, COMPARE, WRITE_ZEROES, VERIFY};

    static IntStream commandsOfBlocks() {
        return Arrays.stream(WITH_BLOCKS);
    }

    // ---- opcodes: figure 346

    static IntStream undefinedOpcodes() {
        int[] defined = {0x00, 0x01, 0x02, 0x04, 0x05, 0x08, 0x09, 0x0c, 0x0d, 0x0e, 0x11, 0x15, 0x19};
        return IntStream.range(0, 128).filter(opcode -> Arrays.binarySearch(defined, opcode) < 0);
    }

    @ParameterizedTest
    @MethodSource("undefinedOpcodes")
    void anOpcodeThatIsNotDefinedIsInvalid(int opcode) throws IOException {
        host.io(transfer(opcode, 0, 1)).refused(GENERIC, INVALID_OPCODE);
    }

    // ---- 6.1.4 and 6.1.5: namespaces

    @ParameterizedTest
    @MethodSource("commandsOfBlocks")
    void namespace0IsInvalid(int opcode) throws IOException {
        host.io(transfer(opcode, 0, 1).nsid(0)).refused(GENERIC, INVALID_NAMESPACE);
    }

    @ParameterizedTest
    @MethodSource("commandsOfBlocks")
    void blocksOfAllNamespacesAreInvalid(int opcode) throws IOException {
        host.io(transfer(opcode, 0, 1).nsid(-1)).refused(GENERIC, INVALID_NAMESPACE);
    }

    @ParameterizedTest
    @MethodSource("commandsOfBlocks")
    void aNamespaceBeyondNnIsInvalid(int opcode) throws IOException {
        host.io(transfer(opcode, 0, 1).nsid(0x10_0000)).refused(GENERIC, INVALID_NAMESPACE);
    }

    @ParameterizedTest
    @MethodSource("commandsOfBlocks")
    void anInactiveNamespaceIsAnInvalidField(int opcode) throws IOException {
        host.io(transfer(opcode, 0, 1).nsid(3)).refused(GENERIC, INVALID_FIELD);
    }

    @Test
    void namespacesDoNotShareBlocks() throws IOException {
        fillBlocks(0, 8, 0x11);
        host.fill(DATA, PAGE, 0x22);
        host.io(write(0, 1).nsid(2)).good();
        assertArrayEquals(filled(BLOCK, 0x11), block(0));
        host.io(read(0, 1).nsid(2)).good();
        assertArrayEquals(filled(PAGE, 0x22), host.bytes(DATA, PAGE));
    }

    // ---- blocks

    @ParameterizedTest
    @MethodSource("commandsOfBlocks")
    void theLastBlockIsReached(int opcode) throws IOException {
        fillBlocks(BLOCKS - 1, 1, 0);
        host.fill(DATA, BLOCK, 0);
        host.io(transfer(opcode, BLOCKS - 1, 1)).good();
        fillBlocks(BLOCKS - 1, 1, 0);
    }

    @ParameterizedTest
    @MethodSource("commandsOfBlocks")
    void aBlockBehindTheLastIsOutOfRange(int opcode) throws IOException {
        host.io(transfer(opcode, BLOCKS, 1)).refused(GENERIC, LBA_OUT_OF_RANGE);
    }

    @ParameterizedTest
    @MethodSource("commandsOfBlocks")
    void aRangeThatEndsBehindTheLastBlockIsOutOfRange(int opcode) throws IOException {
        host.io(transfer(opcode, BLOCKS - 1, 2)).refused(GENERIC, LBA_OUT_OF_RANGE);
    }

    @ParameterizedTest
    @MethodSource("commandsOfBlocks")
    void aRangeThatWrapsIsOutOfRange(int opcode) throws IOException {
        host.io(transfer(opcode, -1, 2)).refused(GENERIC, LBA_OUT_OF_RANGE);
        host.io(transfer(opcode, Long.MIN_VALUE, 1)).refused(GENERIC, LBA_OUT_OF_RANGE);
    }

    @ParameterizedTest
    @ValueSource(ints = {WRITE, WRITE_ZEROES, WRITE_UNCORRECTABLE})
    void aRangeThatIsOutOfRangeChangesNothing(int opcode) throws IOException {
        fillBlocks(BLOCKS - 1, 1, 0x33);
        host.fill(DATA, 2 * BLOCK, 0x44);
        host.io(transfer(opcode, BLOCKS - 1, 2)).refused(GENERIC, LBA_OUT_OF_RANGE);
        assertArrayEquals(filled(BLOCK, 0x33), block(BLOCKS - 1));
    }

    // ---- 6.9 and 6.14: Read, Write

    @ParameterizedTest
    @CsvSource({"0,1", "1,1", "0,8", "7,16", "100,9"})
    void whatIsReadIsWhatWasWritten(int slba, int count) throws IOException {
        byte[] written = new byte[count * BLOCK];
        new java.util.Random(slba).nextBytes(written);
        host.put(DATA, written);
        host.io(write(slba, count)).good();
        host.fill(DATA, written.length, 0xa5);
        host.io(read(slba, count)).good();
        assertArrayEquals(written, host.bytes(DATA, written.length));
    }

    @Test
    void aWriteChangesNoOtherBlocks() throws IOException {
        fillBlocks(0, 3, 0x11);
        fillBlocks(1, 1, 0x22);
        assertArrayEquals(filled(BLOCK, 0x11), block(0));
        assertArrayEquals(filled(BLOCK, 0x22), block(1));
        assertArrayEquals(filled(BLOCK, 0x11), block(2));
    }

    @Test
    void aReadWritesNoMoreMemoryThanItsBlocks() throws IOException {
        host.fill(DATA, 2 * PAGE, 0x5a);
        host.io(read(0, 3)).good();
        assertArrayEquals(filled(2 * PAGE - 3 * BLOCK, 0x5a), host.bytes(DATA + 3L * BLOCK, 2 * PAGE - 3 * BLOCK));
    }

    @ParameterizedTest
    @ValueSource(ints = {WRITE, READ})
    void forceUnitAccessAndLimitedRetryAreTaken(int opcode) throws IOException {
        Command command = transfer(opcode, 0, 1);
        host.io(command.dw(12, command.dwords[12] | 3 << 30)).good();
    }

    @Test
    void dsmHintsAreTaken() throws IOException {
        host.io(read(0, 1).dw(13, 0xff)).good();
        host.io(write(0, 1).dw(13, 0xff)).good();
    }

    @Test
    void aDirectiveThatIsNotOfferedIsAnInvalidField() throws IOException {
        Command command = write(0, 1);
        host.io(command.dw(12, command.dwords[12] | 1 << 20)).refused(GENERIC, INVALID_FIELD);
    }

    @Test
    void aTransferOfMdtsIsTakenAndOneOfMoreIsRefused() throws IOException {
        identify(1, 0).good();
        int pages = 1 << host.octet(DATA + 77);
        for (int i = 0; i < pages; i++) {
            host.putQword(LISTS + 8L * i, Host.gpa(DATA + (long) PAGE * i));
        }
        int blocks = pages * PAGE / BLOCK;
        host.io(read(0, blocks).prp2(Host.gpa(LISTS + 8))).good();
        host.putQword(LISTS + 8L * pages, Host.gpa(DATA));
        host.io(read(0, blocks + 1).prp2(Host.gpa(LISTS + 8))).refused(GENERIC, INVALID_FIELD);
    }

    // ---- 6.8: Flush

    @Test
    void aNamespaceIsFlushed() throws IOException {
        host.io(flush(1)).good();
        host.io(flush(2)).good();
    }

    @Test
    void allNamespacesAreFlushedWhereVwcSaysSo() throws IOException {
        identify(1, 0).good();
        int behavior = host.octet(DATA + 525) >>> 1 & 3;
        Completion completion = host.io(flush(-1));
        if (behavior == 3) {
            completion.good();
        } else {
            completion.refused(GENERIC, INVALID_NAMESPACE);
        }
    }

    @Test
    void aNamespaceThatCouldNotBeIsNotFlushed() throws IOException {
        host.io(flush(0)).refused(GENERIC, INVALID_NAMESPACE);
        host.io(flush(0x10_0000)).refused(GENERIC, INVALID_NAMESPACE);
    }

    // ---- 6.6: Compare

    @Test
    void blocksThatAreTheSameCompareWell() throws IOException {
        fillBlocks(5, 2, 0x66);
        host.io(transfer(COMPARE, 5, 2)).good();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 511, 512, 1023})
    void aDifferenceOfOneByteFailsACompare(int at) throws IOException {
        fillBlocks(5, 2, 0x66);
        host.fill(DATA + at, 1, 0x67);
        host.io(transfer(COMPARE, 5, 2)).ends(MEDIA, COMPARE_FAILED);
    }

    // ---- 4.12: Compare and Write, fused

    private void assertFused(int stored, int compared, int written) throws IOException {
        fillBlocks(9, 1, stored);
        host.fill(DATA, BLOCK, compared);
        host.fill(DATA + PAGE, BLOCK, written);
        int first = host.io().put(transfer(COMPARE, 9, 1).fuse(1));
        int second =
                host.io().put(transfer(WRITE, 9, 1).prp1(Host.gpa(DATA + PAGE)).fuse(2));
        host.io().ring();
        Completion one = host.io().await();
        Completion other = host.io().await();
        assertEquals(first, one.cid(), "in order");
        assertEquals(second, other.cid());
        if (stored == compared) {
            one.good();
            other.good();
        } else {
            one.ends(MEDIA, COMPARE_FAILED);
            other.ends(GENERIC, FAILED_FUSED);
        }
        assertArrayEquals(filled(BLOCK, stored == compared ? written : stored), block(9));
    }

    @Test
    void aFusedWriteFollowsACompareThatIsGood() throws IOException {
        assertFused(1, 1, 2);
    }

    @Test
    void aFusedWriteDoesNotFollowACompareThatFails() throws IOException {
        assertFused(1, 3, 2);
    }

    @Test
    void aFirstFusedCommandWithoutItsSecondIsAborted() throws IOException {
        host.io().put(transfer(COMPARE, 9, 1).fuse(1));
        host.io().put(flush(1));
        host.io().ring();
        Completion one = host.io().await();
        Completion other = host.io().await();
        (one.code() == 0 ? other : one).ends(GENERIC, MISSING_FUSED);
    }

    @Test
    void aSecondFusedCommandWithoutItsFirstIsAborted() throws IOException {
        host.io(write(9, 1).fuse(2)).ends(GENERIC, MISSING_FUSED);
    }

    @Test
    void fusedCommandsAreOfTheSameBlocks() throws IOException {
        fillBlocks(9, 2, 1);
        host.io().put(transfer(COMPARE, 9, 1).fuse(1));
        host.io().put(transfer(WRITE, 10, 1).fuse(2));
        host.io().ring();
        for (int i = 0; i < 2; i++) {
            Completion completion = host.io().await();
            assertTrue(completion.type() == GENERIC && completion.code() != 0, completion.toString());
        }
    }

    @Test
    void fuse11bIsReserved() throws IOException {
        host.io(write(9, 1).fuse(3)).refused(GENERIC, INVALID_FIELD);
    }

    // ---- 6.16: Write Zeroes, 6.13: Verify, 6.15: Write Uncorrectable

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void zeroesAreWritten(int deallocate) throws IOException {
        fillBlocks(20, 16, 0x77);
        Command command = new Command(WRITE_ZEROES).nsid(1).blocks(21, 14);
        host.io(command.dw(12, command.dwords[12] | deallocate << 25)).good();
        assertArrayEquals(filled(BLOCK, 0x77), block(20));
        assertArrayEquals(new byte[BLOCK], block(21));
        assertArrayEquals(new byte[BLOCK], block(34));
        assertArrayEquals(filled(BLOCK, 0x77), block(35));
    }

    @Test
    void zeroesNeedNoMemoryAndNoMdts() throws IOException {
        host.io(new Command(WRITE_ZEROES).nsid(1).blocks(0, BLOCKS)).good();
        assertArrayEquals(new byte[BLOCK], block(BLOCKS - 1));
    }

    @Test
    void goodBlocksVerifyWell() throws IOException {
        fillBlocks(30, 2, 0x12);
        host.io(new Command(VERIFY).nsid(1).blocks(30, 2)).good();
    }

    @ParameterizedTest
    @ValueSource(ints = {READ, COMPARE, VERIFY})
    void blocksWrittenUncorrectableCannotBeRead(int opcode) throws IOException {
        fillBlocks(40, 3, 0x12);
        host.io(new Command(WRITE_UNCORRECTABLE).nsid(1).blocks(41, 1)).good();
        host.io(transfer(opcode, 40, 3)).ends(MEDIA, UNRECOVERED);
        host.io(transfer(READ, 40, 1)).good();
        host.io(transfer(READ, 42, 1)).good();
        fillBlocks(41, 1, 0x13);
        assertArrayEquals(filled(BLOCK, 0x13), block(41));
    }

    @Test
    void writingZeroesMakesUncorrectableBlocksGood() throws IOException {
        host.io(new Command(WRITE_UNCORRECTABLE).nsid(1).blocks(41, 4)).good();
        host.io(new Command(WRITE_ZEROES).nsid(1).blocks(41, 4)).good();
        assertArrayEquals(new byte[BLOCK], block(43));
    }

    // ---- 6.7: Dataset Management

    private Command dsm(int ranges, int attributes) {
        return new Command(DSM).nsid(1).prp1(Host.gpa(DATA)).dw(10, ranges - 1).dw(11, attributes);
    }

    private void range(int index, long slba, int count) {
        host.putDword(DATA + 16L * index, 0);
        host.putDword(DATA + 16L * index + 4, count);
        host.putQword(DATA + 16L * index + 8, slba);
    }

    @Test
    void deallocatedBlocksReadAsDlfeatSays() throws IOException {
        identify(0x00, 1).good();
        int reads = host.octet(DATA + 33) & 7;
        fillBlocks(64, 16, 0x55);
        range(0, 64, 8);
        range(1, 72, 8);
        host.io(dsm(2, 4)).good();
        byte[] block = block(79);
        switch (reads) {
            case 1 -> assertArrayEquals(new byte[BLOCK], block);
            case 2 -> assertArrayEquals(filled(BLOCK, 0xff), block);
            default -> assertTrue(Arrays.equals(block, filled(BLOCK, 0x55)) || Arrays.equals(block, new byte[BLOCK]));
        }
    }

    @Test
    void onlyDeallocateChangesBlocks() throws IOException {
        fillBlocks(64, 1, 0x55);
        range(0, 64, 1);
        host.io(dsm(1, 3)).good();
        assertArrayEquals(filled(BLOCK, 0x55), block(64));
    }

    @Test
    void aRangeBehindTheLastBlockIsOutOfRange() throws IOException {
        fillBlocks(64, 1, 0x55);
        range(0, 64, 1);
        range(1, BLOCKS, 1);
        host.io(dsm(2, 4)).refused(GENERIC, LBA_OUT_OF_RANGE);
        range(1, -1, 1);
        host.io(dsm(2, 4)).refused(GENERIC, LBA_OUT_OF_RANGE);
        assertArrayEquals(filled(BLOCK, 0x55), block(64));
    }

    @Test
    void a256RangesAreTaken() throws IOException {
        for (int i = 0; i < 256; i++) {
            range(i, 2L * i, 1);
        }
        host.io(dsm(256, 4)).good();
    }

    @Test
    void rangesAreFetchedOverPages() throws IOException {
        fillBlocks(200, 1, 0x55);
        host.fill(DATA, 2 * PAGE, 0);
        range(0, 200, 1);
        byte[] first = host.bytes(DATA, 16);
        host.put(DATA + PAGE - 16, first);
        range(256, 200, 1);
        host.io(dsm(2, 4).prp1(Host.gpa(DATA + PAGE - 16)).prp2(Host.gpa(DATA + PAGE)))
                .good();
    }

    // ---- Copy

    private Command copy(long slba, int ranges) {
        return new Command(COPY)
                .nsid(1)
                .prp1(Host.gpa(DATA))
                .dw(10, (int) slba)
                .dw(11, (int) (slba >>> 32))
                .dw(12, ranges - 1);
    }

    private void source(int index, long slba, int count) {
        host.fill(DATA + 32L * index, 32, 0);
        host.putQword(DATA + 32L * index + 8, slba);
        host.putDword(DATA + 32L * index + 16, count - 1);
    }

    private boolean copies() throws IOException {
        identify(1, 0).good();
        return (host.word(DATA + 520) & 1 << 8) != 0;
    }

    @Test
    void sourcesAreCopiedOneAfterAnother() throws IOException {
        if (copies()) {
            fillBlocks(300, 1, 1);
            fillBlocks(310, 2, 2);
            source(0, 310, 2);
            source(1, 300, 1);
            host.io(copy(320, 2)).good();
            assertEquals(2, block(320)[0]);
            assertEquals(2, block(321)[511]);
            assertEquals(1, block(322)[0]);
        }
    }

    @Test
    void aSourceBehindTheLastBlockIsOutOfRange() throws IOException {
        if (copies()) {
            source(0, BLOCKS - 1, 2);
            host.io(copy(0, 1)).refused(GENERIC, LBA_OUT_OF_RANGE);
        }
    }

    @Test
    void aDestinationBehindTheLastBlockIsOutOfRange() throws IOException {
        if (copies()) {
            source(0, 0, 2);
            host.io(copy(BLOCKS - 1, 1)).refused(GENERIC, LBA_OUT_OF_RANGE);
        }
    }

    @Test
    void moreRangesThanMsrcAreRefused() throws IOException {
        if (copies()) {
            identify(0x00, 1).good();
            int most = host.octet(DATA + 80) + 1;
            if (most < 256) {
                for (int i = 0; i <= most; i++) {
                    source(i, 0, 1);
                }
                host.io(copy(0, most + 1).prp2(Host.gpa(DATA + PAGE))).refused(SPECIFIC, COMMAND_SIZE);
            }
        }
    }

    @Test
    void aFormatThatOcfsDoesNotNameIsRefused() throws IOException {
        if (copies()) {
            source(0, 0, 1);
            host.io(copy(8, 1).dw(12, 0xf << 8)).refused(GENERIC, INVALID_FIELD);
        }
    }
}

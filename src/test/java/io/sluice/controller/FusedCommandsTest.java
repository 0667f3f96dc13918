package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.mem.Memory;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Compare and Write, fused: NVMe 1.4, 4.12 and 6.2. */
class FusedCommandsTest extends MemoryStorageFixture {
    private static final int BLOCK = 512;
    private static final long NEW_GPA = DATA_GPA + 0x1_0000;
    static final int FAILED = Status.ABORTED_FAILED_FUSED.dnr();
    private static final int MISSING = Status.ABORTED_MISSING_FUSED.dnr();
    private static final int INVALID = Status.INVALID_FIELD.dnr();

    FusedCommandsTest() throws Exception {}

    /** The drive has 0x11 everywhere, and so has the memory to compare with; what is to be written is 0x22. */
    @BeforeEach
    void fill() throws Exception {
        open(1 << 20, BLOCK);
        Memory.fill(guest.hva(DATA_GPA), MAX_TRANSFER, (byte) 0x11);
        assertEquals(Status.OK, transfer(NvmOpcode.WRITE, 0, MAX_TRANSFER / BLOCK));
        Memory.fill(guest.hva(NEW_GPA), 2 * PAGE, (byte) 0x22);
    }

    long first(int others, long slba, int blocks) {
        return part(others, NvmOpcode.COMPARE, Sqe.FUSE_FIRST, DATA_GPA, slba, blocks);
    }

    long second(int others, long slba, int blocks) {
        return part(others, NvmOpcode.WRITE, Sqe.FUSE_SECOND, NEW_GPA, slba, blocks);
    }

    private long part(int others, int opcode, int fuse, long gpa, long slba, int blocks) {
        long sqe = commandAfter(others, opcode);
        Sqe.setFuse(sqe, fuse);
        Sqe.setPrp1(sqe, gpa);
        Sqe.setPrp2(sqe, gpa + PAGE);
        Sqe.setSlba(sqe, slba);
        Sqe.setBlockCount(sqe, blocks);
        return sqe;
    }

    @Test
    void shouldWriteBlocksThatAreAsCompared() {
        first(0, 7, 9);
        second(1, 7, 9);
        assertArrayEquals(new int[] {Status.OK, Status.OK}, ringAll(2));
        assertBlock(6, (byte) 0x11);
        assertBlock(7, (byte) 0x22);
        assertBlock(15, (byte) 0x22);
        assertBlock(16, (byte) 0x11);
    }

    @Test
    void shouldWriteNothingWhenAByteDiffers() {
        Memory.putByte(guest.hva(DATA_GPA) + 9 * BLOCK - 1, (byte) 0x12);
        first(0, 7, 9);
        second(1, 7, 9);
        assertArrayEquals(new int[] {Status.COMPARE_FAILURE.code(), FAILED}, ringAll(2));
        assertBlock(7, (byte) 0x11);
    }

    @Test
    void shouldTakePairsBetweenOtherCommandsAndAroundTheEndOfTheQueue() {
        for (int round = 0; round < 3 * ENTRIES; round++) {
            long slba = 100L + round;
            part(0, NvmOpcode.READ, Sqe.FUSE_NONE, NEW_GPA + 2 * PAGE, slba, 1);
            first(1, slba, 1);
            second(2, slba, 1);
            first(3, slba, 1); // finds what has just been written
            second(4, slba, 1);
            assertArrayEquals(
                    new int[] {Status.OK, Status.OK, Status.OK, Status.COMPARE_FAILURE.code(), FAILED}, ringAll(5));
        }
        assertBlock(99, (byte) 0x11);
        assertBlock(100, (byte) 0x22);
    }

    @Test
    void shouldEndAFirstCommandThatIsAlone() {
        first(0, 7, 1);
        assertArrayEquals(new int[] {MISSING}, ringAll(1));
    }

    @Test
    void shouldEndAFirstCommandThatIsNotFollowedByItsSecondAndDoTheNext() {
        first(0, 7, 1);
        part(1, NvmOpcode.WRITE, Sqe.FUSE_NONE, NEW_GPA, 8, 1);
        first(2, 9, 1);
        first(3, 9, 1);
        second(4, 9, 1);
        assertArrayEquals(new int[] {MISSING, Status.OK, MISSING, Status.OK, Status.OK}, ringAll(5));
        assertBlock(7, (byte) 0x11);
        assertBlock(8, (byte) 0x22);
        assertBlock(9, (byte) 0x22);
    }

    @Test
    void shouldEndASecondCommandThatHasNoFirst() {
        second(0, 7, 1);
        assertArrayEquals(new int[] {MISSING}, ringAll(1));
        assertBlock(7, (byte) 0x11);
    }

    @Test
    void shouldRefuseBothWhenTheyAreOfDifferentBlocks() {
        first(0, 7, 2);
        second(1, 7, 1);
        first(2, 7, 1);
        second(3, 8, 1);
        assertArrayEquals(new int[] {INVALID, INVALID, INVALID, INVALID}, ringAll(4));
        assertBlock(7, (byte) 0x11);
        assertBlock(8, (byte) 0x11);
    }

    @Test
    void shouldRefuseOtherCommandsThanCompareAndWrite() {
        part(0, NvmOpcode.READ, Sqe.FUSE_FIRST, DATA_GPA, 7, 1);
        second(1, 7, 1);
        first(2, 7, 1);
        part(3, NvmOpcode.WRITE_ZEROES, Sqe.FUSE_SECOND, 0, 7, 1);
        part(4, NvmOpcode.READ, 3, DATA_GPA, 7, 1);
        assertArrayEquals(new int[] {INVALID, INVALID, INVALID, INVALID, INVALID}, ringAll(5));
        assertBlock(7, (byte) 0x11);
    }

    /** NVMe 1.4, 4.12: nothing is done of two of which one is refused. */
    @Test
    void shouldDoNothingWhenOneOfTheTwoIsRefused() {
        int outside = Status.LBA_OUT_OF_RANGE.dnr();
        first(0, 2048, 1);
        second(1, 2048, 1);
        Sqe.setNsid(first(2, 7, 1), 2);
        second(3, 7, 1);
        first(4, 7, 1);
        Sqe.setPrp1(second(5, 7, 1), 0x4000_0000L);
        int unreachable = Status.DATA_TRANSFER_ERROR.code();
        assertArrayEquals(
                new int[] {outside, outside, Status.INVALID_NAMESPACE_OR_FORMAT.dnr(), FAILED, FAILED, unreachable},
                ringAll(6));
        assertBlock(7, (byte) 0x11);
    }

    /** Whatever is the last of a turn. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void shouldNotTakeMoreThanTheGuestHasRungFor(int before) {
        Random random = new Random(before);
        for (int round = 0; round < 50; round++) {
            int count = 0;
            int pairs = 1 + random.nextInt(20);
            for (int i = 0; i < before; i++) {
                part(count++, NvmOpcode.READ, Sqe.FUSE_NONE, NEW_GPA + 2 * PAGE, 7, 1);
            }
            for (int i = 0; i < pairs; i++) {
                first(count++, 200, 1);
                second(count++, 200, 1);
            }
            // Behind them, not rung for: it would be noticed as a completion too many.
            part(count, NvmOpcode.WRITE, Sqe.FUSE_NONE, NEW_GPA, 300, 1);
            ringAll(count);
            queues.doWork();
        }
        assertBlock(300, (byte) 0x11);
    }
}

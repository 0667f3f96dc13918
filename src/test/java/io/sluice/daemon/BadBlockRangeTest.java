package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.mem.Memory;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Blocks that the namespace does not have, over a real socket: NVMe 1.4, 4.6.1.2.1, "LBA Out of Range", and 6.7. */
@Timeout(60)
class BadBlockRangeTest {
    private static final long BLOCKS = BadInputRig.BLOCKS;
    private static final byte UNTOUCHED = 0x5a;

    @TempDir
    Path folder;

    private BadInputRig rig;

    @BeforeEach
    void start() throws Exception {
        rig = new BadInputRig(folder);
    }

    @AfterEach
    void proveNoHarm() throws Exception {
        rig.close();
    }

    static Stream<Arguments> badRanges() {
        return Stream.of(
                Arguments.of("begins at the end", BLOCKS, 1),
                Arguments.of("ends one behind the end", BLOCKS - 1, 2),
                Arguments.of("far behind", 1L << 40, 8),
                Arguments.of("largest SLBA", -1L, 1),
                Arguments.of("SLBA + NLB is 0", -1L, 2),
                Arguments.of("SLBA + NLB wraps to 7", -1L, 8),
                Arguments.of("SLBA + NLB wraps to the end", -8L, 16),
                Arguments.of("SLBA + NLB0 is the largest number", -8L, 8),
                Arguments.of("SLBA + NLB wraps a signed number", Long.MAX_VALUE, 8),
                Arguments.of("SLBA is the smallest signed number", Long.MIN_VALUE, 8),
                Arguments.of("SLBA in bytes wraps to 0", 1L << 55, 8),
                Arguments.of("SLBA in bytes wraps to 512", (1L << 55) + 1, 8),
                Arguments.of("SLBA cut to 32 bits is 0", 1L << 32, 8));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badRanges")
    void shouldRefuseToRead(String what, long slba, int blockCount) {
        Memory.fill(rig.raw().dataAddress(0), RawController.PAGE, UNTOUCHED);
        submit(NvmOpcode.READ, slba, blockCount);

        for (int i = 0; i < RawController.PAGE; i++) {
            assertEquals(UNTOUCHED, Memory.getByte(rig.raw().dataAddress(i)), "nothing is transferred");
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badRanges")
    void shouldRefuseToWriteAndLeaveTheDriveAsItWas(String what, long slba, int blockCount) {
        Memory.fill(rig.raw().dataAddress(0), RawController.PAGE, UNTOUCHED);
        submit(NvmOpcode.WRITE, slba, blockCount);
        assertDriveIsZeroes();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badRanges")
    void shouldRefuseToWriteZeroes(String what, long slba, int blockCount) {
        submit(NvmOpcode.WRITE_ZEROES, slba, blockCount);
    }

    private void submit(int opcode, long slba, int blockCount) {
        long sqe = rig.next(opcode);
        Sqe.setSlba(sqe, slba);
        Sqe.setBlockCount(sqe, blockCount);
        rig.queue().assertEndsIn(Status.LBA_OUT_OF_RANGE.dnr());
    }

    /** Every range is checked before one is deallocated, so the good one in front keeps its data. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("badRanges")
    void shouldRefuseToDeallocateAndLeaveTheDriveAsItWas(String what, long slba, int blockCount) {
        Memory.fill(rig.raw().dataAddress(0), BadInputRig.BLOCK_BYTES, UNTOUCHED);
        rig.next(NvmOpcode.WRITE);
        rig.queue().assertEndsIn(Status.OK);

        DsmRange.set(rig.raw().dataAddress(0), 0, 1, 0);
        DsmRange.set(rig.raw().dataAddress(DsmRange.BYTES), 0, blockCount, slba);
        Sqe.setDsm(rig.next(NvmOpcode.DATASET_MANAGEMENT), 2, Sqe.DSM_DEALLOCATE);
        rig.queue().assertEndsIn(Status.LBA_OUT_OF_RANGE.dnr());

        rig.next(NvmOpcode.READ);
        rig.queue().assertEndsIn(Status.OK);
        assertEquals(UNTOUCHED, Memory.getByte(rig.raw().dataAddress(0)));
    }

    private void assertDriveIsZeroes() {
        for (long slba : new long[] {0, BLOCKS - 8}) {
            Sqe.setSlba(rig.nextPages(NvmOpcode.READ, 1), slba);
            rig.queue().assertEndsIn(Status.OK);
            for (int i = 0; i < RawController.PAGE; i++) {
                assertEquals(0, Memory.getByte(rig.raw().dataAddress(i)), "block " + slba + " and on, byte " + i);
            }
        }
    }
}

package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import io.sluice.nvme.CopyLimits;
import io.sluice.nvme.CopyRange;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.IdentifyNamespace;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Copy: NVM Command Set 1.0, 3.2.2. */
class CopyTest extends MemoryStorageFixture {
    CopyTest() throws Exception {}

    static final int BLOCK = 512;

    private CopyLimits limits() {
        return storage.traits(1).copy();
    }

    int copy(long sdlba, long[]... ranges) {
        long sqe = command(NvmOpcode.COPY);
        writeRanges(ranges);
        Sqe.setCopy(sqe, sdlba, ranges.length, false);
        ring();
        return complete() & ~Status.MORE;
    }

    private void writeRanges(long[]... ranges) {
        for (int i = 0; i < ranges.length; i++) {
            long range = guest.hva(DATA_GPA) + (long) i * CopyRange.BYTES;
            CopyRange.set(range, ranges[i][0], (int) ranges[i][1]);
        }
    }

    void write(long slba, byte[] data) {
        for (int done = 0; done < data.length; done += MAX_TRANSFER) {
            int bytes = Math.min(data.length - done, MAX_TRANSFER);
            Memory.copyIn(data, done, guest.hva(DATA_GPA), bytes);
            assertEquals(Status.OK, transfer(NvmOpcode.WRITE, slba + done / BLOCK, bytes / BLOCK));
        }
    }

    byte[] read(long slba, int bytes) {
        byte[] data = new byte[bytes];
        for (int done = 0; done < bytes; done += MAX_TRANSFER) {
            int now = Math.min(bytes - done, MAX_TRANSFER);
            assertEquals(Status.OK, transfer(NvmOpcode.READ, slba + done / BLOCK, now / BLOCK));
            Memory.copyOut(guest.hva(DATA_GPA), data, done, now);
        }
        return data;
    }

    static byte[] random(int bytes) {
        byte[] data = new byte[bytes];
        new Random(bytes).nextBytes(data);
        return data;
    }

    /** One after the other, in the order of the ranges, and nothing beyond. */
    @Test
    void shouldPutTheRangesOneAfterTheOtherAtTheDestination() throws Exception {
        open(1 << 20, BLOCK);
        byte[] data = random(16 * BLOCK);
        write(100, data);

        assertEquals(Status.OK, copy(500, new long[] {110, 3}, new long[] {100, 1}, new long[] {114, 2}));

        byte[] copied = read(499, 8 * BLOCK);
        byte[] expected = new byte[8 * BLOCK];
        System.arraycopy(data, 10 * BLOCK, expected, BLOCK, 3 * BLOCK);
        System.arraycopy(data, 0, expected, 4 * BLOCK, BLOCK);
        System.arraycopy(data, 14 * BLOCK, expected, 5 * BLOCK, 2 * BLOCK);
        assertArrayEquals(expected, copied);
        assertArrayEquals(data, read(100, data.length), "the sources stay as they were");
    }

    /** More than a step's worth, and as many ranges as there may be. */
    @Test
    void shouldCopyTheMostThatOneCommandMay() throws Exception {
        open(160 << 20, BLOCK);
        CopyLimits limits = limits();
        assertEquals(128, limits.ranges());
        int each = limits.blocks() / limits.ranges();
        byte[] data = random(limits.blocks() * BLOCK);
        write(0, data);
        long[][] ranges = new long[limits.ranges()][];
        for (int i = 0; i < ranges.length; i++) {
            ranges[i] = new long[] {(long) (ranges.length - 1 - i) * each, each};
        }

        assertEquals(Status.OK, copy(limits.blocks(), ranges));

        for (int i = 0; i < ranges.length; i++) {
            int from = (int) ranges[i][0] * BLOCK;
            byte[] expected = Arrays.copyOfRange(data, from, from + each * BLOCK);
            assertArrayEquals(expected, read(limits.blocks() + (long) i * each, each * BLOCK), "range " + i);
        }
    }

    /** NVM Command Set 1.0, 3.2.2: MSRC, MSSRL and MCL of Identify Namespace. Status code type 1h, code 83h. */
    @Test
    void shouldRefuseMoreThanTheLimits() throws Exception {
        open(160 << 20, BLOCK);
        CopyLimits limits = limits();
        long[][] many = new long[limits.ranges() + 1][];
        Arrays.fill(many, new long[] {0, 1});
        int tooLong = Status.COMMAND_SIZE_LIMIT_EXCEEDED.dnr();
        assertEquals(tooLong, copy(1000, many));
        assertEquals(Status.OK, copy(1000, Arrays.copyOf(many, limits.ranges())));
        assertEquals(tooLong, copy(100_000, new long[] {0, limits.rangeBlocks() + 1L}));
        assertEquals(Status.OK, copy(100_000, new long[] {0, limits.rangeBlocks()}));
        long half = (long) limits.blocks() / 3 + 1;
        assertEquals(tooLong, copy(0, new long[] {0, half}, new long[] {0, half}, new long[] {0, half}));
    }

    /** The namespace has 2048 blocks. */
    @ParameterizedTest
    @CsvSource({
        "2047, 2, 0",
        "2048, 1, 0",
        "-1, 1, 0",
        "-1, 2, 0",
        "9223372036854775807, 1, 0",
        "0, 1, 2048",
        "0, 2, 2047",
        "0, 1, -1",
        "0, 2, 9223372036854775807"
    })
    void shouldRefuseBlocksThatAreNotTheNamespaces(long slba, int blocks, long sdlba) throws Exception {
        open(1 << 20, BLOCK);
        byte[] before = random(8 * BLOCK);
        write(0, before);
        assertEquals(Status.LBA_OUT_OF_RANGE.dnr(), copy(sdlba, new long[] {slba, blocks}));
        assertEquals(Status.LBA_OUT_OF_RANGE.dnr(), copy(sdlba, new long[] {5, 1}, new long[] {slba, blocks}));
        assertArrayEquals(before, read(0, before.length), "a part was copied");
    }

    @Test
    void shouldCopyTheLastBlockAndToTheLast() throws Exception {
        open(1 << 20, BLOCK);
        write(2047, random(BLOCK));
        assertEquals(Status.OK, copy(0, new long[] {2047, 1}));
        assertEquals(Status.OK, copy(2046, new long[] {0, 1}, new long[] {1, 1}));
        assertArrayEquals(random(BLOCK), read(2046, BLOCK));
        assertArrayEquals(new byte[BLOCK], read(2047, BLOCK));
    }

    @Test
    void shouldRefuseOtherFormatsAndDirectives() throws Exception {
        open(1 << 20, BLOCK);
        for (int bit : new int[] {8, 9, 10, 11, 20, 23}) {
            long sqe = command(NvmOpcode.COPY);
            writeRanges(new long[] {0, 1});
            Sqe.setCopy(sqe, 8, 1, false);
            Sqe.setCdw12(sqe, Sqe.cdw12(sqe) | 1 << bit);
            ring();
            assertEquals(Status.INVALID_FIELD.dnr(), complete() & ~Status.MORE, "CDW12 bit " + bit);
        }
    }

    /** Dword 0: the lowest numbered range that was not copied. */
    @Test
    void shouldSayWhichRangeCouldNotBeRead() throws Exception {
        open(1 << 20, BLOCK);
        write(0, random(16 * BLOCK));
        assertEquals(Status.OK, transfer(NvmOpcode.WRITE_UNCORRECTABLE, 8, 1));
        int index = tail;

        assertEquals(
                Status.UNRECOVERED_READ_ERROR.dnr(),
                copy(100, new long[] {0, 4}, new long[] {4, 4}, new long[] {6, 4}, new long[] {12, 4}));

        assertEquals(2, Cqe.dw0(cqe(index)));
        assertArrayEquals(read(0, 8 * BLOCK), read(100, 8 * BLOCK));
        assertEquals(Status.OK, copy(8, new long[] {0, 1}));
        assertEquals(Status.OK, transfer(NvmOpcode.READ, 8, 1), "what is copied to can be read again");
    }

    @Test
    void shouldReadTheRangesOnce() throws Exception {
        open(32 << 20, BLOCK);
        write(0, random(MAX_TRANSFER));
        long[][] ranges = new long[16][];
        Arrays.fill(ranges, new long[] {0, 2048});
        long sqe = command(NvmOpcode.COPY);
        writeRanges(ranges);
        Sqe.setCopy(sqe, 2048, ranges.length, false);
        ring();
        queues.doWork();
        assertTrue(queues.anyPending(), "16 MiB were copied in one cycle");
        for (int i = 0; i < ranges.length; i++) {
            Memory.putLong(guest.hva(DATA_GPA) + (long) i * CopyRange.BYTES + 8, Long.MIN_VALUE);
        }

        assertEquals(Status.OK, complete());
        assertArrayEquals(read(0, MAX_TRANSFER), read(2048 * 16L, MAX_TRANSFER));
    }

    @Test
    void shouldSayItsLimitsInIdentifyNamespace() throws Exception {
        open(1 << 20, 4096);
        long page = guest.hva(DATA_GPA);
        storage.traits(1).write(page);
        assertEquals(127, IdentifyNamespace.MSRC.getInt(page));
        assertEquals(16_384, IdentifyNamespace.MSSRL.getInt(page));
        assertEquals(16_384, IdentifyNamespace.MCL.get(page));
    }
}

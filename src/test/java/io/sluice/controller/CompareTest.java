package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.mem.Memory;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Compare and Verify: NVMe 1.4, 6.6; NVM Command Set 1.0, 3.2.4. */
class CompareTest extends MemoryStorageFixture {
    CompareTest() throws Exception {}

    /** NVMe 1.4, 6.6: Compare Failure, media and data integrity error 85h, at the first byte that differs and at the last. */
    @Test
    void shouldCompareEveryByteOfEveryPiece() throws Exception {
        open(1 << 20, 512);
        int bytes = 64 << 10;
        byte[] data = new byte[bytes];
        new Random(1).nextBytes(data);
        Memory.copyIn(data, 0, guest.hva(DATA_GPA), bytes);
        assertEquals(Status.OK, transfer(NvmOpcode.WRITE, 3, bytes / 512));
        assertEquals(Status.OK, transfer(NvmOpcode.COMPARE, 3, bytes / 512));
        for (int at : new int[] {0, 511, PAGE - 1, PAGE, bytes / 2, bytes - 1}) {
            long address = guest.hva(DATA_GPA) + at;
            Memory.putByte(address, (byte) (data[at] + 1));
            assertEquals(
                    Status.COMPARE_FAILURE.code(), status(transfer(NvmOpcode.COMPARE, 3, bytes / 512)), "byte " + at);
            Memory.putByte(address, data[at]);
        }
        assertEquals(Status.OK, transfer(NvmOpcode.COMPARE, 3, bytes / 512));
    }

    /** More than a worker's chunk, and more than a step. */
    @Test
    void shouldVerifyAsManyBlocksAsACommandCanName() throws Exception {
        open(256 << 20, 4096);
        assertEquals(Status.OK, transfer(NvmOpcode.VERIFY, 0, 65_536));
        assertEquals(Status.OK, transfer(NvmOpcode.VERIFY, 65_535, 1));
        assertEquals(Status.LBA_OUT_OF_RANGE.dnr(), status(transfer(NvmOpcode.VERIFY, 1, 65_536)));
    }

    @Test
    void shouldCompareTheMostThatOneCommandMay() throws Exception {
        open(4 << 20, 512);
        byte[] data = new byte[MAX_TRANSFER];
        new Random(2).nextBytes(data);
        Memory.copyIn(data, 0, guest.hva(DATA_GPA), MAX_TRANSFER);
        assertEquals(Status.OK, transfer(NvmOpcode.WRITE, 7, MAX_TRANSFER / 512));
        assertEquals(Status.OK, transfer(NvmOpcode.COMPARE, 7, MAX_TRANSFER / 512));
        long last = guest.hva(DATA_GPA) + MAX_TRANSFER - 1;
        Memory.putByte(last, (byte) (Memory.getByte(last) ^ 1));
        int compared = transfer(NvmOpcode.COMPARE, 7, MAX_TRANSFER / 512);
        assertEquals(Status.COMPARE_FAILURE.code(), status(compared));
        assertEquals(Status.COMPARE_FAILURE.code(), status(transfer(NvmOpcode.COMPARE, 8, 1)));
    }
}

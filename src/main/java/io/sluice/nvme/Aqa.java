package io.sluice.nvme;

import io.sluice.mem.Bits;

/**
 * AQA, Admin Queue Attributes: NVMe 1.4, 3.1.8, offset 24h, 4 bytes, read-write.
 *
 * <pre>
 *   31:28 27:16 15:12 11:0
 *   |  0 | ACQS|  0  |ASQS|     both 0's based
 * </pre>
 */
public final class Aqa {
    private Aqa() {}

    /** ASQS decoded, bits 11:0 plus one: entries of the admin submission queue, 1 to 4096 (1 is illegal). */
    public static int sqEntries(int aqa) {
        return Bits.get(aqa, 11, 0) + 1;
    }

    /** ACQS decoded, bits 27:16 plus one: entries of the admin completion queue, 1 to 4096 (1 is illegal). */
    public static int cqEntries(int aqa) {
        return Bits.get(aqa, 27, 16) + 1;
    }

    /** Encodes both sizes, each 1 to 4096 entries. */
    public static int of(int sqEntries, int cqEntries) {
        return Bits.with(Bits.with(0, 11, 0, sqEntries - 1), 27, 16, cqEntries - 1);
    }
}

package io.sluice.nvme;

import io.sluice.mem.Memory;

/**
 * One range of a Dataset Management command: NVMe 1.4, 6.7, "Range Definition", 16 bytes. Every method takes the
 * address of a private copy.
 *
 * <pre>
 *   byte 0            4                 8                    15
 *       | attributes | length in blocks | SLBA               |
 * </pre>
 */
public final class DsmRange {
    /** Size of a range in bytes. */
    public static final int BYTES = 16;
    /** The most ranges of one command. */
    public static final int MAX_COUNT = 256;

    private static final int ATTRIBUTES = 0;
    private static final int LENGTH = 4;
    private static final int SLBA = 8;

    private DsmRange() {}

    /** Context attributes: hints that a controller may ignore. */
    public static int attributes(long range) {
        return Memory.getInt(range + ATTRIBUTES);
    }

    /** Length in logical blocks, 0 to 2^32 - 1; not 0's based. */
    public static long blockCount(long range) {
        return Integer.toUnsignedLong(Memory.getInt(range + LENGTH));
    }

    /** First logical block, unsigned. */
    public static long slba(long range) {
        return Memory.getLong(range + SLBA);
    }

    /**
     * Writes a whole range.
     *
     * @throws IllegalArgumentException if {@code blockCount} is not 0 to 2^32 - 1
     */
    public static void set(long range, int attributes, long blockCount, long slba) {
        if (blockCount < 0 || blockCount > 0xffff_ffffL) {
            throw new IllegalArgumentException(
                    "a range of " + blockCount + " blocks; 0 to 2^32 - 1 fit the length field: cut it into several");
        }
        Memory.putInt(range + ATTRIBUTES, attributes);
        Memory.putInt(range + LENGTH, (int) blockCount);
        Memory.putLong(range + SLBA, slba);
    }
}

package io.sluice.nvme;

import io.sluice.mem.Memory;

/**
 * One source range of a Copy command, descriptor format 0h: NVM Command Set 1.0, figure 32, 32 bytes. Every method takes the address of
 * a private copy.
 *
 * <pre>
 *   byte 0          8              16     18         24                      31
 *       | reserved | SLBA         | NLB  | reserved | tags of the protection  |
 * </pre>
 */
public final class CopyRange {
    /** Size of a range in bytes. */
    public static final int BYTES = 32;
    /** The only descriptor format here. */
    public static final int FORMAT = 0;

    private static final int RESERVED = 0;
    private static final int SLBA = 8;
    private static final int NLB = 16;
    private static final int TAGS = 24;
    private static final int MAX_BLOCKS = 65_536;

    private CopyRange() {}

    /** First logical block, unsigned. */
    public static long slba(long range) {
        return Memory.getLong(range + SLBA);
    }

    /** Number of logical blocks, 1 to 65536; 0's based on the wire. */
    public static int blockCount(long range) {
        return Short.toUnsignedInt(Memory.getShort(range + NLB)) + 1;
    }

    /**
     * Writes a whole range without protection information.
     *
     * @throws IllegalArgumentException if {@code blockCount} is not 1 to 65536
     */
    public static void set(long range, long slba, int blockCount) {
        if (blockCount < 1 || blockCount > MAX_BLOCKS) {
            throw new IllegalArgumentException("a range of " + blockCount + " blocks; 1 to 65536 fit the length field");
        }
        Memory.putLong(range + RESERVED, 0);
        Memory.putLong(range + SLBA, slba);
        Memory.putLong(range + NLB, blockCount - 1L);
        Memory.putLong(range + TAGS, 0);
    }
}

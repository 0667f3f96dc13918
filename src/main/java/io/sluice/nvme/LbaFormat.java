package io.sluice.nvme;

import io.sluice.mem.Bits;

/**
 * An LBA format of a namespace: NVMe 1.4, 5.15.2.1, figure 246, 4 bytes.
 *
 * <pre>
 *   31:26 25:24 23:16 15:0
 *   |  0 |  RP |LBADS| MS |
 * </pre>
 *
 * @param metadataBytes MS: bytes of metadata a block, 0 to 65535
 * @param lbads LBADS: a block has 2^LBADS bytes; 9 or more, or 0 for a format that is not there
 * @param relativePerformance RP: 0 the best, 3 the worst
 */
public record LbaFormat(int metadataBytes, int lbads, int relativePerformance) {
    /** Size of a format in bytes. */
    public static final int BYTES = 4;
    /** The smallest block, 512 bytes. */
    private static final int MIN_LBADS = 9;
    /** The largest block that this record has a length for: 2^30 bytes. */
    private static final int MAX_LBADS = 30;

    /** A format without metadata, of the best performance, for blocks of a power of two from 512 bytes up. */
    public static LbaFormat ofBlockBytes(int blockBytes) {
        int lbads = Integer.numberOfTrailingZeros(blockBytes);
        if (Integer.bitCount(blockBytes) != 1 || lbads < MIN_LBADS) {
            throw new IllegalArgumentException(
                    "blocks of " + blockBytes + " bytes; a power of two from 512 up is legal");
        }
        return new LbaFormat(0, lbads, 0);
    }

    /** Decodes a format; a device's, so anything may be in it: see {@link #isValid}. */
    public static LbaFormat decode(int word) {
        return new LbaFormat(Bits.get(word, 15, 0), Bits.get(word, 23, 16), Bits.get(word, 25, 24));
    }

    /** Encodes a format. */
    public int encode() {
        return Bits.with(Bits.with(Bits.with(0, 15, 0, metadataBytes), 23, 16, lbads), 25, 24, relativePerformance);
    }

    /** Whether this is a format that there is, with blocks of 512 bytes to 1 GiB. */
    public boolean isValid() {
        return lbads >= MIN_LBADS && lbads <= MAX_LBADS;
    }

    /**
     * The size of a block, 512 to 2^30 bytes.
     *
     * @throws IllegalStateException if the format is not {@link #isValid valid}
     */
    public int blockBytes() {
        if (!isValid()) {
            throw new IllegalStateException("LBA format with LBADS " + lbads + "; 9 to 30 have a block size");
        }
        return 1 << lbads;
    }
}

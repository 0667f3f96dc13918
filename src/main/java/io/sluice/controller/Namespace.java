package io.sluice.controller;

import java.nio.ByteBuffer;

/**
 * A namespace as an {@link IoPath} offers it.
 *
 * @param nsid its identifier, 1 or more
 * @param blockCount its size (NSZE) in logical blocks
 * @param blockBytes the size of a logical block in bytes: 512 or 4096
 * @param nguidHigh first half of its globally unique identifier (NGUID), as a big-endian number; both halves 0 for none
 * @param nguidLow second half
 * @param eui64 its IEEE extended unique identifier as a big-endian number, or 0 for none
 * @param readOnly whether writes end in Namespace is Write Protected
 */
public record Namespace(
        int nsid, long blockCount, int blockBytes, long nguidHigh, long nguidLow, long eui64, boolean readOnly) {
    private static final int NGUID_BYTES = 16;

    public Namespace {
        if (nsid < 1 || blockCount < 1 || (blockBytes != 512 && blockBytes != 4096)) {
            throw new IllegalArgumentException(
                    "no namespace " + nsid + " of " + blockCount + " blocks of " + blockBytes + " bytes");
        }
    }

    /** The same with another size. */
    public Namespace withBlockCount(long newBlockCount) {
        return new Namespace(nsid, newBlockCount, blockBytes, nguidHigh, nguidLow, eui64, readOnly);
    }

    /** The globally unique identifier as it stands in Identify Namespace: 16 bytes, most significant first. */
    public byte[] nguid() {
        return ByteBuffer.allocate(NGUID_BYTES)
                .putLong(nguidHigh)
                .putLong(nguidLow)
                .array();
    }

    /** The exponent of the block size: 9 or 12. */
    public int blockShift() {
        return Integer.numberOfTrailingZeros(blockBytes);
    }

    /** Size in bytes. */
    public long bytes() {
        return blockCount << blockShift();
    }
}

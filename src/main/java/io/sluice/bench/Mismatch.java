package io.sluice.bench;

import java.util.HexFormat;

/**
 * Where a read gave something else than was written.
 *
 * @param nsid the namespace
 * @param lba the logical block
 * @param byteOffset of the first 8 bytes in the block that differ
 * @param expected what they should be, little endian
 * @param got what they were
 * @param meaning what the block seems to be, for people
 */
public record Mismatch(int nsid, long lba, int byteOffset, long expected, long got, String meaning) {

    /** One sentence with everything. */
    public String text() {
        HexFormat hex = HexFormat.of();
        return "namespace " + nsid + ", LBA " + lba + ", byte " + byteOffset + " of the block: expected 0x"
                + hex.toHexDigits(expected) + ", got 0x" + hex.toHexDigits(got) + " (" + meaning + ")";
    }
}

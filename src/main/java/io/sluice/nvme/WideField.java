package io.sluice.nvme;

import io.sluice.mem.Memory;
import java.math.BigInteger;

/**
 * A 16-byte unsigned little-endian number in a structure: capacities in bytes, and the counters of the SMART log page.
 *
 * @param name the name in the specification
 * @param offset in the structure, in bytes
 */
public record WideField(String name, int offset) implements Member {
    @Override
    public int bytes() {
        return 2 * Long.BYTES;
    }

    /** The number. */
    public BigInteger get(long structure) {
        BigInteger low = unsigned(Memory.getLong(structure + offset));
        BigInteger high = unsigned(Memory.getLong(structure + offset + Long.BYTES));
        return high.shiftLeft(Long.SIZE).or(low);
    }

    /** Stores a number of up to 64 bits, unsigned. */
    public void set(long structure, long value) {
        Memory.putLong(structure + offset, value);
        Memory.putLong(structure + offset + Long.BYTES, 0);
    }

    private static BigInteger unsigned(long word) {
        return new BigInteger(Long.toUnsignedString(word));
    }
}

package io.sluice.nvme;

import io.sluice.mem.Memory;

/**
 * An unsigned little-endian number in a structure such as an Identify page. For control paths: the entries of the queues
 * have codecs of their own.
 *
 * @param name the name in the specification
 * @param offset in the structure, in bytes
 * @param bytes 1, 2, 4 or 8
 */
public record Field(String name, int offset, int bytes) implements Member {
    /** Refuses widths that no access has. */
    public Field {
        if (Integer.bitCount(bytes) != 1 || bytes > Long.BYTES) {
            throw new IllegalArgumentException(name + " of " + bytes + " bytes; a number has 1, 2, 4 or 8");
        }
    }

    /** The number; one of 8 bytes keeps its bit pattern. */
    public long get(long structure) {
        long at = structure + offset;
        return switch (bytes) {
            case Byte.BYTES -> Byte.toUnsignedLong(Memory.getByte(at));
            case Short.BYTES -> Short.toUnsignedLong(Memory.getShort(at));
            case Integer.BYTES -> Integer.toUnsignedLong(Memory.getInt(at));
            default -> Memory.getLong(at);
        };
    }

    /** The number as an int; one of 4 bytes keeps its bit pattern, and of one of 8 bytes these are the low 32 bits. */
    public int getInt(long structure) {
        return (int) get(structure);
    }

    /**
     * Stores the number.
     *
     * @throws IllegalArgumentException if it does not fit, or is negative and not of 8 bytes
     */
    public void set(long structure, long value) {
        if (bytes < Long.BYTES && value >>> (bytes * Byte.SIZE) != 0) {
            throw new IllegalArgumentException(
                    "value 0x" + Long.toHexString(value) + " does not fit " + name + " of " + bytes + " bytes");
        }
        long at = structure + offset;
        switch (bytes) {
            case Byte.BYTES -> Memory.putByte(at, (byte) value);
            case Short.BYTES -> Memory.putShort(at, (short) value);
            case Integer.BYTES -> Memory.putInt(at, (int) value);
            default -> Memory.putLong(at, value);
        }
    }

    /** Whether all bits of {@code mask} are set in the number. */
    public boolean has(long structure, long mask) {
        return (get(structure) & mask) == mask;
    }
}

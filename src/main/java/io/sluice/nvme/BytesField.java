package io.sluice.nvme;

import io.sluice.mem.Memory;
import java.util.HexFormat;

/**
 * Bytes in a structure that are no number of this machine's order: identifiers such as NGUID, which are big endian.
 *
 * @param name the name in the specification
 * @param offset in the structure, in bytes
 * @param bytes length
 */
public record BytesField(String name, int offset, int bytes) implements Member {
    /** A copy of the bytes. */
    public byte[] get(long structure) {
        byte[] copy = new byte[bytes];
        Memory.copyOut(structure + offset, copy, 0, bytes);
        return copy;
    }

    /** The bytes as lower-case hex, in the order in which they lie. */
    public String hex(long structure) {
        return HexFormat.of().formatHex(get(structure));
    }

    /**
     * Stores the bytes.
     *
     * @throws IllegalArgumentException if their number is another
     */
    public void set(long structure, byte[] value) {
        if (value.length != bytes) {
            throw new IllegalArgumentException(name + " is of " + bytes + " bytes, not " + value.length);
        }
        Memory.copyIn(value, 0, structure + offset, bytes);
    }
}

package io.sluice.nvme;

import io.sluice.mem.Memory;

/**
 * The Namespace Identification Descriptor list: NVMe 1.4, 5.15.2.4, CNS 03h, 4096 bytes.
 *
 * <pre>
 *   | NIDT | NIDL |  reserved  | NID (NIDL bytes) | NIDT | NIDL | …      a NIDL of 0 ends the list
 *     0      1      2        3   4
 * </pre>
 */
public final class NamespaceDescriptors {
    /** Size of the list in bytes. */
    public static final int BYTES = 4096;

    /** NIDT 1h: IEEE extended unique identifier, 8 bytes, big endian. */
    public static final int TYPE_EUI64 = 1;
    /** NIDT 2h: namespace globally unique identifier, 16 bytes, big endian. */
    public static final int TYPE_NGUID = 2;
    /** NIDT 3h: UUID, 16 bytes, big endian. */
    public static final int TYPE_UUID = 3;

    private static final Field NIDT = new Field("NIDT", 0, 1);
    private static final Field NIDL = new Field("NIDL", 1, 1);
    private static final int NID = 4;

    private NamespaceDescriptors() {}

    /**
     * Adds a descriptor at the end of a list in a zeroed page.
     *
     * @throws IllegalArgumentException if the identifier is empty, longer than 255 bytes, or there is no room
     */
    public static void add(long page, int type, byte[] identifier) {
        int at = 0;
        while (at <= BYTES - NID && NIDL.getInt(page + at) != 0) {
            at += NID + NIDL.getInt(page + at);
        }
        if (identifier.length == 0 || at + NID + identifier.length > BYTES) {
            throw new IllegalArgumentException("identifier of " + identifier.length + " bytes at offset " + at
                    + " of the descriptor list: it has 1 byte or more, and the list 4096");
        }
        NIDT.set(page + at, type);
        NIDL.set(page + at, identifier.length);
        Memory.copyIn(identifier, 0, page + at + NID, identifier.length);
    }

    /** The first identifier of a type, or null if there is none; a list that runs over its page ends there. */
    public static byte[] find(long page, int type) {
        int at = 0;
        while (at <= BYTES - NID) {
            int length = NIDL.getInt(page + at);
            if (length == 0 || at + NID + length > BYTES) {
                return null;
            }
            if (NIDT.getInt(page + at) == type) {
                byte[] identifier = new byte[length];
                Memory.copyOut(page + at + NID, identifier, 0, length);
                return identifier;
            }
            at += NID + length;
        }
        return null;
    }
}

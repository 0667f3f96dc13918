package io.sluice.nvme;

import io.sluice.mem.Bits;
import io.sluice.mem.Memory;

/**
 * An SGL descriptor: NVMe 1.4, 4.4 "Scatter Gather List", 16 bytes. Methods take the address of a private copy, or one of its
 * two words, of 8 bytes each, which a walk through a guest's memory loads once.
 *
 * <pre>
 *   byte 0               8           12          15
 *       | address       | length    | reserved  | type 7:4, subtype 3:0 |
 * </pre>
 */
public final class Sgl {
    /** Size of a descriptor in bytes. */
    public static final int BYTES = 16;

    /** Type 0h: a span of data. */
    public static final int TYPE_DATA_BLOCK = 0x0;
    /** Type 1h: data that a read leaves out. */
    public static final int TYPE_BIT_BUCKET = 0x1;
    /** Type 2h: the next segment of descriptors, which is not the last. */
    public static final int TYPE_SEGMENT = 0x2;
    /** Type 3h: the last segment of descriptors. */
    public static final int TYPE_LAST_SEGMENT = 0x3;
    /** Type 4h: a span of data with a key. */
    public static final int TYPE_KEYED_DATA_BLOCK = 0x4;
    /** Type 5h: a data block that the transport defines. */
    public static final int TYPE_TRANSPORT_DATA_BLOCK = 0x5;

    /** Subtype 0h: the address is a memory address. */
    public static final int SUBTYPE_ADDRESS = 0x0;
    /** Subtype 1h: the address is an offset into the capsule. */
    public static final int SUBTYPE_OFFSET = 0x1;

    private static final int ADDRESS = 0;
    private static final int LENGTH = 8;

    private Sgl() {}

    /** Writes a data block descriptor (type 0h, subtype 0h) of {@code bytes}, 0 to 2^31 - 1, at a memory address. */
    public static void setDataBlock(long descriptor, long address, int bytes) {
        Memory.putLong(descriptor + ADDRESS, address);
        Memory.putLong(descriptor + LENGTH, bytes); // and, above it, reserved bytes and the identifier: all zero
    }

    public static long address(long descriptor) {
        return Memory.getLong(descriptor + ADDRESS);
    }

    /** Writes a bit bucket descriptor (type 1h, subtype 0h) of {@code bytes}, 0 to 2^31 - 1; its address is reserved. */
    public static void setBitBucket(long descriptor, int bytes) {
        Memory.putLong(descriptor + ADDRESS, 0);
        Memory.putLong(descriptor + LENGTH, word1(TYPE_BIT_BUCKET, SUBTYPE_ADDRESS, bytes));
    }

    /** Writes a last segment descriptor (type 3h, subtype 0h) of {@code count} descriptors, 1 to 2^26, at a memory address. */
    public static void setLastSegment(long descriptor, long address, int count) {
        Memory.putLong(descriptor + ADDRESS, address);
        Memory.putLong(descriptor + LENGTH, word1(TYPE_LAST_SEGMENT, SUBTYPE_ADDRESS, (long) count * BYTES));
    }

    /** The second word of a descriptor: bytes 15:8, of which the first word is the address. */
    public static long word1(int type, int subtype, long lengthBytes) {
        return Bits.with(Bits.with(Bits.with(0L, 31, 0, lengthBytes), 63, 60, type), 59, 56, subtype);
    }

    /** Length in bytes, 0 to 2^32 - 1, of every type but the keyed one. */
    public static long lengthBytes(long descriptor) {
        return lengthOf(Memory.getLong(descriptor + LENGTH));
    }

    /** Descriptor type, byte 15 bits 7:4. */
    public static int type(long descriptor) {
        return typeOf(Memory.getLong(descriptor + LENGTH));
    }

    /** Descriptor subtype, byte 15 bits 3:0. */
    public static int subtype(long descriptor) {
        return subtypeOf(Memory.getLong(descriptor + LENGTH));
    }

    /** The length that a second word says. */
    public static long lengthOf(long word1) {
        return Bits.get(word1, 31, 0);
    }

    /** The type that a second word says. */
    public static int typeOf(long word1) {
        return (int) Bits.get(word1, 63, 60);
    }

    /** The subtype that a second word says. */
    public static int subtypeOf(long word1) {
        return (int) Bits.get(word1, 59, 56);
    }
}

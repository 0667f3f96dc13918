package io.sluice.mem;

import io.sluice.linux.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Loads and stores on raw host addresses, plain and ordered, little endian.
 *
 * <p>Plain accesses may be unaligned. Ordered accesses ({@code Opaque}, {@code Acquire}, {@code Release}, {@code Volatile},
 * compare-and-set) must be naturally aligned; they throw {@link IllegalArgumentException} otherwise. Memory-mapped I/O uses
 * only opaque and volatile accesses of 4 and 8 bytes, never {@link #copy} or {@link #fill}, which split as they please.
 *
 * <p>Nothing here checks that an address is mapped. An address is formed from guest data only through a {@link Translator}.
 *
 * <p>Where one command's code makes several accesses at constant distances from one address, it passes that address
 * through {@link #hint} once: the JIT then needs no bounds checks at all.
 */
public final class Memory {
    /** Size of the small pages that the host, NVMe's default memory page and vfio-user's DMA regions share, in bytes. */
    public static final int PAGE_BYTES = 4096;

    private static final MemorySegment ALL = NativeMemory.ALL;
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle PLAIN_INT = INT.varHandle();
    private static final VarHandle PLAIN_LONG = LONG.varHandle();
    private static final VarHandle ORDERED_INT =
            ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    private static final VarHandle ORDERED_LONG =
            ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

    /** User-space addresses on x86-64 have 47 bits. */
    private static final long ADDRESS_MASK = 0x7fff_ffff_ffffL;

    private Memory() {}

    /** The same address, which is a valid user-space one, in a form that the JIT knows to be non-negative. */
    public static long hint(long address) {
        return address & ADDRESS_MASK;
    }

    public static byte getByte(long address) {
        return ALL.get(ValueLayout.JAVA_BYTE, address);
    }

    public static void putByte(long address, byte value) {
        ALL.set(ValueLayout.JAVA_BYTE, address, value);
    }

    public static short getShort(long address) {
        return ALL.get(SHORT, address);
    }

    public static void putShort(long address, short value) {
        ALL.set(SHORT, address, value);
    }

    public static int getInt(long address) {
        return (int) PLAIN_INT.get(ALL, address);
    }

    public static void putInt(long address, int value) {
        PLAIN_INT.set(ALL, address, value);
    }

    public static long getLong(long address) {
        return (long) PLAIN_LONG.get(ALL, address);
    }

    public static void putLong(long address, long value) {
        PLAIN_LONG.set(ALL, address, value);
    }

    public static int getIntOpaque(long address) {
        return (int) ORDERED_INT.getOpaque(ALL, address);
    }

    public static void putIntOpaque(long address, int value) {
        ORDERED_INT.setOpaque(ALL, address, value);
    }

    public static long getLongOpaque(long address) {
        return (long) ORDERED_LONG.getOpaque(ALL, address);
    }

    public static void putLongOpaque(long address, long value) {
        ORDERED_LONG.setOpaque(ALL, address, value);
    }

    public static int getIntAcquire(long address) {
        return (int) ORDERED_INT.getAcquire(ALL, address);
    }

    public static void putIntRelease(long address, int value) {
        ORDERED_INT.setRelease(ALL, address, value);
    }

    public static long getLongAcquire(long address) {
        return (long) ORDERED_LONG.getAcquire(ALL, address);
    }

    public static void putLongRelease(long address, long value) {
        ORDERED_LONG.setRelease(ALL, address, value);
    }

    public static int getIntVolatile(long address) {
        return (int) ORDERED_INT.getVolatile(ALL, address);
    }

    public static void putIntVolatile(long address, int value) {
        ORDERED_INT.setVolatile(ALL, address, value);
    }

    public static long getLongVolatile(long address) {
        return (long) ORDERED_LONG.getVolatile(ALL, address);
    }

    public static void putLongVolatile(long address, long value) {
        ORDERED_LONG.setVolatile(ALL, address, value);
    }

    /** Copies {@code bytes} bytes; the ranges must not overlap. Not for memory-mapped I/O. */
    public static void copy(long source, long target, long bytes) {
        MemorySegment.copy(ALL, source, ALL, target, bytes);
    }

    /** Whether {@code bytes} bytes are the same in two places. */
    public static boolean isSame(long one, long other, long bytes) {
        return MemorySegment.mismatch(ALL, one, one + bytes, ALL, other, other + bytes) < 0;
    }

    /** Copies into an array. */
    public static void copyOut(long source, byte[] target, int targetOffset, int bytes) {
        MemorySegment.copy(ALL, ValueLayout.JAVA_BYTE, source, target, targetOffset, bytes);
    }

    /** Copies out of an array. */
    public static void copyIn(byte[] source, int sourceOffset, long target, int bytes) {
        MemorySegment.copy(source, sourceOffset, ALL, ValueLayout.JAVA_BYTE, target, bytes);
    }

    /** Sets {@code bytes} bytes to one value. Not for memory-mapped I/O. */
    public static void fill(long address, long bytes, byte value) {
        ALL.asSlice(address, bytes).fill(value);
    }

    /** Keeps every earlier load and store before every later one, StoreLoad included: 1.7 ns, where a store need not be. */
    public static void fullFence() {
        VarHandle.fullFence();
    }
}

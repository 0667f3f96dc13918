package io.sluice.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** Fields of the kernel's structs in native memory, by raw address. (The room {@code mem} stands above this one.) */
final class Bytes {
    private static final MemorySegment ALL = NativeMemory.ALL;

    private Bytes() {}

    static int getShort(long address) {
        return Short.toUnsignedInt(ALL.get(ValueLayout.JAVA_SHORT_UNALIGNED, address));
    }

    static void putShort(long address, int value) {
        ALL.set(ValueLayout.JAVA_SHORT_UNALIGNED, address, (short) value);
    }

    static int getInt(long address) {
        return ALL.get(ValueLayout.JAVA_INT_UNALIGNED, address);
    }

    static void putInt(long address, int value) {
        ALL.set(ValueLayout.JAVA_INT_UNALIGNED, address, value);
    }

    static long getLong(long address) {
        return ALL.get(ValueLayout.JAVA_LONG_UNALIGNED, address);
    }

    static void putLong(long address, long value) {
        ALL.set(ValueLayout.JAVA_LONG_UNALIGNED, address, value);
    }

    static void zero(long address, long bytes) {
        ALL.asSlice(address, bytes).fill((byte) 0);
    }

    static void copyIn(long address, byte[] bytes) {
        MemorySegment.copy(bytes, 0, ALL, ValueLayout.JAVA_BYTE, address, bytes.length);
    }

    static MemorySegment at(long address, long bytes) {
        return ALL.asSlice(address, bytes);
    }

    /** Writes {@code text} and a NUL; {@code room} counts both. False if it does not fit or has a NUL inside. */
    static boolean putString(long address, String text, int room) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length >= room || text.indexOf('\0') >= 0) {
            return false;
        }
        copyIn(address, bytes);
        ALL.set(ValueLayout.JAVA_BYTE, address + bytes.length, (byte) 0);
        return true;
    }
}

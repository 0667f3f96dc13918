package io.sluice.vfio;

import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.mem.Memory;
import java.lang.foreign.Arena;

/**
 * A struct of the kernel's in native memory, for one ioctl; all zeroes at first but for {@code argsz}, which comes first in
 * all of VFIO's. Belongs to the thread that made it.
 */
final class Struct implements AutoCloseable {
    private static final int ARGSZ = 0;

    /** No answer of the kernel is longer; a longer one is not believed. */
    private static final int MAX_BYTES = 1 << 20;

    private final Arena arena = Arena.ofConfined();
    private final int bytes;
    private final long address;

    Struct(int bytes) {
        this.bytes = bytes;
        address = arena.allocate(bytes, Long.BYTES).address();
        putInt(ARGSZ, bytes);
    }

    /**
     * Makes a request whose answer may be longer than the fixed part of the struct: the kernel then says how long, and is
     * asked again.
     *
     * @param index offset of the field that says what is asked about, with its value; negative for none
     */
    static Struct ask(Kernel kernel, Fd fd, String name, int request, int fixedBytes, int index, int value)
            throws LinuxException {
        int length = fixedBytes;
        while (true) {
            Struct struct = new Struct(length);
            try {
                if (index >= 0) {
                    struct.putInt(index, value);
                }
                kernel.ioctl(fd, name, request, struct.address());
                int wanted = struct.getInt(ARGSZ);
                if (wanted <= length || length > fixedBytes || wanted > MAX_BYTES) {
                    return struct;
                }
                length = wanted;
            } catch (LinuxException | RuntimeException e) {
                struct.close();
                throw e;
            }
            struct.close();
        }
    }

    /** Whether the kernel has more to say than was asked for. */
    boolean isCutShort() {
        return Integer.compareUnsigned(getInt(ARGSZ), bytes) > 0;
    }

    long address() {
        return address;
    }

    int getInt(int offset) {
        return Memory.getInt(at(offset, Integer.BYTES));
    }

    int getShort(int offset) {
        return Short.toUnsignedInt(Memory.getShort(at(offset, Short.BYTES)));
    }

    long getLong(int offset) {
        return Memory.getLong(at(offset, Long.BYTES));
    }

    Struct putInt(int offset, int value) {
        Memory.putInt(at(offset, Integer.BYTES), value);
        return this;
    }

    Struct putLong(int offset, long value) {
        Memory.putLong(at(offset, Long.BYTES), value);
        return this;
    }

    /**
     * The offset of a capability, or 0. A chain that leaves the struct, or loops, ends there.
     *
     * @param capOffset offset of the field with the first one's offset
     * @param nextField, idField offsets in a capability's header
     */
    int capability(int capOffset, int idField, int nextField, int headerBytes, int id) {
        int at = getInt(capOffset);
        for (int seen = 0; at > 0 && at <= bytes - headerBytes && seen < bytes / headerBytes; seen++) {
            if (getShort(at + idField) == id) {
                return at;
            }
            at = getInt(at + nextField);
        }
        return 0;
    }

    /** Whether so many bytes are there: what the kernel counts is checked before it is followed. */
    boolean holds(long offset, long count) {
        return offset >= 0 && count >= 0 && offset <= bytes - count;
    }

    private long at(int offset, int width) {
        if (!holds(offset, width)) {
            throw new IndexOutOfBoundsException(width + " bytes at offset " + offset + " of a struct of " + bytes);
        }
        return address + offset;
    }

    @Override
    public void close() {
        arena.close();
    }
}

package io.sluice.vfiouser.server;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes of a message, field by field, so that tests can also write what no codec would. */
final class Body {
    private ByteBuffer buffer = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);

    static Body of() {
        return new Body();
    }

    static byte[] none() {
        return new byte[0];
    }

    /** DMA_MAP, of a file's beginning, readable and writable. */
    static byte[] map(long address, long size) {
        return map(3, 0, address, size);
    }

    static byte[] map(int flags, long offset, long address, long size) {
        return of().u32(32).u32(flags).u64(offset).u64(address).u64(size).bytes();
    }

    static byte[] unmap(int flags, long address, long size) {
        return of().u32(24).u32(flags).u64(address).u64(size).bytes();
    }

    static byte[] regionInfo(int argsz, int index) {
        return of().u32(argsz).u32(0).u32(index).u32(0).u64(0).u64(0).bytes();
    }

    /** The four numbers of DEVICE_GET_INFO, DEVICE_GET_REGION_IO_FDS and DEVICE_GET_IRQ_INFO. */
    static byte[] four(int argsz, int flags, int index, int count) {
        return of().u32(argsz).u32(flags).u32(index).u32(count).bytes();
    }

    static byte[] irqs(int flags, int index, int start, int count) {
        return of().u32(20).u32(flags).u32(index).u32(start).u32(count).bytes();
    }

    static byte[] access(long offset, int region, int count) {
        return of().u64(offset).u32(region).u32(count).bytes();
    }

    static byte[] write(long offset, int region, byte... data) {
        return of().u64(offset).u32(region).u32(data.length).raw(data).bytes();
    }

    static byte[] version(int major, int minor, String rest) {
        return of().u16(major)
                .u16(minor)
                .raw(rest.getBytes(StandardCharsets.UTF_8))
                .bytes();
    }

    private ByteBuffer room(int bytes) {
        if (buffer.remaining() < bytes) {
            int capacity = 2 * (buffer.capacity() + bytes);
            buffer =
                    ByteBuffer.allocate(capacity).order(ByteOrder.LITTLE_ENDIAN).put(buffer.flip());
        }
        return buffer;
    }

    Body u16(int value) {
        room(Short.BYTES).putShort((short) value);
        return this;
    }

    Body u32(int value) {
        room(Integer.BYTES).putInt(value);
        return this;
    }

    Body u64(long value) {
        room(Long.BYTES).putLong(value);
        return this;
    }

    Body raw(byte... bytes) {
        room(bytes.length).put(bytes);
        return this;
    }

    byte[] bytes() {
        return Arrays.copyOf(buffer.array(), buffer.position());
    }

    /** A message as it goes out. */
    static byte[] message(int id, int command, int flags, byte[] body) {
        return of().u16(id)
                .u16(command)
                .u32(16 + body.length)
                .u32(flags)
                .u32(0)
                .raw(body)
                .bytes();
    }
}

package io.sluice.fuzz;

/** Bytes that say what to do. At their end there are zeroes. */
public final class Input {
    private final byte[] bytes;
    private int at;

    public Input(byte[] bytes) {
        this.bytes = bytes;
    }

    public boolean hasMore() {
        return at < bytes.length;
    }

    /** 0 to 255. */
    public int u8() {
        return at < bytes.length ? Byte.toUnsignedInt(bytes[at++]) : 0;
    }

    public int u16() {
        return u8() | u8() << 8;
    }

    public int u32() {
        return u16() | u16() << 16;
    }

    public long u64() {
        return Integer.toUnsignedLong(u32()) | (long) u32() << 32;
    }

    /** So many of them. */
    public byte[] take(int count) {
        byte[] taken = new byte[count];
        for (int i = 0; i < count; i++) {
            taken[i] = (byte) u8();
        }
        return taken;
    }
}

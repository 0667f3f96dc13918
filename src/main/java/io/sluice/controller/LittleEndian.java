package io.sluice.controller;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The value in a region access of 4 or 8 bytes. */
final class LittleEndian {
    private LittleEndian() {}

    static long get(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        return bytes.length == Integer.BYTES ? Integer.toUnsignedLong(buffer.getInt()) : buffer.getLong();
    }

    static void put(long value, byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.length == Integer.BYTES) {
            buffer.putInt((int) value);
        } else {
            buffer.putLong(value);
        }
    }
}

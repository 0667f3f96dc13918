package io.sluice.vfiouser;

import io.sluice.linux.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** What all layouts share: byte order, and checks of a body's size. */
final class Wire {
    private Wire() {}

    /** The protocol has the host's byte order, and this project runs on x86-64 only. */
    static void littleEndian(ByteBuffer buffer) {
        buffer.order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Makes sure that a body has exactly so many bytes. */
    static void requireExactly(ByteBuffer body, long bytes, String what) throws VfioUserException {
        littleEndian(body);
        if (body.remaining() != bytes) {
            throw wrongSize(body, "exactly " + bytes, what);
        }
    }

    /** Makes sure that a body has its fixed part. */
    static void requireAtLeast(ByteBuffer body, long bytes, String what) throws VfioUserException {
        littleEndian(body);
        if (body.remaining() < bytes) {
            throw wrongSize(body, "at least " + bytes, what);
        }
    }

    private static VfioUserException wrongSize(ByteBuffer body, String wanted, String what) {
        return invalid(what + " has a body of " + body.remaining() + " bytes; it must have " + wanted);
    }

    /**
     * Makes sure of argsz, which says how much of a reply the sender has room for, and that the request itself is no
     * longer than that. Some clients send the whole buffer that they want filled.
     */
    static void requireRoom(int bodyBytes, long argsz, long fixedBytes, String what) throws VfioUserException {
        if (argsz < fixedBytes) {
            throw invalid(what + " has argsz " + argsz + "; the fixed part of its reply is " + fixedBytes + " bytes");
        }
        if (bodyBytes > Math.max(argsz, fixedBytes)) {
            throw invalid(what + " has a body of " + bodyBytes + " bytes, more than its argsz of " + argsz);
        }
    }

    static VfioUserException invalid(String message) {
        return new VfioUserException(Errno.EINVAL, message);
    }

    static long unsigned(int value) {
        return Integer.toUnsignedLong(value);
    }

    static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }
}

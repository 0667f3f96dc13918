package io.sluice.vfiouser;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The body of VERSION, request and reply (vfio-user, "VFIO_USER_VERSION").
 *
 * <pre>
 *   0  major  u16     2  minor  u16     4  JSON, UTF-8, NUL-terminated; may be absent
 * </pre>
 *
 * @param json what follows, up to its first NUL; empty where there is nothing
 */
public record Version(int major, int minor, String json) {
    /** Size of the fixed part in bytes. */
    public static final int FIXED_BYTES = 4;

    /** The major version that this project speaks. */
    public static final int MAJOR = 0;

    /** The newest minor version that this project speaks. */
    public static final int MINOR = 1;

    /** More JSON than this is refused: what is known takes some 200 bytes. */
    public static final int MAX_JSON_BYTES = 16 * 1024;

    /** Reads a body; its JSON may come with or without NUL, and after a NUL nothing is read. */
    public static Version decode(ByteBuffer body) throws VfioUserException {
        Wire.requireAtLeast(body, FIXED_BYTES, "VERSION");
        int major = Short.toUnsignedInt(body.getShort());
        int minor = Short.toUnsignedInt(body.getShort());
        if (body.remaining() > MAX_JSON_BYTES) {
            throw Wire.invalid("VERSION has " + body.remaining() + " bytes of JSON; more than " + MAX_JSON_BYTES
                    + " are not accepted");
        }
        byte[] bytes = new byte[body.remaining()];
        body.get(bytes);
        int length = 0;
        while (length < bytes.length && bytes[length] != 0) {
            length++;
        }
        return new Version(major, minor, new String(bytes, 0, length, StandardCharsets.UTF_8));
    }

    /** Size of the body in bytes: without JSON there is no NUL either. */
    public int bytes() {
        return FIXED_BYTES + (json.isEmpty() ? 0 : json.getBytes(StandardCharsets.UTF_8).length + 1);
    }

    /** Writes the body. */
    public void encode(ByteBuffer out) {
        Wire.littleEndian(out);
        out.putShort((short) major);
        out.putShort((short) minor);
        if (!json.isEmpty()) {
            out.put(json.getBytes(StandardCharsets.UTF_8));
            out.put((byte) 0);
        }
    }
}

package io.sluice.daemon;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/** Identifiers that are made here. */
final class Identity {
    private Identity() {}

    /** The same for the same serial number, so that a guest knows the drive again; different for all others. 16 bytes. */
    static ByteBuffer nguid(String serial) {
        UUID uuid = UUID.nameUUIDFromBytes(("sluice " + serial).getBytes(StandardCharsets.UTF_8));
        return ByteBuffer.allocate(2 * Long.BYTES)
                .putLong(uuid.getMostSignificantBits())
                .putLong(uuid.getLeastSignificantBits());
    }
}

package io.sluice.daemon;

import io.sluice.config.ServePlan;
import io.sluice.host.ControllerInfo;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/** Identifiers that are made here. */
final class Identity {
    private Identity() {}

    /**
     * Of a part of a device: the same after each start as long as it stays where it is, and different for every other part of
     * any device. A serial number would not do: it comes from a volume's name, and two daemons may each have a volume of
     * that name for one guest, where Linux refuses the second subsystem or namespace of the same identifier.
     *
     * @param device whose serial and model number it has
     */
    static UUID ofSlice(ControllerInfo device, ServePlan.Volume volume) {
        String place = String.join(
                "\n",
                "sluice slice",
                device.serial(),
                device.model(),
                Integer.toString(volume.settings().nsid()),
                Long.toString(volume.settings().startBytes()),
                volume.settings().serial());
        return UUID.nameUUIDFromBytes(place.getBytes(StandardCharsets.UTF_8));
    }

    /** The same for the same serial number, so that a guest knows the drive again; different for all others. 16 bytes. */
    static ByteBuffer nguid(String serial) {
        UUID uuid = UUID.nameUUIDFromBytes(("sluice " + serial).getBytes(StandardCharsets.UTF_8));
        return ByteBuffer.allocate(2 * Long.BYTES)
                .putLong(uuid.getMostSignificantBits())
                .putLong(uuid.getLeastSignificantBits());
    }
}

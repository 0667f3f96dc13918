package io.sluice.config;

import java.util.List;

/**
 * A device, cut into volumes.
 *
 * @param volumes 1 to {@link #MAX_VOLUMES}; no two of the same name, socket or serial number, and none that overlap
 * @param origins where it all was given
 */
public record ServeSettings(
        DeviceSettings device, PollerSettings poller, List<VolumeSettings> volumes, Origins origins) {
    /** More than one device serves well; and a bound. */
    public static final int MAX_VOLUMES = 256;

    public ServeSettings {
        volumes = List.copyOf(volumes);
    }

    /** Made by a program, so that there are no lines to point at. */
    public ServeSettings(DeviceSettings device, PollerSettings poller, List<VolumeSettings> volumes) {
        this(device, poller, volumes, Origins.NONE);
    }

    /** The same on the only namespace of the device, whatever its number. */
    ServeSettings onOnlyNamespace() {
        List<VolumeSettings> moved = volumes.stream()
                .map(volume -> volume.withNsid(VolumeSettings.ONLY_NSID))
                .toList();
        return new ServeSettings(device, poller, moved, origins);
    }

    /** The same, and a device that is not empty is taken too. */
    public ServeSettings destroyingData() {
        return new ServeSettings(device.destroyingData(), poller, volumes, origins);
    }
}

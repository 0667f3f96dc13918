package io.sluice.config;

import java.util.List;

/**
 * A device, cut into volumes.
 *
 * @param volumes one or more; no two of the same name, socket or serial number
 */
public record ServeSettings(DeviceSettings device, PollerSettings poller, List<VolumeSettings> volumes) {
    public ServeSettings {
        volumes = List.copyOf(volumes);
    }
}

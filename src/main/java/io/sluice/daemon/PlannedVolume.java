package io.sluice.daemon;

import io.sluice.config.VolumeSettings;
import io.sluice.host.NamespaceInfo;
import io.sluice.host.NvmeDriver;
import io.sluice.mediation.Slice;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;

/**
 * A volume, and the part of the device that it gets.
 *
 * @param settings as they were given
 * @param slice checked against the device
 */
record PlannedVolume(VolumeSettings settings, Slice slice) {
    /** Cuts a device's namespaces; refuses what is not there, or is not aligned, or overlaps. */
    static List<PlannedVolume> plan(List<VolumeSettings> volumes, NvmeDriver driver) throws IOException {
        List<PlannedVolume> plan = new ArrayList<>();
        for (VolumeSettings volume : volumes) {
            plan.add(new PlannedVolume(volume, slice(volume, driver)));
        }
        return plan;
    }

    private static Slice slice(VolumeSettings volume, NvmeDriver driver) throws IOException {
        NamespaceInfo namespace = namespace(volume, driver);
        long bytes = volume.sizeBytes().orElse(namespace.bytes() - volume.startBytes());
        if (bytes <= 0 || volume.startBytes() > namespace.bytes() - bytes) {
            throw new IOException("volume " + volume.name() + ": " + bytes + " bytes at " + volume.startBytes()
                    + " are not there: namespace " + namespace.nsid() + " of " + driver.name() + " has "
                    + namespace.bytes() + " bytes");
        }
        int blockBytes = namespace.blockBytes();
        return new Slice(namespace.nsid(), volume.startBytes() / blockBytes, bytes / blockBytes, blockBytes);
    }

    private static NamespaceInfo namespace(VolumeSettings volume, NvmeDriver driver) throws IOException {
        try {
            NamespaceInfo namespace = driver.namespace(volume.nsid());
            if (!namespace.unusableBecause().isEmpty()) {
                throw new IOException("volume " + volume.name() + ": " + namespace.unusableBecause());
            }
            return namespace;
        } catch (NoSuchElementException e) {
            throw new IOException("volume " + volume.name() + ": " + e.getMessage(), e);
        }
    }
}

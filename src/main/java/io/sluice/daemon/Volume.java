package io.sluice.daemon;

import io.sluice.config.ServePlan;
import io.sluice.config.VolumeSettings;
import io.sluice.controller.ControllerConfig;
import io.sluice.controller.Namespace;
import io.sluice.controller.NvmeController;
import io.sluice.dma.DeviceMemory;
import io.sluice.host.ControllerInfo;
import io.sluice.host.NamespaceInfo;
import io.sluice.mediation.MediatedPath;
import io.sluice.mediation.SharedDevice;
import io.sluice.mediation.Slice;
import io.sluice.poll.CommandQueue;
import java.io.IOException;
import java.util.UUID;

/**
 * A volume: a guest's controller, and its way to the device.
 *
 * @param nsid the device's namespace that it is a part of
 */
record Volume(NvmeController controller, MediatedPath path, int nsid) {
    private static final int NSID = 1;

    /** What Sluice's controllers offer anyway: larger transfers gain nothing, and cost room in each slot. */
    private static final int MAX_TRANSFER_BYTES = 1 << 20;

    /**
     * A controller that nobody polls and nobody serves yet.
     *
     * @param number of the volume among those of the device
     * @param owner what the device says of itself
     * @param namespace of the device
     * @param memory makes its guest's memory reachable for the device
     * @param wake makes the device's poller run soon
     */
    static Volume create(
            ServePlan.Volume volume,
            int number,
            ControllerInfo owner,
            NamespaceInfo namespace,
            SharedDevice device,
            DeviceMemory memory,
            Runnable wake)
            throws IOException {
        VolumeSettings settings = volume.settings();
        UUID place = Identity.ofSlice(owner, volume);
        MediatedPath path = new MediatedPath(
                device,
                number,
                memory,
                slice(volume),
                namespace(volume, place),
                Alignment.of(namespace).traits(namespace.hints()),
                settings.maxInFlight());
        NvmeController controller = new NvmeController(
                config(settings, device, place), path, CommandQueue.to(wake), wake, System::nanoTime);
        return new Volume(controller, path, settings.nsid());
    }

    private static Slice slice(ServePlan.Volume volume) {
        return new Slice(volume.settings().nsid(), volume.firstLba(), volume.blockCount(), volume.blockBytes());
    }

    private static Namespace namespace(ServePlan.Volume volume, UUID place) {
        return new Namespace(
                NSID,
                volume.blockCount(),
                volume.blockBytes(),
                place.getMostSignificantBits(),
                place.getLeastSignificantBits(),
                0,
                volume.settings().readOnly());
    }

    private static ControllerConfig config(VolumeSettings settings, SharedDevice device, UUID place) {
        int transferBytes = Math.min(MAX_TRANSFER_BYTES, Integer.highestOneBit(device.maxTransferBytes()));
        ControllerConfig config = ControllerConfig.of(settings.name(), settings.serial())
                .withNqnSuffix(place.toString())
                .withLimits(settings.queuePairs(), settings.queueEntries(), transferBytes);
        return settings.doorbells() == VolumeSettings.Doorbells.TRAPPED ? config.withTrappedDoorbells() : config;
    }
}

package io.sluice.daemon;

import io.sluice.config.VolumeSettings;
import io.sluice.controller.ControllerConfig;
import io.sluice.controller.Namespace;
import io.sluice.controller.NvmeController;
import io.sluice.dma.DeviceMemory;
import io.sluice.mediation.MediatedPath;
import io.sluice.mediation.SharedDevice;
import io.sluice.poll.CommandQueue;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Makes the controller of a volume. */
final class VolumeController {
    private static final int NSID = 1;

    /** What Sluice's controllers offer anyway: larger transfers gain nothing, and cost room in each slot. */
    private static final int MAX_TRANSFER_BYTES = 1 << 20;

    private VolumeController() {}

    /**
     * A controller that nobody polls and nobody serves yet.
     *
     * @param memory makes its guest's memory reachable for the device
     * @param wake makes the device's poller run soon
     */
    static NvmeController create(PlannedVolume volume, SharedDevice device, DeviceMemory memory, Runnable wake)
            throws IOException {
        VolumeSettings settings = volume.settings();
        MediatedPath path = new MediatedPath(device, memory, volume.slice(), namespace(volume), settings.maxInFlight());
        return new NvmeController(config(settings, device), path, CommandQueue.to(wake), wake, System::nanoTime);
    }

    private static Namespace namespace(PlannedVolume volume) {
        ByteBuffer nguid = Identity.nguid(volume.settings().serial());
        return new Namespace(
                NSID,
                volume.slice().blockCount(),
                volume.slice().blockBytes(),
                nguid.getLong(0),
                nguid.getLong(Long.BYTES),
                0,
                volume.settings().readOnly());
    }

    private static ControllerConfig config(VolumeSettings settings, SharedDevice device) {
        int transferBytes = Math.min(MAX_TRANSFER_BYTES, Integer.highestOneBit(device.maxTransferBytes()));
        ControllerConfig config = ControllerConfig.of(settings.name(), settings.serial())
                .withLimits(settings.queuePairs(), settings.queueEntries(), transferBytes);
        return settings.doorbells() == VolumeSettings.Doorbells.TRAPPED ? config.withTrappedDoorbells() : config;
    }
}

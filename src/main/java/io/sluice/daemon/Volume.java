package io.sluice.daemon;

import io.sluice.config.ServePlan;
import io.sluice.config.VolumeSettings;
import io.sluice.controller.ControllerConfig;
import io.sluice.controller.Namespace;
import io.sluice.controller.NamespaceTraits;
import io.sluice.controller.NvmeController;
import io.sluice.dma.DeviceMemory;
import io.sluice.host.IoHints;
import io.sluice.host.NamespaceInfo;
import io.sluice.mediation.MediatedPath;
import io.sluice.mediation.SharedDevice;
import io.sluice.mediation.Slice;
import io.sluice.poll.CommandQueue;
import java.io.IOException;
import java.nio.ByteBuffer;

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
     * @param namespace of the device
     * @param memory makes its guest's memory reachable for the device
     * @param wake makes the device's poller run soon
     */
    static Volume create(
            ServePlan.Volume volume, NamespaceInfo namespace, SharedDevice device, DeviceMemory memory, Runnable wake)
            throws IOException {
        VolumeSettings settings = volume.settings();
        MediatedPath path = new MediatedPath(
                device, memory, slice(volume), namespace(volume), traits(namespace.hints()), settings.maxInFlight());
        NvmeController controller =
                new NvmeController(config(settings, device), path, CommandQueue.to(wake), wake, System::nanoTime);
        return new Volume(controller, path, settings.nsid());
    }

    private static Slice slice(ServePlan.Volume volume) {
        return new Slice(volume.settings().nsid(), volume.firstLba(), volume.blockCount(), volume.blockBytes());
    }

    /** A slice begins at a multiple of all of these, so they hold in it as they do on the device. */
    private static NamespaceTraits traits(IoHints hints) {
        return new NamespaceTraits(
                hints.deallocation(),
                hints.optimalBoundaryBlocks(),
                hints.writeGranularityBlocks(),
                hints.writeAlignmentBlocks(),
                hints.deallocateGranularityBlocks(),
                hints.deallocateAlignmentBlocks(),
                hints.optimalWriteBlocks());
    }

    private static Namespace namespace(ServePlan.Volume volume) {
        ByteBuffer nguid = Identity.nguid(volume.settings().serial());
        return new Namespace(
                NSID,
                volume.blockCount(),
                volume.blockBytes(),
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

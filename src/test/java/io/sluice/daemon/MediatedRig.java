package io.sluice.daemon;

import io.sluice.config.PollerSettings;
import io.sluice.config.ServePlan;
import io.sluice.config.VolumeSettings;
import io.sluice.controller.IoPath;
import io.sluice.controller.NvmeController;
import io.sluice.device.Loopback;
import io.sluice.device.PciDevice;
import io.sluice.dma.IovaAllocator;
import io.sluice.host.DriverOptions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;

/** A software model that is shared, all in this process; what is on the device can be read past the mediator. */
final class MediatedRig implements AutoCloseable {
    static final int NSID = 1;
    static final int BLOCK_BYTES = 512;

    /** The device's addresses: none of them is an address of a guest's or of this process's. */
    private static final IovaAllocator.Range DEVICE_ADDRESSES =
            new IovaAllocator.Range(0x50_0000_0000L, 0x5f_ffff_ffffL);

    final SoftwareModel model;
    final NvmeSession session;
    private Mediation mediation;

    /** @param storage of one namespace; closed with the rig */
    MediatedRig(IoPath storage, DriverOptions options) throws IOException {
        this(storage, options, UnaryOperator.identity());
    }

    /** @param around the device that the driver sees, made of the one that there is */
    MediatedRig(IoPath storage, DriverOptions options, UnaryOperator<PciDevice> around) throws IOException {
        model = SoftwareModel.start("MODEL", storage);
        try {
            PciDevice device = around.apply(new Loopback(model.function()));
            session = NvmeSession.start(device, List.of(DEVICE_ADDRESSES), options, null);
        } catch (IOException | RuntimeException e) {
            model.close();
            throw e;
        }
    }

    /** Cuts the namespace into volumes of so many blocks, one after the other. */
    List<NvmeController> share(long... blockCounts) throws IOException {
        return share(VolumeSettings.Doorbells.MAPPED, blockCounts);
    }

    /** The same, with doorbells as one likes. */
    List<NvmeController> share(VolumeSettings.Doorbells doorbells, long... blockCounts) throws IOException {
        List<ServePlan.Volume> plan = new ArrayList<>();
        long first = 0;
        for (long blocks : blockCounts) {
            plan.add(volume("volume-" + plan.size(), first, blocks, doorbells));
            first += blocks;
        }
        mediation = Mediation.start(session, plan, PollerSettings.DEFAULT);
        return mediation.controllers();
    }

    static ServePlan.Volume volume(String name, long firstLba, long blocks) {
        return volume(name, firstLba, blocks, VolumeSettings.Doorbells.MAPPED);
    }

    private static ServePlan.Volume volume(
            String name, long firstLba, long blocks, VolumeSettings.Doorbells doorbells) {
        VolumeSettings settings = new VolumeSettings(
                name,
                NSID,
                firstLba * BLOCK_BYTES,
                OptionalLong.of(blocks * BLOCK_BYTES),
                OptionalInt.empty(),
                "",
                VolumeSettings.DEFAULT_MODE,
                Optional.empty(),
                Optional.empty(),
                VolumeSettings.DEFAULT_QUEUE_PAIRS,
                VolumeSettings.DEFAULT_QUEUE_ENTRIES,
                VolumeSettings.DEFAULT_MAX_IN_FLIGHT,
                doorbells,
                false,
                name);
        return new ServePlan.Volume(settings, firstLba, blocks, BLOCK_BYTES);
    }

    /** Ends the mediation: the device's queues are the test's again, to look at what is on it. */
    void stopSharing() {
        if (mediation != null) {
            mediation.close();
            mediation = null;
        }
    }

    @Override
    public void close() {
        stopSharing();
        session.close();
        model.close();
    }
}

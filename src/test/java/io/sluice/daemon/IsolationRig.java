package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.config.DeviceSettings;
import io.sluice.config.PollerSettings;
import io.sluice.config.ServeSettings;
import io.sluice.config.TargetSettings;
import io.sluice.config.VolumeSettings;
import io.sluice.controller.IoPath;
import io.sluice.device.Loopback;
import io.sluice.dma.IovaAllocator;
import io.sluice.host.DmaArea;
import io.sluice.host.DriverClock;
import io.sluice.host.DriverOptions;
import io.sluice.host.QueuePair;
import io.sluice.mem.Memory;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * {@code sluice serve} in this process, on a software model in slices of 1 MiB, of which some are volumes with sockets. Before
 * it starts and after it has ended, the test looks at the model past it.
 */
final class IsolationRig implements AutoCloseable {
    static final long BLOCKS_EACH = (1 << 20) / MediatedRig.BLOCK_BYTES;
    static final int CHUNK_BYTES = 64 << 10;
    static final int CHUNK_BLOCKS = CHUNK_BYTES / MediatedRig.BLOCK_BYTES;

    /** For replies, on a machine that is busy with other things. */
    static final Duration REPLY_TIMEOUT = Duration.ofMinutes(1);

    /** The first of the device's own addresses, which are none of a guest's or of this process's. */
    static final long DEVICE_ADDRESSES = 0x50_0000_0000L;

    private static final long LAST_DEVICE_ADDRESS = 0x5f_ffff_ffffL;
    private static final int QUEUE_PAIRS = 2;
    private static final int QUEUE_ENTRIES = 64;
    private static final int TIMEOUT_MILLIS = 60_000;

    private final Path folder;
    private final SoftwareModel model;
    private MediatorDaemon daemon;

    /** @param storage of one namespace; closed with the rig */
    IsolationRig(Path folder, IoPath storage) throws IOException {
        this.folder = folder;
        model = SoftwareModel.start("ISOLATION", storage);
    }

    Path socket(int slice) {
        return folder.resolve("slice-" + slice);
    }

    /** Serves some of the slices. The device has fewer queue pairs than its guests. */
    void serve(int... slices) throws IOException {
        List<VolumeSettings> volumes = new ArrayList<>();
        for (int slice : slices) {
            volumes.add(volume(slice));
        }
        DeviceSettings device = new DeviceSettings(
                new TargetSettings.Pci("0000:01:00.0"), QUEUE_PAIRS, QUEUE_ENTRIES, TIMEOUT_MILLIS, true);
        daemon = MediatorDaemon.start(
                new ServeSettings(device, PollerSettings.DEFAULT, volumes),
                new Ending(() -> {}),
                DriverClock.system(),
                (options, onLoss) -> open(options));
    }

    private NvmeSession open(DriverOptions options) throws IOException {
        List<IovaAllocator.Range> usable = List.of(new IovaAllocator.Range(DEVICE_ADDRESSES, LAST_DEVICE_ADDRESS));
        return NvmeSession.start(new Loopback(model.function()), usable, options, null);
    }

    private VolumeSettings volume(int slice) {
        return new VolumeSettings(
                "slice-" + slice,
                MediatedRig.NSID,
                slice * BLOCKS_EACH * MediatedRig.BLOCK_BYTES,
                OptionalLong.of(BLOCKS_EACH * MediatedRig.BLOCK_BYTES),
                OptionalInt.empty(),
                socket(slice).toString(),
                VolumeSettings.DEFAULT_MODE,
                Optional.empty(),
                Optional.empty(),
                VolumeSettings.DEFAULT_QUEUE_PAIRS,
                VolumeSettings.DEFAULT_QUEUE_ENTRIES,
                VolumeSettings.DEFAULT_MAX_IN_FLIGHT,
                VolumeSettings.Doorbells.MAPPED,
                false,
                "slice-" + slice);
    }

    /** Ends in order, which must succeed. */
    void stopServing() {
        MediatorDaemon ending = daemon;
        daemon = null;
        assertTrue(ending.close(), "the daemon did not end in order");
    }

    /** What is done with memory that is read from a slice of the device, or is to be written to it. */
    @FunctionalInterface
    interface Chunk {
        /**
         * Fills it, or looks at it.
         *
         * @param block of the slice, the first of the chunk
         */
        void visit(long address, long block);
    }

    void writeSlice(int slice, Chunk source) throws IOException {
        forEachChunk(slice, (queue, area, slba) -> {
            source.visit(area.address(), slba - slice * BLOCKS_EACH);
            await(queue, queue.write(MediatedRig.NSID, slba, CHUNK_BLOCKS, area.iova(), CHUNK_BYTES, 0));
        });
    }

    void readSlice(int slice, Chunk target) throws IOException {
        forEachChunk(slice, (queue, area, slba) -> {
            await(queue, queue.read(MediatedRig.NSID, slba, CHUNK_BLOCKS, area.iova(), CHUNK_BYTES, 0));
            target.visit(area.address(), slba - slice * BLOCKS_EACH);
        });
    }

    /** The same of a slice some of whose blocks may be marked as not readable: zeroes stand for those. */
    void readSliceWherePossible(int slice, Chunk target) throws IOException {
        forEachChunk(slice, (queue, area, slba) -> {
            for (int i = 0; i < CHUNK_BLOCKS; i++) {
                long offset = (long) i * MediatedRig.BLOCK_BYTES;
                int status = awaitStatus(
                        queue,
                        queue.read(MediatedRig.NSID, slba + i, 1, area.iova() + offset, MediatedRig.BLOCK_BYTES, 0));
                if (Status.UNRECOVERED_READ_ERROR.is(status)) {
                    Memory.fill(area.address() + offset, MediatedRig.BLOCK_BYTES, (byte) 0);
                } else {
                    assertEquals(Status.OK, status);
                }
            }
            target.visit(area.address(), slba - slice * BLOCKS_EACH);
        });
    }

    private interface Mover {
        void move(QueuePair queue, DmaArea area, long slba) throws IOException;
    }

    private void forEachChunk(int slice, Mover mover) throws IOException {
        try (NvmeSession session = open(DriverOptions.polled(1, 2));
                DmaArea area = session.driver().allocate("chunk", CHUNK_BYTES)) {
            QueuePair queue = session.driver().queuePairs().getFirst();
            for (long block = 0; block < BLOCKS_EACH; block += CHUNK_BLOCKS) {
                mover.move(queue, area, slice * BLOCKS_EACH + block);
            }
        }
    }

    private static void await(QueuePair queue, boolean submitted) throws IOException {
        assertEquals(Status.OK, awaitStatus(queue, submitted));
    }

    private static int awaitStatus(QueuePair queue, boolean submitted) throws IOException {
        assertTrue(submitted);
        queue.ring();
        int[] status = {-1};
        while (status[0] < 0) {
            queue.poll((token, end, dw0) -> status[0] = end, 1);
        }
        return status[0];
    }

    @Override
    public void close() {
        if (daemon != null) {
            daemon.close();
        }
        model.close();
    }
}

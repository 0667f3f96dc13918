package io.sluice.host;

import io.sluice.dma.IovaRecord;
import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.mem.Bits;
import io.sluice.mem.Memory;
import io.sluice.state.SnapshotReader;
import io.sluice.state.StateFile;
import io.sluice.state.StateLayout;
import io.sluice.state.Stores;
import java.io.IOException;
import java.util.List;

/**
 * What of a driver outlives its process: a memfd of its own, and the memfds of its queues. With these, and the device as it is, another
 * one goes on: {@link NvmeDriver#resume}.
 *
 * <pre>
 *   snapshot  what the controller is, and where it has the queues' memory
 *   words     stage │ rings, one a pair │ IOVAs that are taken │ slots of the admin queue, of pair 1, of pair 2 …
 * </pre>
 */
public final class DriverState implements AutoCloseable {
    private static final String KIND = "driver";
    private static final int VERSION = 1;
    private static final int PART_DEVICE = 1;

    /** A VFIO container has 65,535 mappings. */
    private static final int MAX_IOVAS = 65_536;

    /** How far the driver is with its controller. */
    enum Stage {
        /** Its queues are not all there yet. */
        COMING_UP(0),
        RUNNING(1),
        /** From before a reset begins until all queues are there again. */
        RESETTING(2),
        /** It has been shut down, given up, or closed. */
        OVER(3);

        private final int value;

        Stage(int value) {
            this.value = value;
        }
    }

    /** Memory of the driver that a device has. */
    record Piece(long iova, long bytes) {
        static final Piece NONE = new Piece(0, 0);
    }

    /**
     * What a controller was when it was brought up.
     *
     * @param adminQueues memory, as are the next two; {@link Piece#NONE} where there is none
     */
    record Device(
            String serial,
            String model,
            int queuePairs,
            int entries,
            Piece adminQueues,
            Piece ioQueues,
            Piece shadows) {}

    /**
     * Descriptors of all that a driver leaves behind. Whoever keeps them keeps duplicates.
     *
     * @param state as all of them owned by the driver
     * @param adminQueues null where the driver was not brought up
     * @param ioQueues null where there are none
     * @param shadows null where there is no Doorbell Buffer
     */
    public record Left(Fd state, Fd adminQueues, Fd ioQueues, Fd shadows) {
        /** Duplicates, which are the caller's. */
        public Left duplicate() throws IOException {
            return new Left(state.duplicate(), duplicate(adminQueues), duplicate(ioQueues), duplicate(shadows));
        }

        private static Fd duplicate(Fd fd) throws IOException {
            return fd == null ? null : fd.duplicate();
        }

        void close() {
            for (Fd fd : new Fd[] {state, adminQueues, ioQueues, shadows}) {
                if (fd != null) {
                    fd.close();
                }
            }
        }
    }

    private final StateFile file;
    private final int entries;
    private final long iovaWords;
    private final long slotWords;

    private DriverState(StateFile file, DriverOptions options) {
        this.file = file;
        this.entries = options.queueEntries();
        this.iovaWords = file.areaAddress() + ringBytes(options);
        this.slotWords = iovaWords + (long) MAX_IOVAS * IovaWords.BYTES;
    }

    /** State of a driver that has not begun. */
    static DriverState create(String device, DriverOptions options, Stores stores) throws LinuxException {
        return new DriverState(StateFile.create("sluice-driver-" + device, layout(options), stores), options);
    }

    /**
     * State that another process has left.
     *
     * @param options with as many queue pairs and entries as the other one's
     * @param fd owned by the result
     * @throws IOException if that is not what it is; the descriptor stays the caller's then
     */
    static DriverState open(Fd fd, DriverOptions options, Stores stores) throws IOException {
        return new DriverState(StateFile.open(fd, layout(options), stores), options);
    }

    private static StateLayout layout(DriverOptions options) {
        long shape = Bits.with(options.queuePairs(), 63, 32, options.queueEntries());
        long slots =
                (AdminQueue.ENTRIES + (long) options.queuePairs() * options.queueEntries()) * PairRecord.SLOT_BYTES;
        long words = ringBytes(options) + (long) MAX_IOVAS * IovaWords.BYTES + pages(slots);
        return new StateLayout(KIND, VERSION, shape, Memory.PAGE_BYTES, words);
    }

    /** Of the stage, and of each pair, the admin queues' included. */
    private static long ringBytes(DriverOptions options) {
        return pages((options.queuePairs() + 2L) * PairRecord.RING_BYTES);
    }

    private static long pages(long bytes) {
        return Math.ceilDiv(bytes, (long) Memory.PAGE_BYTES) * Memory.PAGE_BYTES;
    }

    Fd fd() {
        return file.fd();
    }

    // ---- the controller

    Stage stage() {
        int value = (int) Memory.getLong(file.areaAddress());
        for (Stage stage : Stage.values()) {
            if (stage.value == value) {
                return stage;
            }
        }
        throw new IllegalStateException("a driver cannot be in stage " + value);
    }

    void setStage(Stage stage) {
        file.stores().putLong(file.areaAddress(), stage.value);
    }

    void save(Device device) {
        file.commit(out -> {
            out.part(PART_DEVICE);
            out.put(device.serial().chars().toArray());
            out.put(device.model().chars().toArray());
            out.put(device.queuePairs());
            out.put(device.entries());
            for (Piece piece : List.of(device.adminQueues(), device.ioQueues(), device.shadows())) {
                out.put(piece.iova());
                out.put(piece.bytes());
            }
        });
    }

    Device device() {
        SnapshotReader in = file.snapshot();
        in.part(PART_DEVICE);
        return new Device(text(in), text(in), in.getInt(), in.getInt(), piece(in), piece(in), piece(in));
    }

    private static String text(SnapshotReader in) {
        int[] letters = in.getInts();
        return new String(letters, 0, letters.length);
    }

    private static Piece piece(SnapshotReader in) {
        return new Piece(in.getLong(), in.getLong());
    }

    // ---- queue pairs

    PairRecord pair(int qid) {
        long ring = file.areaAddress() + (qid + 1L) * PairRecord.RING_BYTES;
        long before = qid == 0 ? 0 : AdminQueue.ENTRIES + (qid - 1L) * entries;
        return new PairRecord(ring, slotWords + before * PairRecord.SLOT_BYTES, file.stores());
    }

    // ---- IOVAs

    /** Where it is kept which IOVAs are taken; of a new driver. */
    IovaRecord newIovas() {
        return new IovaWords(iovaWords, MAX_IOVAS, file.stores());
    }

    /** The same, of what another process has left. */
    IovaRecord iovas() {
        return new IovaWords(iovaWords, MAX_IOVAS, file.stores()).load();
    }

    @Override
    public void close() {
        file.close();
    }
}

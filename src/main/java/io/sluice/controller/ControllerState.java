package io.sluice.controller;

import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.mem.Bits;
import io.sluice.mem.Memory;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Sqe;
import io.sluice.state.StateFile;
import io.sluice.state.StateLayout;
import io.sluice.state.Stores;
import java.io.IOException;

/**
 * What of a controller outlives its process: a memfd with its state, and the one with its doorbells. A controller that is made with
 * them goes on where the last one was.
 *
 * <pre>
 *   snapshot: registers, features, events, configuration space, which queues there are: all that changes seldom
 *   words:    | rings | counters | errors | MSI-X BAR | SQE copies, each with its slot's record | ranges | copies of CQs not shared |
 * </pre>
 *
 * <p>Guest memory, interrupts' eventfds and the namespaces' data are others' to keep.
 */
public final class ControllerState implements AutoCloseable {
    private static final String KIND = "nvmectrl";
    private static final int VERSION = 2;
    private static final int SNAPSHOT_BYTES = 16 << 10;

    /** An entry and its record are neighbours: a command that ends later touches both. */
    private static final int SLOT_BYTES = Sqe.BYTES + SlotRecord.BYTES;

    private static final int RINGS = ControllerConfig.MAX_QUEUE_PAIRS + 1;
    private static final long RINGS_BYTES = pages((long) RINGS * RingRecord.BYTES);
    private static final long MIRROR_BYTES = pages((long) ControllerConfig.MAX_QUEUE_ENTRIES * Cqe.BYTES);

    private final StateFile file;
    private final int slots;
    private Fd doorbells;

    private ControllerState(StateFile file, int slots, Fd doorbells) {
        this.file = file;
        this.slots = slots;
        this.doorbells = doorbells;
    }

    /** State of a controller that is as after power-on. */
    static ControllerState create(ControllerConfig config, int slots, Stores stores) throws LinuxException {
        String name = "sluice-state-" + config.name();
        return new ControllerState(StateFile.create(name, layout(config, slots), stores), slots, null);
    }

    /**
     * State that another process has left.
     *
     * @param config as it was for the other one
     * @param path which takes as many commands at a time as the other one's
     * @param state the descriptor of {@link #stateFd}, and
     * @param doorbells that of {@link #doorbellFd}; both are owned by the result
     * @throws IOException if that is not what they are; both stay the caller's then
     */
    public static ControllerState open(ControllerConfig config, IoPath path, Fd state, Fd doorbells, Stores stores)
            throws IOException {
        int slots = slotsFor(path);
        return new ControllerState(StateFile.open(state, layout(config, slots), stores), slots, doorbells);
    }

    /** As many as a path may have pending, and one for the command that is looked at. */
    static int slotsFor(IoPath path) {
        return path.maxPending() + 1;
    }

    private static StateLayout layout(ControllerConfig config, int slots) {
        long shape = Bits.with(0, 31, 0, slots);
        shape = Bits.with(shape, 47, 32, config.maxQueuePairs());
        shape = Bits.with(shape, 63, 48, config.interruptVectors());
        long words = RINGS_BYTES
                + 3L * Memory.PAGE_BYTES
                + sqeBytes(slots)
                + (long) slots * IoCommand.RANGES_BYTES
                + RINGS * MIRROR_BYTES;
        return new StateLayout(KIND, VERSION, shape, SNAPSHOT_BYTES, words);
    }

    private static long pages(long bytes) {
        return Math.ceilDiv(bytes, (long) Memory.PAGE_BYTES) * Memory.PAGE_BYTES;
    }

    private static long sqeBytes(int slots) {
        return pages((long) slots * SLOT_BYTES);
    }

    /** The state's descriptor. Owned by this; whoever keeps it duplicates it. */
    public Fd stateFd() {
        return file.fd();
    }

    /** The doorbell page's descriptor, which each client has another one of. Owned by this. */
    public Fd doorbellFd() {
        return doorbells;
    }

    void setDoorbellFd(Fd fd) {
        doorbells = fd;
    }

    StateFile file() {
        return file;
    }

    Stores stores() {
        return file.stores();
    }

    int slots() {
        return slots;
    }

    /** Of both queues with an identifier; 0 are the admin queues. */
    RingRecord ring(int qid) {
        return new RingRecord(file.areaAddress() + (long) qid * RingRecord.BYTES, stores());
    }

    /** Host address of a page, as are the next two. */
    long counters() {
        return file.areaAddress() + RINGS_BYTES;
    }

    long errorLog() {
        return counters() + Memory.PAGE_BYTES;
    }

    long msixBar() {
        return errorLog() + Memory.PAGE_BYTES;
    }

    SlotRecord slot(int index) {
        return new SlotRecord(index, sqe(index) + Sqe.BYTES, stores());
    }

    /** Host address of a slot's copy of its entry. */
    long sqe(int index) {
        return sqes() + (long) index * SLOT_BYTES;
    }

    private long sqes() {
        return msixBar() + Memory.PAGE_BYTES;
    }

    /** Host address of a slot's copy of its ranges. */
    long ranges(int index) {
        return rangesBase() + (long) index * IoCommand.RANGES_BYTES;
    }

    private long rangesBase() {
        return sqes() + sqeBytes(slots);
    }

    /** Host address of the copy of a completion queue that is not shared. */
    long mirror(int cqid) {
        return rangesBase() + (long) slots * IoCommand.RANGES_BYTES + cqid * MIRROR_BYTES;
    }

    /** Whether another controller was enabled with it. */
    boolean isUsed() {
        return file.hasSnapshot();
    }

    @Override
    public void close() {
        file.close();
        if (doorbells != null) {
            doorbells.close();
        }
    }
}

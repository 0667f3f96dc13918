package io.sluice.mediation;

import io.sluice.controller.BounceArea;
import io.sluice.controller.IoCommand;
import io.sluice.controller.IoPath;
import io.sluice.controller.Namespace;
import io.sluice.controller.NamespaceTraits;
import io.sluice.dma.DeviceMemory;
import io.sluice.dma.GuestMemory;
import io.sluice.host.DataPointers;
import io.sluice.host.DriverStatus;
import io.sluice.mem.Translator;
import io.sluice.nvme.CopyRange;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.IdentifyController;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Rings;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A guest's commands on their way to a slice of a shared device. The controller has checked them; here they are shifted into
 * the slice, and submitted to a queue pair of the device that the guest's completion queue was given.
 *
 * <pre>
 *   submit ──▶ slice ──▶ HostQueue ──▶ device ──▶ ended, in the device's turn ──▶ poll, in the guest's ──▶ completed
 * </pre>
 *
 * <p>What has ended is told to the controller in its own turn of the duty cycle only, when it has looked at its guest's memory:
 * so nothing is posted by a translation that is not good any more, and a controller's failure is its own.
 *
 * <p>A command in flight cannot be called back: whoever cancels it waits for the device, or for the driver, which aborts what
 * takes too long and resets the device where that does not help.
 */
public final class MediatedPath implements IoPath, CommandOwner {
    private static final Logger LOG = LoggerFactory.getLogger(MediatedPath.class);
    private static final int MAX_CQID = 64;

    /**
     * How many commands without data of one guest the device has at a time, Flushes aside. Each may cost it a thousand times what a
     * Read costs, and what waits behind them has a deadline: if it passes, the device may be reset, for everybody.
     */
    static final int MAX_SLOW = 4;

    private static final long MAX_BLOCK_COUNT = 65_536;

    private final SharedDevice device;
    private final int guest;
    private final DeviceMemory memory;
    private final Slice slice;
    private final Namespace namespace;
    private final NamespaceTraits traits;
    private final Flushes flushes;
    private final int maxPending;

    /** By the guest's completion queue identifier; null where there is no such queue. */
    private final HostQueue[] queues = new HostQueue[MAX_CQID + 1];

    /** A ring, from {@code endedFirst} on. */
    private final IoCommand[] ended;

    private final int[] endedStatuses;
    private int endedFirst;
    private int endedCount;

    /** Those whose memory a device may still use that is lost. */
    private final ArrayDeque<IoCommand> lost = new ArrayDeque<>();

    /** In flight, of the commands that {@link #MAX_SLOW} is about. */
    private int slow;

    /** Set by another thread: the slice is not what it was any more. */
    private volatile boolean gone;

    /** Flushes that wait for one of the device's to be submitted, and for the one in flight to end. */
    private final ArrayDeque<IoCommand> flushesToSubmit;

    private final ArrayDeque<IoCommand> flushesInFlight;

    /** How far the flush is that a guest's shutdown waits for. */
    private enum Settling {
        NOT,
        WAITING,
        IN_FLIGHT,
        DONE
    }

    private Settling settling = Settling.NOT;

    /**
     * @param device whose poller runs the controller of this path
     * @param guest whose it is: 0 to 65533, another one for each path of the device, and the same in a process that goes on with it
     * @param memory makes the guest's memory reachable for the device
     * @param namespace what the guest sees of the slice; of the same size
     * @param traits of the device's namespace
     * @param maxPending the most commands of this guest in flight, 1 or more
     */
    public MediatedPath(
            SharedDevice device,
            int guest,
            DeviceMemory memory,
            Slice slice,
            Namespace namespace,
            NamespaceTraits traits,
            int maxPending) {
        if (namespace.blockCount() != slice.blockCount() || namespace.blockBytes() != slice.blockBytes()) {
            throw new IllegalArgumentException("a namespace of " + namespace.blockCount() + " blocks of "
                    + namespace.blockBytes() + " bytes over " + slice);
        }
        this.device = device;
        this.guest = Objects.checkIndex(guest, SlotNote.MAX_GUESTS);
        this.memory = memory;
        this.slice = slice;
        this.namespace = namespace;
        this.traits = traits;
        this.maxPending = maxPending;
        this.flushes = device.flushes(slice.hostNsid());
        this.ended = new IoCommand[maxPending];
        this.endedStatuses = new int[maxPending];
        this.flushesToSubmit = new ArrayDeque<>(maxPending);
        this.flushesInFlight = new ArrayDeque<>(maxPending);
        flushes.add(this);
    }

    // ---- what it offers

    @Override
    public List<Namespace> namespaces() {
        return List.of(namespace);
    }

    @Override
    public NamespaceTraits traits(int nsid) {
        return traits;
    }

    @Override
    public int maxPending() {
        return maxPending;
    }

    @Override
    public boolean hasVolatileCache() {
        return device.hasVolatileCache();
    }

    @Override
    public boolean offers(int opcode) {
        return device.hasOptional(IdentifyController.oncsOf(opcode))
                && device.limits().bytes(opcode) >= MAX_BLOCK_COUNT * slice.blockBytes()
                && (opcode != NvmOpcode.COPY || traits.copy().isAny());
    }

    @Override
    public boolean offersFused() {
        return device.hasFused() && offers(NvmOpcode.COMPARE);
    }

    @Override
    public int sglAlignmentBytes() {
        return device.sglAlignmentBytes();
    }

    @Override
    public Optional<DeviceMemory> deviceMemory() {
        return Optional.of(memory);
    }

    @Override
    public Translator dataView(GuestMemory guestMemory) {
        return guestMemory.deviceView();
    }

    @Override
    public BounceArea bounceArea(long bytes) throws IOException {
        return device.bounceArea(bytes);
    }

    @Override
    public long discardPage(long hostPage) {
        return device.discardPage();
    }

    @Override
    public void completionQueueChanged(int cqid, boolean exists) {
        if (queues[cqid] != null) {
            device.release(queues[cqid]);
        }
        queues[cqid] = exists ? device.acquire() : null;
    }

    // ---- commands

    /**
     * The device's namespace has gone, or has another size or format: its blocks are not the guest's any more. From now on its
     * commands end in an error that says not to try again. From any thread.
     */
    public void namespaceGone() {
        gone = true;
    }

    @Override
    public int submit(IoCommand command) {
        if (gone) {
            return GuestStatus.FINAL;
        }
        return switch (command.opcode()) {
            case NvmOpcode.READ, NvmOpcode.WRITE, NvmOpcode.COMPARE -> transfer(command);
            case NvmOpcode.FLUSH -> flush(command);
            case NvmOpcode.WRITE_ZEROES, NvmOpcode.WRITE_UNCORRECTABLE, NvmOpcode.VERIFY -> withoutData(command);
            case NvmOpcode.DATASET_MANAGEMENT -> manage(command);
            case NvmOpcode.COPY -> copy(command);
            default -> throw new IllegalStateException(NvmOpcode.name(command.opcode()) + " passed the gate");
        };
    }

    private int transfer(IoCommand command) {
        long slba = slice.toHost(command.slba(), command.blockCount());
        if (slba == Slice.OUTSIDE) {
            return outside(command);
        }
        if (!DataPointers.isDescribable(command.pieces())) {
            return Status.INVALID_SGL_DESCRIPTOR_COUNT.dnr(); // PRPs can describe any data that came by PRPs
        }
        return pendingIf(queues[command.cqid()].transfer(this, command, slice.hostNsid(), slba));
    }

    /** With a status of their own each, as the device gives it. */
    @Override
    public boolean submitFused(IoCommand compare, IoCommand write) {
        long slba = slice.toHost(compare.slba(), compare.blockCount());
        int refusal = refusal(compare, write, slba);
        if (refusal != Status.OK) {
            compare.complete(refusal);
            write.complete(refusal);
            return true;
        }
        if (queues[compare.cqid()].fused(this, compare, write, slice.hostNsid(), slba)) {
            return true;
        }
        if (device.isDead()) {
            compare.complete(GuestStatus.FINAL);
            write.complete(GuestStatus.FINAL);
            return true;
        }
        return false;
    }

    private int refusal(IoCommand compare, IoCommand write, long slba) {
        if (gone) {
            return GuestStatus.FINAL;
        }
        if (slba == Slice.OUTSIDE) {
            return outside(compare);
        }
        boolean describable =
                DataPointers.isDescribable(compare.pieces()) && DataPointers.isDescribable(write.pieces());
        return describable ? Status.OK : Status.INVALID_SGL_DESCRIPTOR_COUNT.dnr();
    }

    /** Sources and destination are all in the slice, and nowhere else. */
    private int copy(IoCommand command) {
        long sdlba = slice.toHost(command.slba(), command.blockCount());
        boolean inside = sdlba != Slice.OUTSIDE;
        for (int i = 0; i < command.rangeCount(); i++) {
            long range = command.rangesAddress() + (long) i * CopyRange.BYTES;
            inside &= slice.toHost(CopyRange.slba(range), CopyRange.blockCount(range)) != Slice.OUTSIDE;
        }
        if (!inside) {
            return outside(command);
        }
        return slowIf(slow < MAX_SLOW
                && queues[command.cqid()].copy(this, command, slice.hostNsid(), slice.firstLba(), sdlba));
    }

    private int withoutData(IoCommand command) {
        long slba = slice.toHost(command.slba(), command.blockCount());
        if (slba == Slice.OUTSIDE) {
            return outside(command);
        }
        return slowIf(slow < MAX_SLOW && queues[command.cqid()].withoutData(this, command, slice.hostNsid(), slba));
    }

    /**
     * Hints other than deallocation are dropped, which is a controller's right: NVMe 1.4, 6.7. So are deallocations of more
     * than the device takes at once, or of the same blocks again and again.
     */
    private int manage(IoCommand command) {
        if (!command.deallocate()) {
            return Status.OK;
        }
        long blocks = 0;
        long longest = 0;
        for (int i = 0; i < command.rangeCount(); i++) {
            long range = command.rangesAddress() + (long) i * DsmRange.BYTES;
            if (slice.toHost(DsmRange.slba(range), DsmRange.blockCount(range)) == Slice.OUTSIDE) {
                return outside(command);
            }
            blocks += DsmRange.blockCount(range);
            longest = Math.max(longest, DsmRange.blockCount(range));
        }
        if (blocks > slice.blockCount() || !device.limits().permitsRanges(command.rangeCount(), longest, blocks)) {
            return Status.OK;
        }
        return slowIf(slow < MAX_SLOW
                && queues[command.cqid()].deallocate(this, command, slice.hostNsid(), slice.firstLba()));
    }

    private int slowIf(boolean submitted) {
        slow += submitted ? 1 : 0;
        return pendingIf(submitted);
    }

    private static boolean isSlow(IoCommand command) {
        return switch (command.opcode()) {
            case NvmOpcode.WRITE_ZEROES,
                    NvmOpcode.WRITE_UNCORRECTABLE,
                    NvmOpcode.VERIFY,
                    NvmOpcode.DATASET_MANAGEMENT,
                    NvmOpcode.COPY -> true;
            default -> false;
        };
    }

    private int flush(IoCommand command) {
        if (!device.hasVolatileCache()) {
            return Status.OK;
        }
        if (device.isDead()) {
            return GuestStatus.FINAL;
        }
        flushesToSubmit.add(command);
        flushes.want();
        return PENDING;
    }

    /** A full queue, and a device that is being reset, are waited for. */
    private int pendingIf(boolean submitted) {
        if (submitted) {
            return PENDING;
        }
        return device.isDead() ? GuestStatus.FINAL : BUSY;
    }

    private int outside(IoCommand command) {
        LOG.error(
                "{} of {} blocks at {} passed the controller's gate but is outside of {}: refused; a bug",
                NvmOpcode.name(command.opcode()),
                command.blockCount(),
                Long.toUnsignedString(command.slba()),
                slice);
        return GuestStatus.FINAL;
    }

    // ---- what has ended

    /**
     * A command whose memory a lost device may still use stays in flight until {@link #endLost}. The others, whose data is the
     * slot's or nobody's, end.
     */
    @Override
    public void ended(IoCommand command, int hostStatus) {
        slow -= isSlow(command) ? 1 : 0;
        if (!DriverStatus.isMemoryFree(hostStatus)) {
            memory.lose();
            if (!isSlow(command)) {
                lose(command);
                return;
            }
        }
        end(command, GuestStatus.of(hostStatus));
    }

    private void lose(IoCommand command) {
        if (lost.isEmpty()) {
            LOG.error(
                    "{}: commands stay in flight: the device is lost, and may still use their memory. They end when the guest's"
                            + " client changes its memory, or leaves",
                    slice);
        }
        lost.add(command);
    }

    @Override
    public String failure() {
        return lost.isEmpty() ? null : "the device is lost, and may still use the memory of commands in flight";
    }

    @Override
    public int whenUnreachable() {
        return gone || device.isDead() ? GuestStatus.FINAL : BUSY;
    }

    /** The addresses that they use are nobody else's, ever: see {@link DeviceMemory#lose}. */
    @Override
    public void endLost() {
        while (!lost.isEmpty()) {
            end(lost.remove(), GuestStatus.FINAL);
        }
    }

    /** It is noted before the device's slot is free, and told later: so somebody knows of it, whenever this process ends. */
    private void end(IoCommand command, int status) {
        command.noteEnded(status);
        int at = Rings.advance(endedFirst, endedCount, ended.length);
        ended[at] = command;
        endedStatuses[at] = status;
        endedCount++;
    }

    /** The device has got a flush: what waited for one to be submitted waits for this one now. */
    void flushSubmitted() {
        while (!flushesToSubmit.isEmpty()) {
            flushesInFlight.add(flushesToSubmit.remove());
        }
        if (settling == Settling.WAITING) {
            settling = Settling.IN_FLIGHT;
        }
    }

    void flushEnded(int status) {
        while (!flushesInFlight.isEmpty()) {
            end(flushesInFlight.remove(), status);
        }
        if (settling == Settling.IN_FLIGHT) {
            settleOrFlushAgain(status);
        }
    }

    /** A reset of the device may have come before the flush was done. */
    private void settleOrFlushAgain(int status) {
        if (GuestStatus.isRetryable(status)) {
            settling = Settling.WAITING;
            flushes.want();
        } else {
            settling = Settling.DONE;
        }
    }

    /** One after the other, so that a fault at one, which may be another guest's and told late, takes nothing from the rest. */
    @Override
    public int poll() {
        int count = 0;
        while (endedCount > 0) {
            IoCommand command = ended[endedFirst];
            try {
                command.complete(endedStatuses[endedFirst]);
                count++;
            } finally {
                if (!command.isPending()) {
                    takeEnded();
                }
            }
        }
        return count;
    }

    private void takeEnded() {
        ended[endedFirst] = null;
        endedFirst = Rings.next(endedFirst, ended.length);
        endedCount--;
    }

    @Override
    public boolean has(IoCommand command) {
        return flushesToSubmit.contains(command) || flushesInFlight.contains(command) || device.has(command);
    }

    // ---- what another process has left

    @Override
    public long note(IoCommand command) {
        return SlotNote.of(guest, command.slot(), command.isStaged());
    }

    /**
     * A Read that another process has staged is not adopted: its data comes to memory of that process, and nobody looks at it. All
     * others need nothing but their status.
     */
    @Override
    public boolean adopt(IoCommand command) {
        long note = SlotNote.of(guest, command.slot(), false);
        if (command.opcode() == NvmOpcode.READ && device.wasStaged(note)) {
            return false;
        }
        boolean here = device.adopt(this, command, note);
        slow += here && isSlow(command) ? 1 : 0;
        return here;
    }

    @Override
    public void adoptedAll() {
        device.disown(guest);
    }

    /** By a flush of the device's, also if the device says that it fails: the guest goes in any case. */
    @Override
    public boolean settle() {
        if (!device.hasVolatileCache() || device.isDead() || settling == Settling.DONE) {
            settling = Settling.NOT;
            return true;
        }
        if (settling == Settling.NOT) {
            settling = Settling.WAITING;
            flushes.want();
        }
        return false;
    }

    /** A flush that is on its way for it counts for nothing: what is written from now on is not in it. */
    @Override
    public void settleAbandoned() {
        settling = Settling.NOT;
    }

    @Override
    public void cancel(IoCommand command) {
        if (flushesToSubmit.remove(command) || flushesInFlight.remove(command)) {
            command.complete(Status.ABORTED_SQ_DELETION.code());
        }
    }

    @Override
    public void close() {
        flushes.remove(this);
        for (int cqid = 0; cqid < queues.length; cqid++) {
            if (queues[cqid] != null) {
                completionQueueChanged(cqid, false);
            }
        }
    }
}

package io.sluice.dma;

import io.sluice.mem.Translator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One guest's memory in this process: what its client has mapped for DMA.
 *
 * <p>{@link #begin}, the {@link Transaction}s and {@link #close} belong to one thread, the connection's. Readers, any number
 * of them, translate while it changes.
 *
 * <pre>
 *   transaction: map, unmap, ...      readers see nothing of it
 *   commit:      publish ──▶ next epoch ──▶ wake readers ──▶ all have acknowledged ───────────▶ device ──▶ unmap ──▶ pin
 *                                                    └────▶ deadline ──▶ tell the readers that missed it
 *                                                               └──▶ device ──▶ scratch memory ──▶ acknowledged ──▶ unmap
 * </pre>
 *
 * <p>With a device behind the memory, each region of a file is also mapped for it ({@link Pins}): a commit takes from the
 * device what has gone before it takes it from this process, and then gives it what has come.
 *
 * <p>Only a mapping without any region left is unmapped, or becomes scratch memory. A region that goes while others of the
 * same file stay takes no mapping with it: a reader that missed the deadline would still reach it, which is why the reader is
 * told ({@link DmaReader#takeMissed}).
 */
public final class DmaSpace implements GuestMemory, AutoCloseable {
    /** A vfio-user message is answered within 2 s; a tenth of that is for all the rest. */
    public static final long DEADLINE_NANOS = TimeUnit.MILLISECONDS.toNanos(1800);

    private static final Logger LOG = LoggerFactory.getLogger(DmaSpace.class);

    private final String name;
    private final DmaLimits limits;
    private final long deadlineNanos;
    private final LongSupplier clock;
    private final Epoch epoch = new Epoch();
    private final Readers readers = new Readers(epoch);
    private final RegionView hostView = new RegionView();
    private final Backings backings;
    private final Quarantine quarantine;

    /** Reaches regions without a file; null where nothing does. */
    private final MessagedMemory messages;

    /** The device's side; null without a device. */
    private final Pins pins;

    /** Held by whoever changes the space: the connection's thread and, where a device did not take memory, the pinner's. */
    private final ReentrantLock lock = new ReentrantLock();

    /** From {@link #begin} to the end of the commit. */
    private Transaction open;

    /** The epoch in which regions went of which no client asked that they go; 0 when it has been waited for. */
    private long owedEpoch;

    private boolean closed;

    /** @param name whose memory it is, for logs */
    public DmaSpace(String name, DmaLimits limits) {
        this(name, limits, Optional.empty());
    }

    /**
     * @param name whose memory it is, for logs
     * @param device what is to reach the memory too
     */
    public DmaSpace(String name, DmaLimits limits, Optional<DeviceMemory> device) {
        this(name, limits, device, null);
    }

    /**
     * @param name whose memory it is, for logs
     * @param device what is to reach the memory too
     * @param messages reaches regions that come without a file; null where nothing does
     */
    public DmaSpace(String name, DmaLimits limits, Optional<DeviceMemory> device, MessagedMemory messages) {
        this(name, limits, device, messages, DEADLINE_NANOS, System::nanoTime);
    }

    /**
     * @param deadlineNanos how long a commit waits for readers, in all
     * @param clock nanoseconds from any origin
     */
    public DmaSpace(
            String name, DmaLimits limits, Optional<DeviceMemory> device, long deadlineNanos, LongSupplier clock) {
        this(name, limits, device, null, deadlineNanos, clock);
    }

    private DmaSpace(
            String name,
            DmaLimits limits,
            Optional<DeviceMemory> device,
            MessagedMemory messages,
            long deadlineNanos,
            LongSupplier clock) {
        this.name = name;
        this.messages = messages;
        this.limits = limits;
        this.deadlineNanos = deadlineNanos;
        this.clock = clock;
        this.backings = new Backings(limits);
        this.quarantine = new Quarantine(name, readers, backings);
        this.pins = device.map(with -> new Pins(name, with, limits, clock, epoch, quarantine, lock, this::onPinFailure))
                .orElse(null);
    }

    @Override
    public Translator hostView() {
        return hostView;
    }

    @Override
    public Translator deviceView() {
        if (pins == null) {
            throw new IllegalStateException(name + ": no device has access to this memory");
        }
        return pins.view();
    }

    @Override
    public MessagedMemory messages() {
        return messages;
    }

    @Override
    public DmaReader register(String readerName, Runnable wake) {
        return readers.register(readerName, wake);
    }

    /**
     * Begins a change. There is one at a time.
     *
     * @throws IllegalStateException if the last one has not been committed, or the space is closed
     */
    public Transaction begin() {
        lock.lock();
        try {
            if (open != null || closed) {
                throw new IllegalStateException(
                        name + ": " + (closed ? "the space is closed" : "a transaction is open"));
            }
            quarantine.sweep();
            open = new Transaction(this);
            return open;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Publishes a transaction, sees to it that nobody uses what it took away, and has the device get what it added.
     *
     * @return regions that could not stay
     */
    Map<DmaRegion, DmaRefused> commit(Change change) {
        try {
            long start = clock.getAsLong();
            carryOut(change, deadlineNanos);
            if (!change.fresh.isEmpty()) {
                long waited = clock.getAsLong() - start;
                pins.make(change);
                Map<DmaRegion, DmaRefused> failed = takeFailed(change.addedSet());
                change.refused.putAll(failed);
                carryOut(removal(failed), Math.max(0, deadlineNanos - waited));
            }
            return change.refused;
        } finally {
            end();
        }
    }

    private void carryOut(Change change, long nanos) {
        long now = publish(change);
        if (pins != null && pins.isDeviceLost()) {
            pins.withdraw(change); // first: readers may have commands of which only this is the end
        }
        // What was only added is not in use from before.
        long wanted = change.removed.isEmpty() ? owedEpoch : now;
        boolean acknowledged = wanted == 0 || readers.await(wanted, nanos, clock);
        owedEpoch = 0;
        if (!acknowledged) {
            readers.giveUp(wanted);
        }
        if (pins != null) {
            pins.unpin(change, acknowledged);
        }
        List<Extent> retired = backings.takeIdle();
        if (acknowledged) {
            retired.forEach(backings::release);
        } else {
            LOG.warn(
                    "{}: an unmap is answered although {} has not let go of the memory within {} ms; {} mappings stay"
                            + " as scratch memory until it does",
                    name,
                    readers.behind(wanted),
                    TimeUnit.NANOSECONDS.toMillis(deadlineNanos),
                    retired.size());
            quarantine.admit(epoch.current(), retired);
        }
        quarantine.sweep();
    }

    /** Makes a change visible. Returns its epoch. */
    private long publish(Change change) {
        lock.lock();
        try {
            if (change.isEmpty()) {
                return epoch.current();
            }
            if (pins != null) {
                pins.plan(change);
                change.refused.keySet().forEach(region -> backings.unuse(region.extent));
            }
            hostView.publish(change.next(), change.removed, change.added);
            return epoch.advance();
        } finally {
            lock.unlock();
        }
    }

    private void end() {
        lock.lock();
        try {
            open = null;
            onPinFailure();
        } finally {
            lock.unlock();
        }
    }

    // ---- regions that the device behind the memory could not be given

    /** Those that failed until now. Of the ones that have been answered already, the log is all that hears. */
    private Map<DmaRegion, DmaRefused> takeFailed(Set<DmaRegion> unanswered) {
        lock.lock();
        try {
            Map<DmaRegion, DmaRefused> failed = pins.takeFailed();
            failed.forEach((region, why) -> {
                if (!unanswered.contains(region)) {
                    LOG.error(
                            "{}: {} is taken away from the guest, although its client was told that it is mapped: {}",
                            name,
                            region,
                            why.getMessage());
                }
            });
            return failed;
        } finally {
            lock.unlock();
        }
    }

    private Change removal(Map<DmaRegion, DmaRefused> failed) {
        RegionIndex next = index();
        for (DmaRegion region : failed.keySet()) {
            next = next.without(region);
            backings.unuse(region.extent);
        }
        return new Change(next, List.copyOf(failed.keySet()), List.of());
    }

    /**
     * Takes failed regions away; under the lock, on any thread. An open transaction does it at its end. Nobody waits for the
     * readers here, for nobody asked for the memory: it stays until they are done, and the next unmap waits for them.
     */
    private void onPinFailure() {
        if (open != null || pins == null) {
            return;
        }
        Map<DmaRegion, DmaRefused> failed = takeFailed(Set.of());
        if (!failed.isEmpty()) {
            Change change = removal(failed);
            hostView.publish(change.next(), change.removed, change.added);
            owedEpoch = epoch.advance();
            quarantine.admitAsIs(owedEpoch, backings.takeIdle());
        }
    }

    @Override
    public boolean isOutOfReach() {
        return pins != null && pins.isWithdrawn();
    }

    /** Asks the kernel about every file that a region is in; looks at what is committed. From any thread. */
    @Override
    public boolean damaged() {
        IdentityHashMap<Backing, Long> usedEnds = new IdentityHashMap<>();
        hostView.index().forEach(region -> {
            if (region.extent != null) {
                usedEnds.merge(region.extent.backing, region.fileEnd(), Math::max);
            }
        });
        return usedEnds.entrySet().stream().anyMatch(use -> use.getKey().isShorterThan(use.getValue()));
    }

    /**
     * Unmaps everything, with the same wait for the readers, and lets go of all files. What the readers do not acknowledge in
     * time is unmapped when they do, by a thread of its own. Idempotent.
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        Transaction last = open == null ? begin() : open;
        last.unmapAll();
        last.commit();
        closed = true;
        if (pins != null) {
            pins.stop();
        }
        if (!quarantine.sweep()) {
            Reaper.adopt(quarantine);
        }
    }

    /** Number of regions that readers see. */
    public int regionCount() {
        return hostView.index().size();
    }

    DmaLimits limits() {
        return limits;
    }

    RegionIndex index() {
        return hostView.index();
    }

    Backings backings() {
        return backings;
    }

    /** The device's side; null without a device. */
    Pins pins() {
        return pins;
    }

    @Override
    public String toString() {
        return name;
    }
}

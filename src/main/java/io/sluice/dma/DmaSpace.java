package io.sluice.dma;

import io.sluice.mem.Translator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.concurrent.TimeUnit;
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
 *   commit:      publish ──▶ next epoch ──▶ wake readers ──▶ all have acknowledged ──────────────────▶ unmap
 *                                                    └────▶ deadline ──▶ tell the readers that missed it
 *                                                               └──▶ scratch memory ──▶ acknowledged ──▶ unmap
 * </pre>
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
    private final HostView hostView = new HostView();
    private final Backings backings;
    private final Quarantine quarantine;
    private Transaction open;
    private boolean closed;

    /** @param name whose memory it is, for logs */
    public DmaSpace(String name, DmaLimits limits) {
        this(name, limits, DEADLINE_NANOS, System::nanoTime);
    }

    /**
     * @param deadlineNanos how long a commit waits for readers, in all
     * @param clock nanoseconds from any origin
     */
    public DmaSpace(String name, DmaLimits limits, long deadlineNanos, LongSupplier clock) {
        this.name = name;
        this.limits = limits;
        this.deadlineNanos = deadlineNanos;
        this.clock = clock;
        this.backings = new Backings(limits);
        this.quarantine = new Quarantine(name, readers, backings);
    }

    @Override
    public Translator hostView() {
        return hostView;
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
        if (open != null || closed) {
            throw new IllegalStateException(name + ": " + (closed ? "the space is closed" : "a transaction is open"));
        }
        quarantine.sweep();
        open = new Transaction(this);
        return open;
    }

    /** Publishes a transaction, and sees to it that nobody uses what it took away. */
    void commit(RegionIndex next, List<DmaRegion> removed, List<DmaRegion> added) {
        open = null;
        if (removed.isEmpty() && added.isEmpty()) {
            return;
        }
        hostView.publish(next, removed, added);
        long now = epoch.advance();
        // What was only added is not in use from before.
        boolean acknowledged = removed.isEmpty() || readers.await(now, deadlineNanos, clock);
        List<Extent> retired = backings.takeIdle();
        if (acknowledged) {
            retired.forEach(backings::release);
        } else {
            readers.giveUp(now);
            LOG.warn(
                    "{}: an unmap is answered although {} has not let go of the memory within {} ms; {} mappings stay"
                            + " as scratch memory until it does",
                    name,
                    readers.behind(now),
                    TimeUnit.NANOSECONDS.toMillis(deadlineNanos),
                    retired.size());
            quarantine.admit(now, retired);
        }
        quarantine.sweep();
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

    @Override
    public String toString() {
        return name;
    }
}

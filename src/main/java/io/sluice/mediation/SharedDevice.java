package io.sluice.mediation;

import io.sluice.controller.BounceArea;
import io.sluice.controller.IoCommand;
import io.sluice.host.CommandLimits;
import io.sluice.host.DeviceFailure;
import io.sluice.host.DmaArea;
import io.sluice.host.NvmeDriver;
import io.sluice.host.QueuePair;
import io.sluice.mem.Memory;
import io.sluice.nvme.IdentifyController;
import java.io.IOException;
import java.util.Arrays;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A device as the guests of one poller share it: its queue pairs, and what is done for all of them at once. Belongs to that
 * poller, which begins a duty cycle with {@link #poll} and ends it with {@link #submit}.
 */
public final class SharedDevice implements Mediator.Device {
    private static final Logger LOG = LoggerFactory.getLogger(SharedDevice.class);

    /**
     * Duty cycles between two in which the clock is read, and queues are polled that no guest uses. Deadlines are of seconds,
     * a look at the clock takes as long as a command, and idle queues together much longer.
     */
    private static final int CYCLES_PER_THOROUGH_ONE = 64;

    private final NvmeDriver driver;
    private final LongSupplier nanoTime;
    private final HostQueue[] queues;

    /** Those that guests use, for what is done in each cycle. */
    private HostQueue[] used = {};

    /** By namespace; an array, since walking a list makes an iterator. */
    private Flushes[] flushes = {};

    private final boolean volatileCache;
    private final int optionalCommands;
    private final CommandLimits limits;

    /** Its address, for the device, of memory that takes what nobody wants; 0 if there is none. */
    private final long discardPage;

    private int cycles;

    /** The poller may have slept since the last cycle, for any time. */
    private boolean rested = true;

    private IOException lastFailure;

    /** The device has commands of another process, and not all guests have said which are theirs. */
    private boolean heldBack;

    /** A flush was submitted in this cycle, through any queue. */
    private boolean flushed;

    /**
     * Shares what a driver drives.
     *
     * @param driver started with at least one I/O queue pair; stays the caller's, and is supervised by somebody else. One that goes on
     *     after another process does nothing here before {@link NvmeDriver#allTakenOver}
     * @param nanoTime the driver's clock
     */
    public SharedDevice(NvmeDriver driver, LongSupplier nanoTime) {
        this.driver = driver;
        this.nanoTime = nanoTime;
        this.queues = driver.queuePairs().stream()
                .map(pair -> new HostQueue(pair, this::failed))
                .toArray(HostQueue[]::new);
        this.volatileCache = driver.controller().volatileWriteCache();
        this.optionalCommands = driver.controller().optionalCommands();
        this.limits = driver.commandLimits();
        this.heldBack = driver.queuePairs().stream().anyMatch(pair -> pair.inherited() > 0);
        this.discardPage = sglAlignmentBytes() == 0 ? 0 : makeDiscardPage();
    }

    /** It is let go of with the driver's other memory. */
    private long makeDiscardPage() {
        try {
            return driver.allocate("sluice discarded data", Memory.PAGE_BYTES).iova();
        } catch (IOException e) {
            LOG.warn("bit buckets are not offered to guests: no memory for what they leave out: {}", e.getMessage());
            return 0;
        }
    }

    /** See {@link io.sluice.controller.IoPath#discardPage}. */
    long discardPage() {
        return discardPage;
    }

    /** The longest transfer of one command that the device and its driver take, in bytes. */
    public int maxTransferBytes() {
        return driver.queuePairs().stream()
                .mapToInt(QueuePair::maxTransferBytes)
                .min()
                .orElseThrow();
    }

    /** What the device takes of those commands that have limits of their own. */
    CommandLimits limits() {
        return limits;
    }

    boolean hasVolatileCache() {
        return volatileCache;
    }

    /** Whether the device has an optional command, by its bit of Identify Controller's ONCS. */
    boolean hasOptional(int bit) {
        return (optionalCommands & bit) != 0;
    }

    /** Whether it takes a Compare and a Write that are fused. */
    boolean hasFused() {
        return (driver.controller().fusedCommands() & IdentifyController.FUSES_COMPARE_AND_WRITE) != 0;
    }

    /** What data that PRPs cannot describe must be a multiple of, in place and length: 1 or 4; 0 if the device takes none. */
    int sglAlignmentBytes() {
        return switch (IdentifyController.sglSupport(driver.controller().sglSupport())) {
            case IdentifyController.SGLS_SUPPORTED -> 1;
            case IdentifyController.SGLS_DWORD_ALIGNED -> Integer.BYTES;
            default -> 0;
        };
    }

    /** Memory of our own that the device reaches too; from any thread. */
    BounceArea bounceArea(long bytes) throws IOException {
        DmaArea area = driver.allocate("sluice bounce memory", bytes);
        return new BounceArea() {
            @Override
            public long hva() {
                return area.address();
            }

            @Override
            public long dataAddress() {
                return area.iova();
            }

            @Override
            public void close() {
                area.close();
            }
        };
    }

    /** Whether the device has been given up. */
    public boolean isDead() {
        return driver.isDead();
    }

    // ---- what another process has left

    /** Gives a command that is in flight to its owner; see {@link HostQueue#adopt}. */
    boolean adopt(CommandOwner owner, IoCommand command, long note) {
        for (HostQueue queue : queues) {
            if (queue.adopt(owner, command, note)) {
                return true;
            }
        }
        return false;
    }

    /** See {@link HostQueue#isStaged}. */
    boolean wasStaged(long note) {
        for (HostQueue queue : queues) {
            if (queue.isStaged(note)) {
                return true;
            }
        }
        return false;
    }

    /** See {@link HostQueue#disown}. */
    void disown(int guest) {
        for (HostQueue queue : queues) {
            queue.disown(guest);
        }
    }

    // ---- queues

    /** Whether a command is in flight. Slow. */
    boolean has(IoCommand command) {
        for (HostQueue queue : queues) {
            if (queue.has(command)) {
                return true;
            }
        }
        return false;
    }

    /** The queue that the fewest of the guests' queues use: one for each, while there are enough. */
    HostQueue acquire() {
        HostQueue best = queues[0];
        for (HostQueue queue : queues) {
            if (queue.users() < best.users()) {
                best = queue;
            }
        }
        best.addUser(1);
        refreshUsed();
        return best;
    }

    void release(HostQueue queue) {
        queue.addUser(-1);
        refreshUsed();
    }

    private void refreshUsed() {
        used = Arrays.stream(queues).filter(queue -> queue.users() > 0).toArray(HostQueue[]::new);
    }

    Flushes flushes(int nsid) {
        for (Flushes some : flushes) {
            if (some.nsid() == nsid) {
                return some;
            }
        }
        Flushes added = new Flushes(nsid);
        flushes = Arrays.copyOf(flushes, flushes.length + 1);
        flushes[flushes.length - 1] = added;
        return added;
    }

    // ---- the poller's duty cycle

    /** Before the last guest has what is its own, nobody would know whose it is that ends. */
    private boolean isHeldBack() {
        heldBack = heldBack && !driver.isAllTakenOver();
        return heldBack;
    }

    /** Takes what the device has completed. Returns how much that was. */
    @Override
    public int poll() {
        if (isHeldBack()) {
            return 0;
        }
        boolean thorough = rested || ++cycles % CYCLES_PER_THOROUGH_ONE == 0;
        int work = 0;
        for (HostQueue queue : thorough ? queues : used) {
            work += queue.poll();
        }
        if (thorough) {
            rested = false;
            checkDeadlines();
        }
        return work + flush(); // before the guests, who may take all slots that have become free
    }

    /** What is submitted after a rest has a deadline from then on, and a reset that began meanwhile is met. */
    @Override
    public void mayRest() {
        rested = true;
    }

    /** All pairs of a dead device tell the same; that it is dead is told by whoever looks after it. */
    @SuppressWarnings("ReferenceEquality") // the very one
    private void failed(IOException why) {
        if (why != lastFailure && !driver.isDead()) {
            LOG.error("{}", why instanceof DeviceFailure ? why.getMessage() : why.toString());
        }
        lastFailure = why;
    }

    private void checkDeadlines() {
        long now = nanoTime.getAsLong();
        for (HostQueue queue : queues) {
            queue.checkDeadlines(now);
        }
    }

    private int flush() {
        int submitted = 0;
        for (Flushes some : flushes) {
            submitted += some.isWanted() ? flush(some) : 0;
        }
        flushed |= submitted > 0;
        return submitted;
    }

    private int flush(Flushes wanted) {
        if (isDead()) {
            wanted.fail(GuestStatus.FINAL);
            return 0;
        }
        return wanted.doWork(queues);
    }

    /** Submits what is due for all guests together, and tells the device of all that was submitted in this cycle. */
    @Override
    public int submit() {
        if (isHeldBack()) {
            return 0;
        }
        int submitted = flush();
        for (HostQueue queue : flushed ? queues : used) {
            queue.ring();
        }
        flushed = false;
        return submitted;
    }

    @Override
    public void onAccessError(Predicate<InternalError> isDealtWith) {
        for (HostQueue queue : queues) {
            queue.onAccessError(isDealtWith);
        }
    }

    @Override
    public boolean isQuiet() {
        for (HostQueue queue : queues) {
            if (!queue.isQuiet()) {
                return false;
            }
        }
        return true;
    }
}

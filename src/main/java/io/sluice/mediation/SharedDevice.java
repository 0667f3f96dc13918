package io.sluice.mediation;

import io.sluice.host.CommandLimits;
import io.sluice.host.NvmeDriver;
import io.sluice.host.QueuePair;
import io.sluice.nvme.IdentifyController;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * A device as the guests of one poller share it: its queue pairs, and what is done for all of them at once. Belongs to that
 * poller, which begins a duty cycle with {@link #poll} and ends it with {@link #submit}.
 */
public final class SharedDevice implements Mediator.Device {
    /** Duty cycles between two looks at the clock: deadlines are of seconds, a look takes as long as a command. */
    private static final int CYCLES_PER_CLOCK_READ = 64;

    private final NvmeDriver driver;
    private final LongSupplier nanoTime;
    private final HostQueue[] queues;
    private final List<Flushes> flushes = new ArrayList<>();
    private final boolean volatileCache;
    private final int optionalCommands;
    private final CommandLimits limits;
    private int cycles;

    /**
     * Shares what a driver drives.
     *
     * @param driver started with at least one I/O queue pair; stays the caller's, and is supervised by somebody else
     * @param nanoTime the driver's clock
     */
    public SharedDevice(NvmeDriver driver, LongSupplier nanoTime) {
        this.driver = driver;
        this.nanoTime = nanoTime;
        this.queues = driver.queuePairs().stream().map(HostQueue::new).toArray(HostQueue[]::new);
        this.volatileCache = driver.controller().volatileWriteCache();
        this.optionalCommands = driver.controller().optionalCommands();
        this.limits = driver.commandLimits();
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

    /** What data that PRPs cannot describe must be a multiple of, in place and length: 1 or 4; 0 if the device takes none. */
    int sglAlignmentBytes() {
        return switch (IdentifyController.sglSupport(driver.controller().sglSupport())) {
            case IdentifyController.SGLS_SUPPORTED -> 1;
            case IdentifyController.SGLS_DWORD_ALIGNED -> Integer.BYTES;
            default -> 0;
        };
    }

    /** Whether the device has been given up. */
    public boolean isDead() {
        return driver.isDead();
    }

    // ---- queues

    /** The queue that the fewest of the guests' queues use: one for each, while there are enough. */
    HostQueue acquire() {
        HostQueue best = queues[0];
        for (HostQueue queue : queues) {
            if (queue.users() < best.users()) {
                best = queue;
            }
        }
        best.addUser(1);
        return best;
    }

    void release(HostQueue queue) {
        queue.addUser(-1);
    }

    Flushes flushes(int nsid) {
        for (Flushes some : flushes) {
            if (some.nsid() == nsid) {
                return some;
            }
        }
        Flushes added = new Flushes(nsid);
        flushes.add(added);
        return added;
    }

    // ---- the poller's duty cycle

    /** Takes what the device has completed. Returns how much that was. */
    @Override
    public int poll() {
        int work = 0;
        boolean idle = true;
        for (HostQueue queue : queues) {
            work += queue.poll();
            idle &= queue.inFlight() == 0;
        }
        // While nothing is in flight the poller may sleep between two cycles, and what comes next has the deadline that
        // is told
        // here.
        if (idle || ++cycles % CYCLES_PER_CLOCK_READ == 0) {
            checkDeadlines();
        }
        return work + flush(); // before the guests, who may take all slots that have become free
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
            if (isDead()) {
                some.fail(GuestStatus.FINAL);
            } else {
                submitted += some.doWork(queues);
            }
        }
        return submitted;
    }

    /** Submits what is due for all guests together, and tells the device of all that was submitted in this cycle. */
    @Override
    public int submit() {
        int submitted = flush();
        for (HostQueue queue : queues) {
            queue.ring();
        }
        return submitted;
    }

    @Override
    public void onAccessError(Predicate<InternalError> isDealtWith) {
        for (HostQueue queue : queues) {
            queue.onAccessError(isDealtWith);
        }
    }

    /** How many commands the device has. */
    @Override
    public int inFlight() {
        int sum = 0;
        for (HostQueue queue : queues) {
            sum += queue.inFlight();
        }
        return sum;
    }
}

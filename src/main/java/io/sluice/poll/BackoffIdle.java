package io.sluice.poll;

import io.sluice.linux.ThreadControl;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * Spins while work has just been seen, then yields the processor, then parks for longer and longer up to a bound.
 *
 * <pre>
 *   work ──▶ spin (spinNanos) ──▶ yield (yieldNanos) ──▶ park 50 us, 100 us, … maxParkNanos, maxParkNanos, …
 *     ▲                                                                    │
 *     └──────────────────────── any work, at any time ◀────────────────────┘
 * </pre>
 *
 * <p>The bound is the longest time for which a doorbell in shared memory can go unseen: nobody tells the thread of it. Work
 * that comes with a message unparks the thread.
 *
 * <p>What a park costs is the machine's doing: 35 to 60 us of CPU were seen in a virtual machine (docs/performance.md). A
 * thread that idles measures it, and where parks of maxParkNanos would take more than {@link #BUDGET_PERCENT} % of a core, they
 * become longer, up to {@link #MAX_STRETCH} times the bound; unless whoever chose the bound wants it kept ({@link #exact}).
 */
public final class BackoffIdle implements IdleStrategy {
    /** The shortest park: the kernel's timer slack makes a shorter one pointless. */
    static final long MIN_PARK_NANOS = 50_000;

    /** What an idle thread may take of a core, if longer parks can do that. */
    static final double BUDGET_PERCENT = 1.25;

    /** How many times longer than asked for parks may become. */
    static final int MAX_STRETCH = 3;

    private static final int SPINS_PER_CLOCK_READ = 16;
    private static final int PARKS_PER_MEASUREMENT = 64;
    private static final long DORMANT_PARK_NANOS = 250_000_000;

    private final long spinNanos;
    private final long yieldNanos;
    private final long maxParkNanos;
    private final long maxBoundNanos;
    private final LongSupplier clock;
    private final LongSupplier cpuClock;
    private final Parker parker;

    private boolean idling;
    private long idleSince;
    private long nextParkNanos;
    private long boundNanos;
    private int spins;
    private int measuredParks;
    private long cpuNanosBefore;

    /** How the thread sleeps; a test counts instead. */
    @FunctionalInterface
    interface Parker {
        void park(long nanos);
    }

    /**
     * A strategy with bounds of its own.
     *
     * @param spinNanos how long to spin after the last work, 0 or more
     * @param yieldNanos how long to yield after that, 0 or more
     * @param maxParkNanos the longest park, at least 50,000 ns
     */
    public BackoffIdle(long spinNanos, long yieldNanos, long maxParkNanos) {
        this(spinNanos, yieldNanos, maxParkNanos, MAX_STRETCH);
    }

    private BackoffIdle(long spinNanos, long yieldNanos, long maxParkNanos, int stretch) {
        this(
                spinNanos,
                yieldNanos,
                maxParkNanos,
                stretch,
                System::nanoTime,
                ThreadControl::cpuNanos,
                LockSupport::parkNanos);
    }

    BackoffIdle(
            long spinNanos,
            long yieldNanos,
            long maxParkNanos,
            int stretch,
            LongSupplier clock,
            LongSupplier cpuClock,
            Parker parker) {
        if (spinNanos < 0 || yieldNanos < 0 || maxParkNanos < MIN_PARK_NANOS) {
            throw new IllegalArgumentException("idle bounds must be spin >= 0, yield >= 0, park >= " + MIN_PARK_NANOS
                    + " ns, not " + spinNanos + ", " + yieldNanos + ", " + maxParkNanos);
        }
        this.spinNanos = spinNanos;
        this.yieldNanos = yieldNanos;
        this.maxParkNanos = maxParkNanos;
        this.maxBoundNanos = maxParkNanos * stretch;
        this.boundNanos = maxParkNanos;
        this.clock = clock;
        this.cpuClock = cpuClock;
        this.parker = parker;
    }

    /** The same, but no park is longer than the bound, whatever that costs. */
    public static BackoffIdle exact(long spinNanos, long yieldNanos, long maxParkNanos) {
        return new BackoffIdle(spinNanos, yieldNanos, maxParkNanos, 1);
    }

    /** The default: 20 us of spinning, 200 us of yielding, parks of 2 ms at most. */
    public static BackoffIdle standard() {
        return new BackoffIdle(20_000, 200_000, 2_000_000);
    }

    @Override
    public void idle(int work, long maxRestNanos) {
        if (work > 0) {
            idling = false;
        } else if (!idling) {
            begin();
        } else if (nextParkNanos > 0) {
            park(maxRestNanos);
        } else {
            spinOrYield();
        }
    }

    private void begin() {
        idling = true;
        idleSince = clock.getAsLong();
        nextParkNanos = 0;
        spins = 0;
        measuredParks = 0;
    }

    @SuppressWarnings(
            "ThreadPriorityCheck") // the yield is a courtesy to others on a full machine; nothing relies on it
    private void spinOrYield() {
        if (++spins % SPINS_PER_CLOCK_READ != 0) {
            Thread.onSpinWait();
            return;
        }
        long idleNanos = clock.getAsLong() - idleSince;
        if (idleNanos >= spinNanos + yieldNanos) {
            nextParkNanos = MIN_PARK_NANOS;
        } else if (idleNanos >= spinNanos) {
            spins = SPINS_PER_CLOCK_READ - 1; // a yield is long enough to read the clock after each
            Thread.yield();
        }
    }

    private void park(long maxRestNanos) {
        if (maxRestNanos < nextParkNanos) {
            parker.park(Math.max(maxRestNanos, 0));
            return; // says nothing about what parks cost, and the next one need not be any longer
        }
        parker.park(nextParkNanos);
        if (nextParkNanos >= maxParkNanos) {
            measure();
        }
        nextParkNanos = Math.min(nextParkNanos * 2, boundNanos);
    }

    /** Sets the bound by what the last parks have cost, the duty cycles between them included. */
    private void measure() {
        if (measuredParks == 0) {
            cpuNanosBefore = cpuClock.getAsLong();
        }
        if (measuredParks++ < PARKS_PER_MEASUREMENT) {
            return;
        }
        double cpuNanosPerPark = (double) (cpuClock.getAsLong() - cpuNanosBefore) / PARKS_PER_MEASUREMENT;
        long neededNanos = (long) (cpuNanosPerPark * 100 / BUDGET_PERCENT);
        boundNanos = Math.clamp(neededNanos, maxParkNanos, maxBoundNanos);
        measuredParks = 0;
    }

    @Override
    public boolean isParking() {
        return idling && nextParkNanos > 0;
    }

    @Override
    public void sleep() {
        parker.park(DORMANT_PARK_NANOS);
    }
}

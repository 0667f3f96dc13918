package io.sluice.controller;

import io.sluice.nvme.Feature;
import io.sluice.nvme.FeatureValue;
import java.util.Arrays;
import java.util.function.LongSupplier;

/**
 * Interrupts of I/O queues that wait for more completions: NVMe 1.4, 5.21.1.8 and 5.21.1.9. Belongs to the controller's agent.
 *
 * <pre>
 *   posted ──▶ THR reached, or one has failed, or CD is set ──────────────▶ signalled
 *      └─────▶ wait ──▶ TIME over, queue deleted, shutdown, feature set ──▶ signalled
 * </pre>
 *
 * <p>The threshold is of all completions of a vector, and its time begins with the first of them that waits. The admin queue's
 * are never kept waiting, and take along what waits on their vector. While it is off, nothing here reads a clock.
 *
 * <p>Only messages (MSI-X) are coalesced: the pin shows at any time whether there is anything to consume.
 */
final class InterruptCoalescing implements InterruptSink {
    private static final long NANOS_PER_MICRO = 1_000;

    private final InterruptSink target;
    private final Features features;
    private final LongSupplier clock;

    /** By vector: completions of which the guest has not been told. */
    private final int[] waiting;

    /** By vector: when it is to be told of them at the latest. */
    private final long[] deadlines;

    private int waitingVectors;

    /** The earliest of the deadlines, while there is any. */
    private long nextDeadline;

    /** Of the feature: completions that are worth an interrupt; 1 if it is off. */
    private int threshold = 1;

    private long delayNanos;

    /**
     * @param target raises interrupts
     * @param vectors how many there are
     * @param clock nanoseconds of any origin
     */
    InterruptCoalescing(InterruptSink target, int vectors, Features features, LongSupplier clock) {
        this.target = target;
        this.features = features;
        this.clock = clock;
        this.waiting = new int[vectors];
        this.deadlines = new long[vectors];
    }

    /** The features have been set: what waits was to wait by others. */
    void configured() {
        flush();
        int value = features.value(Feature.INTERRUPT_COALESCING);
        delayNanos = FeatureValue.coalescingMicros(value) * NANOS_PER_MICRO;
        threshold = delayNanos == 0 ? 1 : FeatureValue.coalescingThreshold(value);
    }

    /** The controller has been reset, and the features too: nobody is told of anything. */
    void reset() {
        Arrays.fill(waiting, 0);
        waitingVectors = 0;
        configured();
    }

    @Override
    public void completionsPosted(int vector) {
        if (waiting[vector] > 0) {
            waiting[vector] = 0;
            waitingVectors--;
        }
        target.completionsPosted(vector);
    }

    @Override
    public void completionsPosted(int vector, int count, boolean anyFailed) {
        // That failures are not coalesced is the specification's recommendation.
        if (anyFailed || waiting[vector] + count >= threshold || features.isCoalescingDisabled(vector)) {
            completionsPosted(vector);
            return;
        }
        if (waiting[vector] == 0) {
            deadlines[vector] = clock.getAsLong() + delayNanos;
            // All wait for the same time, so whoever began first is the first to end.
            nextDeadline = waitingVectors == 0 ? deadlines[vector] : nextDeadline;
            waitingVectors++;
        }
        waiting[vector] += count;
    }

    @Override
    public void queueDeleted(int vector) {
        if (waiting[vector] > 0) {
            completionsPosted(vector);
        }
    }

    /** Whether there are completions of which the guest has yet to be told. */
    boolean isWaiting() {
        return waitingVectors > 0;
    }

    /** Nanoseconds until the first of them is due; 0 or less if it is. */
    long nanosToDeadline() {
        return isWaiting() ? nextDeadline - clock.getAsLong() : Long.MAX_VALUE;
    }

    /** Tells the guest of what has waited long enough. Returns how many interrupts that took. */
    int signalDue() {
        if (!isWaiting()) {
            return 0;
        }
        long now = clock.getAsLong();
        return now - nextDeadline >= 0 ? signalUntil(now) : 0;
    }

    private int signalUntil(long now) {
        int signalled = 0;
        long next = delayNanos;
        for (int vector = 0; vector < waiting.length; vector++) {
            if (waiting[vector] > 0) {
                long left = deadlines[vector] - now;
                if (left <= 0) {
                    completionsPosted(vector);
                    signalled++;
                } else {
                    next = Math.min(next, left);
                }
            }
        }
        nextDeadline = now + next;
        return signalled;
    }

    /** Tells the guest of all that waits, now. */
    void flush() {
        for (int vector = 0; vector < waiting.length && waitingVectors > 0; vector++) {
            queueDeleted(vector);
        }
    }
}

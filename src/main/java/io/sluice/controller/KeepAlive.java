package io.sluice.controller;

import io.sluice.state.SnapshotReader;
import io.sluice.state.SnapshotWriter;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The Keep Alive timer: NVMe 1.4, 7.12 and 5.21.1.15. A host that has set it and is not heard of for that long is taken for
 * dead: the controller then fails. Belongs to the controller's agent.
 *
 * <p>While it is off, which it is until a host sets it, no clock is read; while it is on, in one of several duty cycles, and
 * whenever the agent's thread is about to rest.
 */
final class KeepAlive {
    /** Identify Controller KAS: in units of 100 ms. */
    static final int GRANULARITY_UNITS = 1;

    private static final int GRANULARITY_MILLIS = GRANULARITY_UNITS * 100;

    /** The longest timeout that, rounded up, the feature has bits for. */
    private static final long MAX_MILLIS = 0xffff_ffffL / GRANULARITY_MILLIS * GRANULARITY_MILLIS;

    private static final int CYCLES_PER_LOOK = 8;

    private final LongSupplier clock;
    private long timeoutMillis;
    private long deadline;
    private int cycles;

    /** Whether the time is known to have come. */
    private boolean due;

    /** @param clock in nanoseconds, of any origin */
    KeepAlive(LongSupplier clock) {
        this.clock = clock;
    }

    /** Off, as after each reset of the controller. */
    void reset() {
        timeoutMillis = 0;
        due = false;
    }

    void save(SnapshotWriter out) {
        out.put(timeoutMillis);
    }

    /** The host has all of its time again: what it has sent meanwhile nobody has seen. */
    void resume(SnapshotReader in) {
        timeoutMillis = in.getLong();
        restart();
    }

    /** Whether a timeout can be set. */
    static boolean isValid(long millis) {
        return millis <= MAX_MILLIS;
    }

    /**
     * Sets the timeout, and begins.
     *
     * @param millis a {@link #isValid} one, which is rounded up to the granularity; 0 switches it off
     */
    void set(long millis) {
        timeoutMillis = Math.ceilDiv(millis, GRANULARITY_MILLIS) * GRANULARITY_MILLIS;
        restart();
    }

    /** The timeout in force, in milliseconds; 0 if it is off. */
    long timeoutMillis() {
        return timeoutMillis;
    }

    /** The host has been heard of. */
    void restart() {
        due = false;
        if (isOn()) {
            deadline = clock.getAsLong() + TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
        }
    }

    boolean isOn() {
        return timeoutMillis > 0;
    }

    /** Nanoseconds until it expires, 0 or less if it has; {@link Long#MAX_VALUE} if it is off. */
    long nanosToDeadline() {
        if (!isOn()) {
            return Long.MAX_VALUE;
        }
        long nanos = deadline - clock.getAsLong();
        due = nanos <= 0;
        return nanos;
    }

    /** Whether the host has not been heard of for too long. Called once a duty cycle; may say so some cycles late. */
    boolean hasExpired() {
        if (!isOn()) {
            return false;
        }
        return due || (++cycles % CYCLES_PER_LOOK == 0 && nanosToDeadline() <= 0);
    }
}

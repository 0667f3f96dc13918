package io.sluice.bench;

/**
 * When a run measures, and whether it is to stop early. Shared by all its threads.
 *
 * <pre>
 *   start ──── warm-up ────▶ measureFrom ──── measured ────▶ measureUntil ──▶ commands end, read-back ──▶ done
 *                                                ▲ stop: measureUntil = now
 * </pre>
 */
final class Timeline {
    private final long measureFromNanos;
    private volatile long measureUntilNanos;
    private volatile boolean stopped;

    /** @param startNanos by {@link System#nanoTime} */
    Timeline(long startNanos, long warmUpNanos, long measuredNanos) {
        measureFromNanos = startNanos + warmUpNanos;
        measureUntilNanos = measureFromNanos + measuredNanos;
    }

    boolean isOver(long now) {
        return now - measureUntilNanos >= 0;
    }

    /** Whether a command that ended now counts. */
    boolean isMeasured(long now) {
        return now - measureFromNanos >= 0 && !isOver(now);
    }

    /** Ends the measurement now, for good: no read-back either. Idempotent, from any thread. */
    synchronized void stop(long now) {
        if (!stopped) {
            stopped = true;
            if (!isOver(now)) {
                measureUntilNanos = now;
            }
        }
    }

    boolean isStopped() {
        return stopped;
    }

    /** How long has been measured by now, 0 or more. */
    long measuredNanos(long now) {
        long until = isOver(now) ? measureUntilNanos : now;
        return Math.max(0, until - measureFromNanos);
    }
}

package io.sluice.bench;

import org.HdrHistogram.Histogram;

/** What one queue measured of its reads, or of its writes. Adding allocates nothing. */
final class Direction {
    /** Latencies are kept exact to three digits from 1 ns up to this; longer ones count as this: 100 s. */
    static final long LONGEST_NANOS = 100_000_000_000L;

    static final int DIGITS = 3;

    private final Histogram latencies = newHistogram();

    static Histogram newHistogram() {
        return new Histogram(1, LONGEST_NANOS, DIGITS);
    }

    /** A command ended well after so many nanoseconds. */
    void add(long nanos) {
        latencies.recordValue(Math.min(Math.max(nanos, 0), LONGEST_NANOS));
    }

    Histogram latencies() {
        return latencies;
    }
}

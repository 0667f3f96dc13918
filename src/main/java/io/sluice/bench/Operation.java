package io.sluice.bench;

import java.util.Locale;

/** What a load does, and in which order it goes over the blocks. */
public enum Operation {
    /** Reads, one block after the other. */
    READ(100, false),
    /** Writes, one block after the other. */
    WRITE(0, false),
    /** Reads anywhere. */
    RANDREAD(100, true),
    /** Writes anywhere. */
    RANDWRITE(0, true),
    /** Reads and writes anywhere. */
    RANDRW(50, true);

    private final int defaultReadPercent;
    private final boolean random;

    Operation(int defaultReadPercent, boolean random) {
        this.defaultReadPercent = defaultReadPercent;
        this.random = random;
    }

    /** How many of a hundred commands are reads, unless chosen otherwise. */
    public int defaultReadPercent() {
        return defaultReadPercent;
    }

    public boolean isRandom() {
        return random;
    }

    /** Whether it writes at all. */
    public boolean writes() {
        return defaultReadPercent < 100;
    }

    /** The name in options and results: "randread". */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}

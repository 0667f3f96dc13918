package io.sluice.bench;

import java.util.BitSet;

/**
 * What a verifying run knows of each unit of its span: how often it has been written, and whether a command for it is in
 * flight, since of two writes in flight, or a read beside a write, nobody can tell which came first.
 */
final class Ledger {
    /** The most units that a run's ledgers keep, all together: 64 MiB. */
    static final long MAX_UNITS = 1 << 24;

    /** A write failed, so either contents may be there. */
    private static final int UNKNOWN = -1;

    private final int[] generations;
    private final BitSet busy;

    Ledger(long units) {
        generations = new int[(int) units];
        busy = new BitSet((int) units);
    }

    int units() {
        return generations.length;
    }

    boolean isBusy(int unit) {
        return busy.get(unit);
    }

    /** Marks a unit as having a command in flight. */
    void begin(int unit) {
        busy.set(unit);
    }

    /** The command for a unit has ended. */
    void end(int unit) {
        busy.clear(unit);
    }

    /** The generation that a read must find, or {@link Pattern#ANY_GENERATION} where this run does not know. */
    long expected(int unit) {
        return Math.max(generations[unit], Pattern.ANY_GENERATION);
    }

    /** Whether this run has written the unit and knows what is there. */
    boolean isKnown(int unit) {
        return generations[unit] > 0;
    }

    /** The generation of the next write, 1 or more. */
    int nextGeneration(int unit) {
        return generations[unit] == UNKNOWN ? 1 : generations[unit] + 1;
    }

    void written(int unit, int generation) {
        generations[unit] = generation;
    }

    void writeFailed(int unit) {
        generations[unit] = UNKNOWN;
    }
}

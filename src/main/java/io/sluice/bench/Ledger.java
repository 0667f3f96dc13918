package io.sluice.bench;

import java.util.BitSet;

/**
 * What a verifying run knows of each unit of its span: how often it has been written, and whether a command for it is in
 * flight, since of two writes in flight, or a read beside a write, nobody can tell which came first.
 *
 * <p>A write that failed, because the controller was reset meanwhile for example, may have been done or not, but never half of
 * a logical block (AWUPF, NVMe 1.4, 6.4: it also holds for errors). So a read must find one of a few generations:
 *
 * <pre>
 *   generation   1  2  3  4  5        writes 4 and 5 failed: doubts = 2
 *                      '-----'        oldest = 3, newest = 5
 * </pre>
 */
final class Ledger {
    /** The most units that a run's ledgers keep, all together: 80 MiB. */
    static final long MAX_UNITS = 1 << 24;

    /** So many or more failed in a row: nothing is known any more. */
    private static final int MAX_DOUBTS = Byte.MAX_VALUE;

    /** Of the last write that was begun and has ended, well or not. */
    private final int[] newest;
    /** How many of the last writes have failed. */
    private final byte[] doubts;

    private final BitSet busy;

    Ledger(long units) {
        newest = new int[(int) units];
        doubts = new byte[(int) units];
        busy = new BitSet((int) units);
    }

    int units() {
        return newest.length;
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

    /** The newest generation that a read may find; 0 if this run has not written the unit. */
    int newest(int unit) {
        return newest[unit];
    }

    /** The oldest one that it may find, or {@link Pattern#ANY_GENERATION} where that is from before this run, or not known. */
    int oldest(int unit) {
        return doubts[unit] == MAX_DOUBTS ? (int) Pattern.ANY_GENERATION : newest[unit] - doubts[unit];
    }

    /** Whether this run has written the unit and knows what may be there. */
    boolean isKnown(int unit) {
        return oldest(unit) != Pattern.ANY_GENERATION;
    }

    /** The generation of the next write, 1 or more. */
    int nextGeneration(int unit) {
        return newest[unit] + 1;
    }

    /** The write of {@link #nextGeneration} was done. */
    void written(int unit) {
        newest[unit]++;
        doubts[unit] = 0;
    }

    /** It failed, so that it may have been done, in each block by itself, or not. */
    void writeFailed(int unit) {
        newest[unit]++;
        if (doubts[unit] < MAX_DOUBTS) {
            doubts[unit]++;
        }
    }
}

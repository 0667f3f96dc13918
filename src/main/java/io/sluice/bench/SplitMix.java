package io.sluice.bench;

/**
 * The SplitMix64 generator (Steele, Lea, Flood, 2014): one addition and three multiplications a number, which is less than
 * a command costs by far.
 */
final class SplitMix {
    private static final long STEP = 0x9e37_79b9_7f4a_7c15L;
    private long state;

    SplitMix(long seed) {
        state = seed;
    }

    /** A number of 64 random bits. */
    long next() {
        state += STEP;
        return mix(state);
    }

    /** A number from 0 to {@code bound} - 1; the bound is 1 or more. */
    long nextBelow(long bound) {
        return Math.unsignedMultiplyHigh(next(), bound);
    }

    /** Spreads each bit over all others; a bijection. */
    static long mix(long value) {
        long mixed = (value ^ (value >>> 30)) * 0xbf58_476d_1ce4_e5b9L;
        mixed = (mixed ^ (mixed >>> 27)) * 0x94d0_49bb_1331_11ebL;
        return mixed ^ (mixed >>> 31);
    }
}

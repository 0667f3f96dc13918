package io.sluice.mem;

/**
 * Bit fields of a word, named as specifications name them: highest bit first, both ends included ("bits 19:16").
 *
 * <p>The only place that shifts and masks; codecs name their fields through it. Every method is small enough to be
 * inlined with constant bounds, so that a field costs a shift and a mask.
 */
public final class Bits {
    private Bits() {}

    /**
     * The unsigned value of bits {@code high:low} of a 64-bit word.
     *
     * @param high highest bit, 0 to 63
     * @param low lowest bit, 0 to {@code high}
     */
    public static long get(long word, int high, int low) {
        return (word >>> low) & mask(high - low + 1);
    }

    /**
     * The unsigned value of bits {@code high:low} of a 32-bit word; a field of all 32 bits keeps its bit pattern.
     *
     * @param high highest bit, 0 to 31
     * @param low lowest bit, 0 to {@code high}
     */
    public static int get(int word, int high, int low) {
        return (word >>> low) & (int) mask(high - low + 1);
    }

    /** Whether bit {@code bit} (0 to 63) of a 64-bit word is set. */
    public static boolean isSet(long word, int bit) {
        return ((word >>> bit) & 1) != 0;
    }

    /** Whether bit {@code bit} (0 to 31) of a 32-bit word is set. */
    public static boolean isSet(int word, int bit) {
        return ((word >>> bit) & 1) != 0;
    }

    /**
     * A copy of a 64-bit word with bits {@code high:low} replaced.
     *
     * @throws IllegalArgumentException if the value, taken as unsigned, does not fit the field
     */
    public static long with(long word, int high, int low, long value) {
        long mask = mask(high - low + 1);
        if ((value & ~mask) != 0) {
            throw doesNotFit(value, high, low);
        }
        return (word & ~(mask << low)) | (value << low);
    }

    /**
     * A copy of a 32-bit word with bits {@code high:low} replaced.
     *
     * @throws IllegalArgumentException if the value, taken as unsigned, does not fit the field
     */
    public static int with(int word, int high, int low, int value) {
        int mask = (int) mask(high - low + 1);
        if ((value & ~mask) != 0) {
            throw doesNotFit(Integer.toUnsignedLong(value), high, low);
        }
        return (word & ~(mask << low)) | (value << low);
    }

    /** A copy of a 64-bit word with one bit set or cleared. */
    public static long with(long word, int bit, boolean value) {
        return with(word, bit, bit, value ? 1L : 0L);
    }

    /** A copy of a 32-bit word with one bit set or cleared. */
    public static int with(int word, int bit, boolean value) {
        return with(word, bit, bit, value ? 1 : 0);
    }

    /** A word whose lowest {@code width} bits (1 to 64) are set. */
    private static long mask(int width) {
        return -1L >>> (Long.SIZE - width);
    }

    private static IllegalArgumentException doesNotFit(long value, int high, int low) {
        return new IllegalArgumentException(
                "value 0x" + Long.toHexString(value) + " does not fit bits " + high + ":" + low + " of a word");
    }
}

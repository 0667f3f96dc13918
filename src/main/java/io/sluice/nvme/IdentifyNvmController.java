package io.sluice.nvme;

/**
 * What a controller says of the NVM command set alone: NVM Command Set 1.0, 4.1.5.4, "I/O Command Set specific Identify
 * Controller Data Structure" ({@link Cns#NVM_CONTROLLER}). Each limit is 0 where there is none.
 */
public final class IdentifyNvmController {
    /** Verify size limit, a power of two of the smallest memory pages. */
    public static final Field VSL = new Field("VSL", 0, 1);
    /** Write Zeroes size limit, a power of two of the smallest memory pages. */
    public static final Field WZSL = new Field("WZSL", 1, 1);
    /** Write Uncorrectable size limit, a power of two of the smallest memory pages. */
    public static final Field WUSL = new Field("WUSL", 2, 1);
    /** Dataset Management ranges limit: how many ranges in a command. */
    public static final Field DMRL = new Field("DMRL", 3, 1);
    /** Dataset Management range size limit: blocks of one range. */
    public static final Field DMRSL = new Field("DMRSL", 4, 4);
    /** Dataset Management size limit: blocks of all ranges of a command. */
    public static final Field DMSL = new Field("DMSL", 8, 8);

    private IdentifyNvmController() {}

    /**
     * {@link #VSL}, {@link #WZSL} or {@link #WUSL} decoded.
     *
     * @param page the answer
     * @param limit the field
     * @param minPageBytes {@link Cap#minPageBytes}
     * @return the longest such command in bytes, or {@link Long#MAX_VALUE} if there is no limit
     */
    public static long maxBytes(long page, Field limit, int minPageBytes) {
        int exponent = limit.getInt(page);
        int pageShift = Integer.numberOfTrailingZeros(minPageBytes);
        return exponent == 0 || exponent + pageShift >= Long.SIZE - 1 ? Long.MAX_VALUE : 1L << (exponent + pageShift);
    }
}

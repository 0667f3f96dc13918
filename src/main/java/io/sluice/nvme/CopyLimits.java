package io.sluice.nvme;

/**
 * The most that one Copy command may copy in a namespace: NVM Command Set 1.0, figure 97 (Identify Namespace). All 0 where it takes none.
 *
 * @param ranges MSRC decoded, 1 to 256: source ranges
 * @param rangeBlocks MSSRL, 1 to 65535: blocks of one source range
 * @param blocks MCL, 1 to 2^31 - 1: blocks of all ranges
 */
public record CopyLimits(int ranges, int rangeBlocks, int blocks) {
    /** Of a namespace that takes no Copy. */
    public static final CopyLimits NONE = new CopyLimits(0, 0, 0);

    /** Whether there is anything that may be copied. */
    public boolean isAny() {
        return ranges > 0 && rangeBlocks > 0 && blocks > 0;
    }

    /**
     * What a namespace says.
     *
     * @param page address of a private copy of Identify Namespace
     */
    public static CopyLimits of(long page) {
        return new CopyLimits(IdentifyNamespace.MSRC.getInt(page) + 1, IdentifyNamespace.MSSRL.getInt(page), (int)
                Math.min(IdentifyNamespace.MCL.get(page), Integer.MAX_VALUE));
    }

    /** Stores them, where there are any. */
    public void write(long page) {
        if (isAny()) {
            IdentifyNamespace.MSRC.set(page, ranges - 1L);
            IdentifyNamespace.MSSRL.set(page, rangeBlocks);
            IdentifyNamespace.MCL.set(page, blocks);
        }
    }

    /** The same with no more source ranges than that. */
    public CopyLimits withRanges(int most) {
        return new CopyLimits(Math.min(ranges, most), rangeBlocks, blocks);
    }
}

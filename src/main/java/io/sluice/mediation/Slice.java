package io.sluice.mediation;

/**
 * The part of a device's namespace that a volume is: what its guest sees as blocks 0 to {@code blockCount - 1}.
 *
 * @param hostNsid the device's namespace
 * @param firstLba where the slice begins in it, in logical blocks
 * @param blockCount its size in logical blocks, 1 or more
 * @param blockBytes size of a logical block in bytes, the same for device and guest
 */
public record Slice(int hostNsid, long firstLba, long blockCount, int blockBytes) {
    /** Returned by {@link #toHost} for blocks that are not the slice's. */
    static final long OUTSIDE = -1;

    public Slice {
        if (hostNsid < 1 || firstLba < 0 || blockCount < 1 || firstLba > Long.MAX_VALUE - blockCount) {
            throw new IllegalArgumentException("no slice of namespace " + hostNsid + " from block "
                    + Long.toUnsignedString(firstLba) + " on has " + Long.toUnsignedString(blockCount) + " blocks");
        }
    }

    /**
     * Shifts a range of blocks into the device. The controller has checked it against the namespace already; this is the
     * check of that check, the last one before the device.
     *
     * @param slba the guest's first block, any 64-bit value
     * @param blocks how many, 0 or more
     * @return the device's first block, or {@link #OUTSIDE}
     */
    long toHost(long slba, long blocks) {
        // No sum is formed before it is known not to wrap.
        return slba >= 0 && slba <= blockCount - blocks ? firstLba + slba : OUTSIDE;
    }

    /** Whether two slices share a block. */
    public boolean overlaps(Slice other) {
        return hostNsid == other.hostNsid
                && firstLba < other.firstLba + other.blockCount
                && other.firstLba < firstLba + blockCount;
    }
}

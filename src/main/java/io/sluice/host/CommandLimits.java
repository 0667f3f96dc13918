package io.sluice.host;

import io.sluice.nvme.NvmOpcode;

/**
 * The most that a controller takes with one command of those that MDTS says nothing about: NVM Command Set 1.0, figure 100
 * (Identify, CNS 06h, NVM command set). Where it gives no limit, there is none: as large as the field's type.
 *
 * @param verifyBytes VSL decoded
 * @param writeZeroesBytes WZSL decoded
 * @param writeUncorrectableBytes WUSL decoded
 * @param ranges DMRL: the ranges of a Dataset Management command
 * @param rangeBlocks DMRSL: the blocks of one range
 * @param allRangesBlocks DMSL: the blocks of all ranges
 */
public record CommandLimits(
        long verifyBytes,
        long writeZeroesBytes,
        long writeUncorrectableBytes,
        int ranges,
        long rangeBlocks,
        long allRangesBlocks) {
    /** Of a controller that says nothing of limits. */
    public static final CommandLimits NONE = new CommandLimits(
            Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE, Integer.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE);

    /** The longest command of an opcode that addresses blocks without moving data, in bytes. */
    public long bytes(int opcode) {
        return switch (opcode) {
            case NvmOpcode.VERIFY -> verifyBytes;
            case NvmOpcode.WRITE_ZEROES -> writeZeroesBytes;
            case NvmOpcode.WRITE_UNCORRECTABLE -> writeUncorrectableBytes;
            default -> Long.MAX_VALUE;
        };
    }

    /**
     * Whether a Dataset Management command is inside of the limits.
     *
     * @param count of ranges
     * @param longest blocks of the longest range
     * @param blocks of all of them
     */
    public boolean permitsRanges(int count, long longest, long blocks) {
        return count <= ranges && longest <= rangeBlocks && blocks <= allRangesBlocks;
    }
}

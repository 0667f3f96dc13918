package io.sluice.storage;

import io.sluice.controller.IoCommand;
import io.sluice.nvme.CopyLimits;

/** The most that one Copy copies: the same in memory and in files. */
final class Copies {
    private static final int MAX_RANGE_BLOCKS = 65_535;
    /** Some steps, so that nobody waits long who deletes its queue. */
    private static final int MAX_BYTES = 64 << 20;

    private Copies() {}

    /** @param blockShift the exponent of the block size */
    static CopyLimits limits(int blockShift) {
        int maxBlocks = MAX_BYTES >> blockShift;
        return new CopyLimits(IoCommand.MAX_COPY_RANGES, Math.min(MAX_RANGE_BLOCKS, maxBlocks), maxBlocks);
    }
}

package io.sluice.controller;

import io.sluice.nvme.CopyLimits;
import io.sluice.nvme.IdentifyNamespace;

/**
 * How a namespace likes to be used, for Identify Namespace: NVMe 1.4, 5.15.2.2. Counts of logical blocks, 0 where there is
 * nothing to say.
 *
 * @param deallocation DLFEAT: what deallocated blocks read as
 * @param optimalBoundaryBlocks NOIOB, 0 to 65535
 * @param writeGranularityBlocks NPWG, 0 to 65536, as the next four
 * @param writeAlignmentBlocks NPWA
 * @param deallocateGranularityBlocks NPDG
 * @param deallocateAlignmentBlocks NPDA
 * @param optimalWriteBlocks NOWS
 * @param copy the most that one Copy may copy, where the path offers it
 */
public record NamespaceTraits(
        int deallocation,
        int optimalBoundaryBlocks,
        int writeGranularityBlocks,
        int writeAlignmentBlocks,
        int deallocateGranularityBlocks,
        int deallocateAlignmentBlocks,
        int optimalWriteBlocks,
        CopyLimits copy) {
    /** Memory: no block is better than another, and what is deallocated reads as zeroes. */
    public static final NamespaceTraits OF_MEMORY = new NamespaceTraits(
            IdentifyNamespace.DLFEAT_READS_ZEROES | IdentifyNamespace.DLFEAT_WRITE_ZEROES_DEALLOCATES,
            0,
            0,
            0,
            0,
            0,
            0,
            CopyLimits.NONE);

    /** The same, and so much may be copied with one command. */
    public NamespaceTraits withCopy(CopyLimits limits) {
        return new NamespaceTraits(
                deallocation,
                optimalBoundaryBlocks,
                writeGranularityBlocks,
                writeAlignmentBlocks,
                deallocateGranularityBlocks,
                deallocateAlignmentBlocks,
                optimalWriteBlocks,
                limits);
    }

    void write(long target) {
        copy.write(target);
        IdentifyNamespace.DLFEAT.set(target, deallocation);
        IdentifyNamespace.NOIOB.set(target, optimalBoundaryBlocks);
        if (writeGranularityBlocks > 0) {
            IdentifyNamespace.NSFEAT.set(target, IdentifyNamespace.NSFEAT_OPTIMAL_IO);
            IdentifyNamespace.NPWG.set(target, zeroBased(writeGranularityBlocks));
            IdentifyNamespace.NPWA.set(target, zeroBased(writeAlignmentBlocks));
            IdentifyNamespace.NPDG.set(target, zeroBased(deallocateGranularityBlocks));
            IdentifyNamespace.NPDA.set(target, zeroBased(deallocateAlignmentBlocks));
            IdentifyNamespace.NOWS.set(target, zeroBased(optimalWriteBlocks));
        }
    }

    private static int zeroBased(int count) {
        return Math.max(count - 1, 0);
    }
}

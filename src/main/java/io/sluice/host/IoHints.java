package io.sluice.host;

import io.sluice.nvme.CopyLimits;
import io.sluice.nvme.IdentifyNamespace;

/**
 * How a namespace likes to be written: NVMe 1.4, 5.15.2.2 and 8.25. All but DLFEAT are counts of logical blocks.
 *
 * @param optimalBoundaryBlocks NOIOB: a command had better not cross a multiple of this; 0 for none
 * @param writeGranularityBlocks NPWG decoded: writes had better be multiples of this; 0 where it does not say, as in the next four
 * @param writeAlignmentBlocks NPWA decoded: and begin at multiples of this
 * @param deallocateGranularityBlocks NPDG decoded: the same for Dataset Management
 * @param deallocateAlignmentBlocks NPDA decoded
 * @param optimalWriteBlocks NOWS decoded: writes had better be as long as this, or a multiple
 * @param deallocation DLFEAT: what deallocated blocks read as; bits as in {@link IdentifyNamespace}
 * @param atomicWriteBlocks NAWUN decoded: longer writes may be mixed with others; 0 where the controller's AWUN holds
 * @param atomicWritePowerFailBlocks NAWUPF decoded: longer writes may be torn by a power failure; 0 where AWUPF holds
 * @param copy what it takes with one Copy, if its controller takes any
 */
public record IoHints(
        int optimalBoundaryBlocks,
        int writeGranularityBlocks,
        int writeAlignmentBlocks,
        int deallocateGranularityBlocks,
        int deallocateAlignmentBlocks,
        int optimalWriteBlocks,
        int deallocation,
        int atomicWriteBlocks,
        int atomicWritePowerFailBlocks,
        CopyLimits copy) {
    /** Of a namespace that says nothing. */
    public static final IoHints NONE = new IoHints(0, 0, 0, 0, 0, 0, 0, 0, 0, CopyLimits.NONE);

    /** @param page address of a private copy of Identify Namespace */
    static IoHints of(long page) {
        boolean optimal = IdentifyNamespace.NSFEAT.has(page, IdentifyNamespace.NSFEAT_OPTIMAL_IO);
        boolean atomic = IdentifyNamespace.NSFEAT.has(page, IdentifyNamespace.NSFEAT_OWN_ATOMICITY);
        return new IoHints(
                IdentifyNamespace.NOIOB.getInt(page),
                optimal ? IdentifyNamespace.NPWG.getInt(page) + 1 : 0,
                optimal ? IdentifyNamespace.NPWA.getInt(page) + 1 : 0,
                optimal ? IdentifyNamespace.NPDG.getInt(page) + 1 : 0,
                optimal ? IdentifyNamespace.NPDA.getInt(page) + 1 : 0,
                optimal ? IdentifyNamespace.NOWS.getInt(page) + 1 : 0,
                IdentifyNamespace.DLFEAT.getInt(page),
                atomic ? IdentifyNamespace.NAWUN.getInt(page) + 1 : 0,
                atomic ? IdentifyNamespace.NAWUPF.getInt(page) + 1 : 0,
                CopyLimits.of(page));
    }
}

package io.sluice.host;

import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;

/** The commands of the NVM command set (NVMe 1.4, section 6) as a {@link QueuePair} submits them. */
abstract sealed class NvmSubmissions permits QueuePair {
    /**
     * Submits a Read of logical blocks into memory.
     *
     * @param slba first block
     * @param blockCount 1 to 65536
     * @param iova where the data goes: contiguous for the device, a multiple of 4
     * @param bytes length of the data, {@code blockCount} blocks; at most {@link QueuePair#maxTransferBytes}
     * @param token comes back with the completion
     * @return false if all slots are outstanding: poll first
     */
    public boolean read(int nsid, long slba, int blockCount, long iova, int bytes, long token) {
        return transfer(NvmOpcode.READ, nsid, slba, blockCount, iova, bytes, token);
    }

    /** Submits a Write; parameters as for {@link #read}. */
    public boolean write(int nsid, long slba, int blockCount, long iova, int bytes, long token) {
        return transfer(NvmOpcode.WRITE, nsid, slba, blockCount, iova, bytes, token);
    }

    /** Submits a Write that completes only once it is on non-volatile media (FUA); parameters as for {@link #read}. */
    public boolean writeThrough(int nsid, long slba, int blockCount, long iova, int bytes, long token) {
        long sqe = beginTransfer(NvmOpcode.WRITE, nsid, slba, blockCount, iova, bytes);
        if (sqe == 0) {
            return false;
        }
        Sqe.setForceUnitAccess(sqe, true);
        commit(token);
        return true;
    }

    /** Submits a Compare with memory, as {@link #read}; {@code Status.COMPARE_FAILURE} where they differ. Optional: see ONCS. */
    public boolean compare(int nsid, long slba, int blockCount, long iova, int bytes, long token) {
        return transfer(NvmOpcode.COMPARE, nsid, slba, blockCount, iova, bytes, token);
    }

    private boolean transfer(int opcode, int nsid, long slba, int blockCount, long iova, int bytes, long token) {
        if (beginTransfer(opcode, nsid, slba, blockCount, iova, bytes) == 0) {
            return false;
        }
        commit(token);
        return true;
    }

    private long beginTransfer(int opcode, int nsid, long slba, int blockCount, long iova, int bytes) {
        long sqe = begin(opcode, nsid);
        if (sqe == 0) {
            return 0;
        }
        setData(sqe, iova, bytes);
        Sqe.setTransfer(sqe, slba, blockCount, false);
        return sqe;
    }

    /**
     * Submits a Flush: writes that completed before it are on non-volatile media when it completes. False as for {@link #read}.
     */
    public boolean flush(int nsid, long token) {
        if (begin(NvmOpcode.FLUSH, nsid) == 0) {
            return false;
        }
        commit(token);
        return true;
    }

    /**
     * Submits a Write Zeroes.
     *
     * @param blockCount 1 to 65536
     * @param deallocate whether the device may deallocate the blocks instead of writing them
     * @return false if all slots are outstanding
     */
    public boolean writeZeroes(int nsid, long slba, int blockCount, boolean deallocate, long token) {
        long sqe = begin(NvmOpcode.WRITE_ZEROES, nsid);
        if (sqe == 0) {
            return false;
        }
        Sqe.setSlba(sqe, slba);
        Sqe.setBlockCount(sqe, blockCount);
        Sqe.setDeallocate(sqe, deallocate);
        commit(token);
        return true;
    }

    /**
     * Submits a Dataset Management that deallocates ranges.
     *
     * @param rangesIova address of the {@code io.sluice.nvme.DsmRange}s, contiguous for the device
     * @param rangeCount 1 to 256
     * @return false if all slots are outstanding
     */
    public boolean deallocate(int nsid, long rangesIova, int rangeCount, long token) {
        long sqe = begin(NvmOpcode.DATASET_MANAGEMENT, nsid);
        if (sqe == 0) {
            return false;
        }
        setData(sqe, rangesIova, rangeCount * DsmRange.BYTES);
        Sqe.setDsm(sqe, rangeCount, Sqe.DSM_DEALLOCATE);
        commit(token);
        return true;
    }

    /** See {@link QueuePair#begin}. */
    public abstract long begin(int opcode, int nsid);

    /** See {@link QueuePair#setData}. */
    public abstract void setData(long sqe, long iova, int bytes);

    /** See {@link QueuePair#commit}. */
    public abstract void commit(long token);
}

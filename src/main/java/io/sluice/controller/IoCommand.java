package io.sluice.controller;

import io.sluice.mem.Bits;
import io.sluice.nvme.CopyRange;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Pieces;

/**
 * One I/O command on its way through the controller: a slot, used again and again, that an {@link IoPath} gets decoded and
 * checked. Belongs to the controller's agent.
 *
 * <pre>
 *   free ──fetch──▶ taken ──gate──▶ submitted ──▶ done at once ─────────────────▶ free
 *                                      └────────▶ pending ──complete(status)──▶ free
 * </pre>
 */
public final class IoCommand {
    /** Room for the ranges of one Dataset Management command, 256 of 16 bytes, or of one Copy, 128 of 32. */
    static final int RANGES_BYTES = 4096;

    /** The most source ranges of one Copy that it has room for: what a path's traits may say at most. */
    public static final int MAX_COPY_RANGES = RANGES_BYTES / CopyRange.BYTES;

    /** In the progress that outlives this process. */
    private static final int COMPARED_BIT = 63;

    private final IoQueues owner;
    private final long sqeAddress;
    private final long rangesAddress;
    private final SlotRecord record;
    private final Pieces pieces;

    private VirtualSubmissionQueue queue;

    /** Of two fused commands that are pending: the other one. */
    private IoCommand companion;

    private boolean pending;
    private boolean dropped;
    private boolean inGuestMemory;
    private long epoch;

    /** Where it is {@link StagedCommands}'; else null. */
    private StagedCommand staged;

    private int guestCid;
    private int opcode;
    private int nsid;
    private long slba;
    private int blockCount;
    private long byteCount;
    private int rangeCount;
    private boolean forceUnitAccess;
    private boolean deallocate;

    /** Dword 0 of its completion. */
    private int result;

    /** A path's own word of progress in a pending command; 0 when submitted. */
    private long progress;

    private boolean compared;

    IoCommand(IoQueues owner, long sqeAddress, long rangesAddress, SlotRecord record, int maxPieces) {
        this.owner = owner;
        this.sqeAddress = sqeAddress;
        this.rangesAddress = rangesAddress;
        this.record = record;
        this.pieces = new Pieces(maxPieces);
    }

    /** The guest's completion queue that it will be answered in, 1 to 64. */
    public int cqid() {
        return queue.completionQueue().qid();
    }

    /** The opcode: one of {@link io.sluice.nvme.NvmOpcode} that the controller offers. */
    public int opcode() {
        return opcode;
    }

    /** The namespace; for a Flush possibly {@link io.sluice.nvme.Sqe#NSID_ALL}. */
    public int nsid() {
        return nsid;
    }

    /** First logical block, of a Copy the first that is written; the whole range is inside the namespace. */
    public long slba() {
        return slba;
    }

    /** Number of logical blocks, 1 to 65536; of a Copy, of all its ranges, 1 to 2^31 - 1. */
    public int blockCount() {
        return blockCount;
    }

    /** The blocks' size in bytes; for Dataset Management, that of all blocks to be deallocated, less than 2^52. */
    public long byteCount() {
        return byteCount;
    }

    /** Whether it must be on non-volatile media when it completes. */
    public boolean forceUnitAccess() {
        return forceUnitAccess;
    }

    /** Write Zeroes: whether the blocks may be deallocated. Dataset Management: whether its ranges are to be. */
    public boolean deallocate() {
        return deallocate;
    }

    /** The data's memory, {@link #byteCount} bytes in all, in order, as {@link IoPath#dataView} sees it; for Read, Write and Compare only. */
    public Pieces pieces() {
        return pieces;
    }

    /** Dataset Management and Copy: how many ranges there are. */
    public int rangeCount() {
        return rangeCount;
    }

    /** Dataset Management and Copy: host address of our copy of the ranges, which all lie inside the namespace. */
    public long rangesAddress() {
        return rangesAddress;
    }

    /** Host address of our copy of the whole entry, 64 bytes. */
    public long sqeAddress() {
        return sqeAddress;
    }

    /**
     * The path's own note on a pending command: 0 when it is submitted, then what the path last set. It outlives this process: a
     * command that comes to a path again, after that, has it still.
     */
    public long progress() {
        return progress;
    }

    /**
     * Notes what {@link #progress} then is.
     *
     * @param newProgress 0 or more
     */
    public void setProgress(long newProgress) {
        progress = newProgress;
        record.setProgress(Bits.with(newProgress, COMPARED_BIT, compared));
    }

    /**
     * Of the first of two fused commands, says that its blocks are as compared: from now on the second may write them. From the path's
     * own threads too, while they have the command.
     */
    public void setCompared() {
        compared = true;
        setProgress(progress);
    }

    /** Whether {@link #setCompared} was called: the blocks may have been written since, and need not be compared any more. */
    public boolean isCompared() {
        return compared;
    }

    /** Dword 0 of the completion: 0 unless {@link #setResult} has been called. */
    public int result() {
        return result;
    }

    /** Sets dword 0 of the completion, where the command's specification gives it a meaning. */
    public void setResult(int dw0) {
        result = dw0;
    }

    /**
     * Says how much the path has copied or zeroed for this command while it was submitted: when that comes to some MiB the
     * duty cycle takes no more commands, so that nobody waits long for its end.
     *
     * @param bytes 0 or more
     */
    public void spend(long bytes) {
        owner.spend(bytes);
    }

    /**
     * Says how it is about to be completed: from now on no path needs to know of it, also where this process ends before {@link
     * #complete}. It has no effect on a command whose data is still on its way to the guest.
     *
     * @param status as in {@link io.sluice.nvme.Status}
     */
    public void noteEnded(int status) {
        if (record.state() == SlotRecord.TAKEN && !(isStaged() && opcode == NvmOpcode.READ)) {
            record.ended(status, result);
        }
    }

    /** Whether its data, or a part of it, goes by way of the path's {@link IoPath#bounceArea}. */
    public boolean isStaged() {
        return staged != null;
    }

    /** The slot that it is in, 0 to {@link IoPath#maxPending}: the same in a process that goes on with it. */
    public int slot() {
        return record.index();
    }

    /** Whether the path has it: it has been submitted and has not been completed. */
    public boolean isPending() {
        return pending && (staged == null || staged.stage == StagedCommand.Stage.IN_PATH);
    }

    /**
     * Ends a pending command. Its pieces must not be touched after this.
     *
     * @param status as in {@link io.sluice.nvme.Status}
     * @throws IllegalStateException if it is not pending: it was ended already
     */
    public void complete(int status) {
        owner.complete(this, status);
    }

    // ---- for IoQueues and IoGate

    void take(VirtualSubmissionQueue from, long inEpoch, int cid) {
        queue = from;
        epoch = inEpoch;
        guestCid = cid;
        progress = 0;
        compared = false;
        result = 0;
        dropped = false;
        companion = null;
    }

    /** As {@link #take}, of a command that another process has left in this slot: it is pending, and the path has yet to get it. */
    void takeOver(VirtualSubmissionQueue from, long inEpoch) {
        queue = from;
        epoch = inEpoch;
        guestCid = record.guestCid();
        progress = Bits.with(record.progress(), COMPARED_BIT, false);
        compared = Bits.isSet(record.progress(), COMPARED_BIT);
        result = 0;
        dropped = false;
        companion = null;
    }

    /** Says to whoever comes after this process that the slot has this command, which has just been fetched. */
    void recordTaken(int fused) {
        record.taken(queue.qid(), queue.head(), guestCid, fused);
    }

    /** What of it outlives this process. */
    SlotRecord record() {
        return record;
    }

    IoCommand companion() {
        return companion;
    }

    void setCompanion(IoCommand other) {
        companion = other;
    }

    VirtualSubmissionQueue queue() {
        return queue;
    }

    int guestCid() {
        return guestCid;
    }

    /** Whether it takes a slot: it is the path's, or its data is on its way between the guest and us. */
    boolean isHeld() {
        return pending;
    }

    void setPending(boolean nowPending) {
        pending = nowPending;
    }

    /** Whether its completion is to be posted nowhere: the controller was reset. */
    boolean isDropped() {
        return dropped;
    }

    void drop() {
        dropped = true;
    }

    /**
     * Whether it has pieces of the guest's memory from before an epoch. A command whose data is our own copy, or that has
     * none, has not: its completion goes through its queue's memory, which is found anew in each epoch.
     */
    boolean usesMemoryBefore(long newEpoch) {
        return inGuestMemory && epoch < newEpoch;
    }

    /** Whether it touches blocks of a namespace from one on; with 0, whether it is of that namespace. */
    boolean reaches(int ofNamespace, long fromLba) {
        if (nsid != ofNamespace) {
            return false;
        }
        boolean reaches = fromLba == 0 || slba + blockCount > fromLba;
        for (int i = 0; i < rangeCount && !reaches; i++) {
            long copied = rangesAddress + (long) i * CopyRange.BYTES;
            long managed = rangesAddress + (long) i * DsmRange.BYTES;
            reaches = opcode == NvmOpcode.COPY
                    ? CopyRange.slba(copied) + CopyRange.blockCount(copied) > fromLba
                    : DsmRange.slba(managed) + DsmRange.blockCount(managed) > fromLba;
        }
        return reaches;
    }

    /** Its pieces will be read or written by the path. */
    void setInGuestMemory() {
        inGuestMemory = true;
    }

    /** The same, or not, as of an epoch. */
    void setInGuestMemory(boolean nowInGuestMemory, long inEpoch) {
        inGuestMemory = nowInGuestMemory;
        epoch = inEpoch;
    }

    /** What knows where its data is, where the guest does not share that; else null. */
    StagedCommand staged() {
        return staged;
    }

    void setStaged(StagedCommand nowStaged) {
        staged = nowStaged;
    }

    void decode(int newOpcode, int newNsid) {
        opcode = newOpcode;
        nsid = newNsid;
        inGuestMemory = false;
        slba = 0;
        blockCount = 0;
        byteCount = 0;
        rangeCount = 0;
        forceUnitAccess = false;
        deallocate = false;
    }

    void setBlocks(long firstLba, int blocks, long bytes) {
        slba = firstLba;
        blockCount = blocks;
        byteCount = bytes;
    }

    void setByteCount(long bytes) {
        byteCount = bytes;
    }

    void setRangeCount(int ranges) {
        rangeCount = ranges;
    }

    void setForceUnitAccess(boolean fua) {
        forceUnitAccess = fua;
    }

    void setDeallocate(boolean nowDeallocate) {
        deallocate = nowDeallocate;
    }
}

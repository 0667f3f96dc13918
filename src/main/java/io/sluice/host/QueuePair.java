package io.sluice.host;

import io.sluice.mem.Memory;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Rings;
import io.sluice.nvme.Sqe;
import java.io.IOException;

/**
 * One submission queue with the completion queue of the same size that answers it. Submitting, ringing the doorbell and
 * polling are separate, so that a caller batches: one doorbell for many commands, one for many completions.
 *
 * <pre>
 *   submit  ──▶ SQE with CID = slot, PRPs; tail + 1      (nothing the device sees yet)
 *   ring    ──▶ SQ tail doorbell, if the tail has moved
 *   poll    ──▶ CQEs whose phase is new ──▶ slot free ──▶ listener ──▶ CQ head doorbell, once
 * </pre>
 *
 * <p>A slot is one outstanding command: its CID, its token, its page for a PRP list. There is one slot less than the queue
 * has entries, so the queue cannot be overrun: entries that the device has not fetched belong to outstanding slots.
 *
 * <p>For one thread at a time. Nothing here allocates or waits, apart from a doorbell that is not mapped. What the device
 * writes is not trusted: a completion that no device may post ends the queue pair with a {@link DeviceFailure}, once and
 * for all, and every later call says the same.
 */
public final class QueuePair {
    /** The longest transfer that one PRP list page describes at any page offset, in bytes: 2 MiB. */
    public static final int MAX_TRANSFER_BYTES = Memory.PAGE_BYTES / Long.BYTES * Memory.PAGE_BYTES;

    private final String name;
    private final int qid;
    private final int entries;
    private final QueueMemory memory;
    private final Doorbell sqTailDoorbell;
    private final Doorbell cqHeadDoorbell;
    private final SlotTable slots;
    private final int maxTransferBytes;

    private int sqTail;
    private int rungSqTail;
    private int cqHead;
    private int phase = Rings.FIRST_PHASE;
    private DeviceFailure failure;
    private boolean closed;

    /**
     * @param name for messages: the queue and the device
     * @param memory zeroed, of this pair alone
     * @param maxTransferBytes the controller's limit; {@link #MAX_TRANSFER_BYTES} holds besides
     */
    QueuePair(
            String name,
            int qid,
            QueueMemory memory,
            Doorbell sqTailDoorbell,
            Doorbell cqHeadDoorbell,
            int maxTransferBytes) {
        this.name = name;
        this.qid = qid;
        this.entries = memory.entries();
        this.memory = memory;
        this.sqTailDoorbell = sqTailDoorbell;
        this.cqHeadDoorbell = cqHeadDoorbell;
        this.slots = new SlotTable(entries - 1);
        this.maxTransferBytes = Math.min(maxTransferBytes, MAX_TRANSFER_BYTES);
    }

    /** The identifier of both queues; 0 for the admin queues. */
    public int qid() {
        return qid;
    }

    /** How many commands may be outstanding: the queue's size less one. */
    public int depth() {
        return slots.count();
    }

    /** How many commands have been submitted and not completed. */
    public int inFlight() {
        return slots.outstanding();
    }

    /** The longest data transfer of one command, in bytes. */
    public int maxTransferBytes() {
        return maxTransferBytes;
    }

    QueueMemory memory() {
        return memory;
    }

    // ---- submit

    /**
     * Submits a Read of logical blocks into memory.
     *
     * @param slba first block
     * @param blockCount 1 to 65536
     * @param iova where the data goes: contiguous for the device, a multiple of 4
     * @param bytes length of the data, {@code blockCount} blocks; at most {@link #maxTransferBytes}
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

    private boolean transfer(int opcode, int nsid, long slba, int blockCount, long iova, int bytes, long token) {
        long sqe = begin(opcode, nsid);
        if (sqe == 0) {
            return false;
        }
        setData(sqe, iova, bytes);
        Sqe.setSlba(sqe, slba);
        Sqe.setBlockCount(sqe, blockCount);
        commit(token);
        return true;
    }

    /**
     * Submits a Flush: writes that completed before it was submitted are on non-volatile media when it completes.
     *
     * @return false if all slots are outstanding
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

    /**
     * Begins a command of any kind. Nothing has happened until {@link #commit}: a command that is not committed leaves no
     * trace.
     *
     * @return the address of its entry, cleared but for opcode, CID and NSID, for the caller to fill in; 0 if all slots are
     *     outstanding
     * @throws IllegalStateException if the driver has been closed
     */
    public long begin(int opcode, int nsid) {
        if (closed) {
            throw new IllegalStateException(name + " has been closed");
        }
        int slot = slots.peek();
        if (slot < 0) {
            return 0;
        }
        long sqe = memory.sqe(sqTail);
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, opcode, slot);
        Sqe.setNsid(sqe, nsid);
        return sqe;
    }

    /**
     * Points the command that has been begun at its data, with a PRP list in the slot's own page where it takes one.
     *
     * @param sqe from {@link #begin}
     * @param iova of the data: contiguous for the device, a multiple of 4
     * @param bytes 1 to {@link #maxTransferBytes}
     */
    public void setData(long sqe, long iova, int bytes) {
        if (bytes <= 0 || bytes > maxTransferBytes) {
            throw new IllegalArgumentException(
                    "a transfer of " + bytes + " bytes: it must be 1 to " + maxTransferBytes + " on " + name);
        }
        int slot = slots.peek();
        Prps.set(sqe, iova, bytes, memory.listAddress(slot), memory.listIova(slot));
    }

    /** Submits the command that was begun; the device is told by {@link #ring}. */
    public void commit(long token) {
        slots.take(token);
        sqTail = Rings.next(sqTail, entries);
    }

    /**
     * Tells the device of all that was submitted since the last call, if anything.
     *
     * @throws DeviceFailure if the queue pair has failed
     * @throws IOException if the doorbell goes by message and the device cannot be reached
     */
    public void ring() throws IOException {
        if (failure != null) {
            throw failure;
        }
        if (rungSqTail != sqTail) {
            rungSqTail = sqTail;
            sqTailDoorbell.ring(sqTail);
        }
    }

    // ---- poll

    /**
     * Hands completions to the listener, in the order in which the device posted them.
     *
     * @param limit the most to hand over, 1 or more
     * @return how many there were
     * @throws DeviceFailure if the device posted what it may not, now or earlier
     * @throws IOException if the doorbell goes by message and the device cannot be reached
     */
    public int poll(CompletionListener listener, int limit) throws IOException {
        if (failure != null) {
            throw failure;
        }
        int count = 0;
        while (count < limit) {
            long cqe = memory.cqe(cqHead);
            long tail = Cqe.tail(cqe);
            if (Cqe.phase(tail) != phase) {
                break;
            }
            complete(tail, Cqe.dw0(cqe), listener);
            count++;
        }
        if (count > 0) {
            cqHeadDoorbell.ring(cqHead);
        }
        return count;
    }

    private void complete(long tail, int dw0, CompletionListener listener) throws DeviceFailure {
        int cid = Cqe.cid(tail);
        if (!slots.isOutstanding(cid) || Cqe.sqid(tail) != qid || Cqe.sqHead(tail) >= entries) {
            throw fail(tail);
        }
        long token = slots.release(cid);
        cqHead = Rings.next(cqHead, entries);
        phase = Rings.phaseAt(cqHead, phase);
        listener.onCompletion(token, Cqe.status(tail), dw0);
    }

    /** The queues' memory goes away: from now on every call fails, instead of touching it. */
    void close() {
        closed = true;
        failure = new DeviceFailure(name + " has been closed");
    }

    private DeviceFailure fail(long tail) {
        String why;
        if (Cqe.sqid(tail) != qid) {
            why = "for submission queue " + Cqe.sqid(tail) + ", which this completion queue does not serve";
        } else if (Cqe.sqHead(tail) >= entries) {
            why = "with submission queue head " + Cqe.sqHead(tail) + " in a queue of " + entries + " entries";
        } else {
            why = "for command " + Cqe.cid(tail) + ", which is not outstanding";
        }
        failure = new DeviceFailure(name + " posted a completion " + why + " (entry " + cqHead
                + "); its state cannot be trusted any more: reset the device");
        return failure;
    }
}

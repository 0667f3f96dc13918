package io.sluice.controller;

import io.sluice.mem.Memory;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;

/**
 * Takes two fused commands, which lie one after the other in their queue, as one: NVMe 1.4, 4.12. The only fused operation is Compare and
 * Write, 6.2. Belongs to the controller's agent.
 *
 * <pre>
 *   queue:  … │ Compare, FUSE = 01b │ Write, FUSE = 10b │ …      the host's doorbell tells of both at once
 *
 *   the first alone               ──▶ Missing Fused Command
 *   either is refused by the gate ──▶ its status, and Failed Fused Command for the other: nothing is done
 *   both good                     ──▶ IoPath.submitFused, which ends both
 *   lists or data not shared      ──▶ StagedCommands, which has both brought here, and submits them
 * </pre>
 */
final class FusedCommands {
    private static final int INVALID_FIELD = Status.INVALID_FIELD.dnr();
    private static final int MISSING = Status.ABORTED_MISSING_FUSED.dnr();
    private static final int FAILED = Status.ABORTED_FAILED_FUSED.dnr();
    private static final int UNREACHABLE = Status.DATA_TRANSFER_ERROR.code();
    /** Of what has not come back. */
    private static final int FAULTED = -3;

    private final IoPath path;
    private final IoGate gate;
    private final IoSlots slots;
    private final StagedCommands staging;
    private final StagedCommands.Owner owner;

    /** The first of the two that have been taken last. */
    private IoCommand lastFirst;

    /** The first of the two that a fault has ended last. */
    private IoCommand faulted;

    FusedCommands(IoPath path, IoGate gate, IoSlots slots, StagedCommands staging, StagedCommands.Owner owner) {
        this.path = path;
        this.gate = gate;
        this.slots = slots;
        this.staging = staging;
        this.owner = owner;
    }

    /**
     * Goes on after the first command has been fetched, and the gate has found that it is one.
     *
     * @param first in the slot that is looked at; nothing else of it has been done
     * @param epoch for the second
     * @return {@link IoPath#PENDING}: both are on their way, or have ended. {@link IoPath#BUSY}: the second has been put back, and the
     *     first is to be. Or a status: the first ends with that, and is alone
     */
    int take(VirtualSubmissionQueue queue, IoCommand first, long epoch) {
        if (queue.available() == 0) {
            return queue.isFetching()
                    ? IoPath.BUSY
                    : MISSING; // the second may be on its way, where entries come by messages
        }
        VirtualCompletionQueue completions = queue.completionQueue();
        if (!slots.hasTwo() || !queue.hasRoomFor(2) || !completions.reserve()) {
            return queue.entries() > 2 ? IoPath.BUSY : MISSING; // a queue of two entries never holds both
        }
        slots.hold();
        IoCommand second = slots.next();
        int status = FAULTED;
        try {
            status = fetch(queue, second);
        } finally {
            if (status != Status.OK) { // or a fault has come up, and the first is put back as if it were alone
                slots.free(first);
                completions.release();
            }
        }
        if (status != Status.OK) {
            return status;
        }
        slots.hold();
        second.take(queue, epoch, Sqe.cid(Memory.hint(second.sqeAddress())));
        return begin(queue, first, second);
    }

    private static int fetch(VirtualSubmissionQueue queue, IoCommand second) {
        if (!queue.fetch(second.sqeAddress())) {
            return IoPath.BUSY;
        }
        if (Sqe.fuse(Memory.hint(second.sqeAddress())) != Sqe.FUSE_SECOND) {
            queue.putBack();
            return MISSING;
        }
        return Status.OK;
    }

    /** Both are pending, whatever comes: so a fault leaves neither without an end. */
    private int begin(VirtualSubmissionQueue queue, IoCommand first, IoCommand second) {
        queue.addPending(2);
        first.setCompanion(second);
        second.setCompanion(first);
        lastFirst = first;
        keep(queue, first, second);
        int status = FAULTED;
        try {
            status = submit(first, second);
        } finally {
            if (status == FAULTED) {
                faulted = first;
            }
        }
        return status == IoPath.BUSY ? notNow(queue, first, second) : IoPath.PENDING;
    }

    /**
     * Goes on with two commands that are pending, and each other's companions. If a fault comes up, they have ended, or will.
     *
     * @return {@link IoPath#PENDING}: they are on their way, or have ended. {@link IoPath#BUSY}: that is not possible now
     */
    int submit(IoCommand first, IoCommand second) {
        boolean done = false;
        try {
            int status = submitOrRefuse(first, second);
            done = true;
            return status;
        } finally {
            if (!done) {
                endAfterFault(first);
                endAfterFault(second);
            }
        }
    }

    private int submitOrRefuse(IoCommand first, IoCommand second) {
        int firstStatus = gate.admitFused(first);
        int secondStatus = gate.admitFused(second);
        if (firstStatus == IoPath.BUSY || secondStatus == IoPath.BUSY) {
            return IoPath.BUSY;
        }
        boolean firstGood = mayBeGood(firstStatus);
        boolean secondGood = mayBeGood(secondStatus);
        if (firstGood != secondGood) {
            owner.failed(first, firstGood ? Status.OK : firstStatus, second, secondGood ? Status.OK : secondStatus);
            return IoPath.PENDING;
        }
        int status = firstGood ? submitGood(first, second, firstStatus | secondStatus) : UNREACHABLE;
        if (status == INVALID_FIELD) {
            owner.failed(first, INVALID_FIELD, second, INVALID_FIELD);
        } else if (status == UNREACHABLE) {
            owner.failed(first, firstStatus, second, secondStatus);
        }
        return status == IoPath.BUSY ? IoPath.BUSY : IoPath.PENDING;
    }

    /** Whether its data may be where the guest does not share it. */
    private boolean mayBeGood(int status) {
        return status == Status.OK || (status == UNREACHABLE && staging.isEnabled());
    }

    /** Returns what became of them, or a status that both are to end with. */
    private int submitGood(IoCommand first, IoCommand second, int statuses) {
        if (!isCompareAndWrite(first, second)) {
            return INVALID_FIELD;
        }
        if (statuses != Status.OK) {
            return staging.begin(first, second);
        }
        return path.submitFused(first, second) ? IoPath.PENDING : IoPath.BUSY;
    }

    private int notNow(VirtualSubmissionQueue queue, IoCommand first, IoCommand second) {
        queue.addPending(-2);
        queue.putBack();
        giveBack(queue, first, second);
        lastFirst = null; // the slot may get another command
        first.setCompanion(null);
        second.setCompanion(null);
        slots.free(second);
        slots.free(first);
        queue.completionQueue().release();
        return IoPath.BUSY;
    }

    /** A command is about to be answered. If it is the first of two, the second is on its own; if it has failed, so has that one. */
    void firstEnded(IoCommand command, int status) {
        IoCommand other = command.companion();
        if (other == null) {
            return;
        }
        command.setCompanion(null);
        other.setCompanion(null);
        if (other.record().fused() == SlotRecord.FUSED_SECOND) {
            endedBefore(other.record(), status);
        }
    }

    /** Both are the slots', and not the queue's any more. The first comes first: alone, it is nobody's. */
    private static void keep(VirtualSubmissionQueue queue, IoCommand first, IoCommand second) {
        first.record().taken(queue.qid(), queue.headBefore(), first.guestCid(), SlotRecord.FUSED_FIRST);
        second.record().setFirst(first.record().index());
        second.recordTaken(SlotRecord.FUSED_SECOND);
        queue.storeHead();
        first.record().held(true);
        second.record().held(true);
    }

    /** The other way round. The second has been put back, the first will be. */
    private static void giveBack(VirtualSubmissionQueue queue, IoCommand first, IoCommand second) {
        second.record().held(false);
        first.record().held(false);
        queue.storeHeadBefore();
        second.record().free();
        first.record().free();
    }

    private static void endedBefore(SlotRecord second, int status) {
        if (!Status.isSuccess(status) && second.state() == SlotRecord.TAKEN) {
            second.ended(FAILED, 0);
        }
        second.setFirst(SlotRecord.NO_SLOT);
    }

    /** Whether a command that has been taken is the first of two: then all has been stored that there is to store. */
    boolean isFirst(IoCommand command) {
        boolean first = lastFirst == command;
        lastFirst = null;
        return first;
    }

    /** Whether a fault that has come up while {@link #take} was at it has been dealt with: the command needs no further end. */
    boolean hasEnded(IoCommand first) {
        boolean ended = faulted == first;
        faulted = null;
        return ended;
    }

    /** It cannot be put back: a part of the blocks may have been written, and would not compare any more. */
    private void endAfterFault(IoCommand command) {
        if (command.isPending() && !path.has(command)) {
            command.complete(Status.INTERNAL_ERROR.code());
        }
    }

    /** NVMe 1.4, 6.2: of the same blocks, or both are refused. */
    private static boolean isCompareAndWrite(IoCommand first, IoCommand second) {
        return first.opcode() == NvmOpcode.COMPARE
                && second.opcode() == NvmOpcode.WRITE
                && first.nsid() == second.nsid()
                && first.slba() == second.slba()
                && first.blockCount() == second.blockCount();
    }
}

package io.sluice.controller;

import io.sluice.nvme.Cqe;
import java.util.HashSet;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * Puts right what another process was in the middle of, from its slots' records; once, before anything else is done. Each step can be
 * cut short and done again.
 *
 * <pre>
 *   FREE     nothing: if an entry was copied, it is still in its queue. Unless it was done at once, and its completion posted: the
 *            entry at the CQ's tail tells
 *   TAKEN    if the path has the command still, it stays there ({@link IoPath#adopt}); else it goes there again ({@link Replays}).
 *            Without "held" it is no more in its queue from now on
 *   ENDED    its completion is posted
 *   POSTING  its completion is posted, if it is not there yet: where the CQ's count is what it was, the entry itself tells
 *   DROPPED  nothing: its queue is gone. But as long as the path has the command, its memory is not the guest's
 * </pre>
 *
 * <p>Of two fused commands, the first is stored before the second: a first one alone that is not held was never taken.
 */
final class SlotRecovery {
    private final IoPath path;
    private final IoGate gate;
    private final IoQueueTable table;
    private final IoSlots slots;
    private final Replays replays;
    private final long epoch;

    /** Those that the path has still. */
    private final Set<IoCommand> adopted = new HashSet<>();

    SlotRecovery(IoPath path, IoGate gate, IoQueueTable table, IoSlots slots, Replays replays, long epoch) {
        this.path = path;
        this.gate = gate;
        this.table = table;
        this.slots = slots;
        this.replays = replays;
        this.epoch = epoch;
    }

    /** What may be in a completion queue already comes first, before anything else is posted there. */
    void run() {
        adopt();
        forEach(SlotRecord.POSTING, this::answer);
        for (VirtualCompletionQueue completions : table.activeCompletionQueues()) {
            takeUnknownCompletion(completions);
        }
        forEach(SlotRecord.ENDED, this::answer);
        forEach(SlotRecord.TAKEN, this::takeAgain);
        slots.settle();
    }

    /** There are no queues any more, or none that can be reached: nothing is answered, and the path ends what it has. */
    void dropAll() {
        for (IoCommand command : slots.all()) {
            command.record().load();
            if (command.record().state() != SlotRecord.FREE) {
                command.record().dropped();
            }
        }
        adopt();
        slots.settle();
    }

    /** Before any slot is free for another command, so that the path's notes on a slot are of this one. */
    private void adopt() {
        for (IoCommand command : slots.all()) {
            command.record().load();
            boolean taken = command.record().state() == SlotRecord.TAKEN;
            boolean nobodys = isNobodys(command.record());
            if ((taken || nobodys) && isStillThere(command)) {
                adopted.add(command);
            }
            if (nobodys) {
                forget(command);
            }
        }
        path.adoptedAll();
    }

    private boolean isStillThere(IoCommand command) {
        SlotRecord record = command.record();
        if (record.state() == SlotRecord.FREE) {
            return false;
        }
        command.takeOver(table.submissionQueueIfAny(record.sqid()), epoch);
        decode(command);
        command.setInGuestMemory(true, epoch);
        return path.adopt(command);
    }

    /** Whatever the gate says now: it has been let in. */
    private void decode(IoCommand command) {
        try {
            if (command.record().fused() == SlotRecord.ALONE) {
                gate.admit(command);
            } else {
                gate.admitFused(command);
            }
        } catch (InternalError cut) {
            // A file of the guest's is shorter than it was. It is found out when the guest has its turn.
        }
    }

    private boolean isNobodys(SlotRecord record) {
        boolean hasQueue = record.sqid() > 0 && table.submissionQueueIfAny(record.sqid()) != null;
        return !hasQueue || record.state() == SlotRecord.DROPPED;
    }

    private void forget(IoCommand command) {
        if (!adopted.contains(command)) {
            command.record().free();
            return;
        }
        if (command.record().state() != SlotRecord.DROPPED) {
            command.record().dropped();
        }
        command.drop();
        command.setPending(true);
    }

    private void forEach(int state, BiConsumer<IoCommand, VirtualSubmissionQueue> step) {
        for (IoCommand command : slots.all()) {
            if (command.record().state() == state) {
                step.accept(command, table.submissionQueue(command.record().sqid()));
            }
        }
    }

    private void takeAgain(IoCommand command, VirtualSubmissionQueue queue) {
        SlotRecord record = command.record();
        if (record.fused() == SlotRecord.FUSED_FIRST) {
            takeFused(command, queue);
        } else if (record.fused() == SlotRecord.ALONE || first(command) == null) {
            take(command, queue);
            replay(command);
        }
    }

    private void replay(IoCommand command) {
        if (!adopted.contains(command)) {
            replays.add(command);
        }
    }

    private void takeFused(IoCommand first, VirtualSubmissionQueue queue) {
        IoCommand second = second(first);
        if (second == null && !first.record().isHeld()) {
            first.record().free();
            return;
        }
        take(first, queue);
        if (second != null) {
            take(second, queue);
            first.setCompanion(second);
            second.setCompanion(first);
        }
        replay(first);
    }

    private IoCommand second(IoCommand first) {
        for (IoCommand other : slots.all()) {
            if (other != first && first(other) == first) {
                return other;
            }
        }
        return null;
    }

    /** Of the second of two fused commands: the first, if that has not ended. */
    private IoCommand first(IoCommand second) {
        SlotRecord record = second.record();
        boolean isSecond = record.state() == SlotRecord.TAKEN && record.fused() == SlotRecord.FUSED_SECOND;
        return isSecond && record.first() != SlotRecord.NO_SLOT ? slots.all()[record.first()] : null;
    }

    private void take(IoCommand command, VirtualSubmissionQueue queue) {
        if (!adopted.contains(command)) {
            command.takeOver(queue, epoch);
        }
        command.setPending(true);
        queue.addPending(1);
        queue.completionQueue().reserveAgain();
        consume(command.record(), queue);
    }

    /** The command is not in its queue any more; of fused ones, the other may have been dealt with before. */
    private static void consume(SlotRecord record, VirtualSubmissionQueue queue) {
        if (!record.isHeld()) {
            queue.advanceTo(record.sqHeadAfter(), record.fused() == SlotRecord.FUSED_SECOND ? 2 : 1);
            queue.storeHead();
            record.held(true);
        }
    }

    private void answer(IoCommand command, VirtualSubmissionQueue queue) {
        SlotRecord record = command.record();
        consume(record, queue);
        VirtualCompletionQueue completions = queue.completionQueue();
        if (!record.isPosted(completions.count())) {
            record.posting(record.status(), record.dw0(), completions.count());
            completions.postAgain(record.dw0(), queue.head(), record.sqid(), record.guestCid(), record.status());
        }
        forgetFirst(command);
        record.free();
    }

    /** Of two fused commands, the first has been answered, and its slot may get another one. */
    private void forgetFirst(IoCommand answered) {
        IoCommand second = answered.record().fused() == SlotRecord.FUSED_FIRST ? second(answered) : null;
        if (second != null) {
            second.record().setFirst(SlotRecord.NO_SLOT);
        }
    }

    /** A command that was done at once has been answered, and its queue's head not been stored. */
    private void takeUnknownCompletion(VirtualCompletionQueue completions) {
        long there = completions.unknownCompletion();
        VirtualSubmissionQueue queue = there == 0 ? null : table.submissionQueueIfAny(Cqe.sqid(there));
        if (queue != null && queue.completionQueue() == completions && queue.isNext(queue.head(), Cqe.sqHead(there))) {
            completions.takeUnknownCompletion();
            queue.resume(Cqe.sqHead(there));
            queue.storeHead();
        }
    }
}

package io.sluice.controller;

import java.util.function.Consumer;

/**
 * The slots of a controller's I/O commands: made once, used for ever. As many as the I/O path may have pending, and one
 * more, for the command that is being looked at. That one is kept apart from the free ones, so that it stays the same
 * whichever other commands end meanwhile, and is still there for the next command if looking at it fails.
 *
 * <pre>
 *   free ──hold──▶ next ──hold──▶ pending ──free──▶ free
 * </pre>
 */
final class IoSlots {
    private final IoCommand[] slots;

    /** The free ones but {@link #next}: a stack. */
    private final IoCommand[] free;

    private int freeCount;

    /** For the next command, or the one that is being looked at. */
    private IoCommand next;

    /**
     * Slots that are all free.
     *
     * @param state where their entries, ranges and records are; has at least 2
     * @param maxPieces the most pieces of memory that one command's data can have
     */
    IoSlots(IoQueues owner, ControllerState state, int maxPieces) {
        int count = state.slots();
        slots = new IoCommand[count];
        free = new IoCommand[count - 1];
        for (int i = 0; i < count; i++) {
            slots[i] = new IoCommand(owner, state.sqe(i), state.ranges(i), state.slot(i), maxPieces);
        }
        next = slots[0];
        freeCount = count - 1;
        System.arraycopy(slots, 1, free, 0, freeCount);
    }

    /** Whether as many commands are pending as may be. */
    boolean isFull() {
        return freeCount == 0;
    }

    /** The slot to look at a command in: the same one until {@link #hold}. */
    IoCommand next() {
        return next;
    }

    /** The command in {@link #next} becomes pending. Not when {@link #isFull}. */
    void hold() {
        next.setPending(true);
        next = free[--freeCount];
    }

    /** Whether two more may be pending. */
    boolean hasTwo() {
        return freeCount >= 2;
    }

    void free(IoCommand command) {
        command.setPending(false);
        free[freeCount++] = command;
    }

    int pendingCount() {
        return free.length - freeCount;
    }

    /** Whether a pending command has pieces of the guest's memory from before an epoch. */
    boolean anyPendingBefore(long epoch) {
        for (IoCommand slot : slots) {
            if (slot.isHeld() && slot.usesMemoryBefore(epoch)) {
                return true;
            }
        }
        return false;
    }

    /** Whether a pending command touches blocks of a namespace from one on, or with 0, is of that namespace. */
    boolean anyReaching(int nsid, long slba) {
        for (IoCommand slot : slots) {
            if (slot.isHeld() && slot.reaches(nsid, slba)) {
                return true;
            }
        }
        return false;
    }

    /** What is pending will be posted nowhere. */
    void dropAll() {
        for (IoCommand slot : slots) {
            if (slot.isHeld()) {
                slot.drop();
                slot.record().dropped();
            }
        }
    }

    /**
     * Asks for the end of what is pending, of one queue, or with null of all: of each command, even if that fails at one.
     * Throws what was thrown first.
     */
    void cancel(Consumer<IoCommand> canceller, VirtualSubmissionQueue queue) {
        Throwable fault = null;
        for (IoCommand slot : slots) {
            if (slot.isHeld() && (queue == null || slot.queue() == queue)) {
                try {
                    canceller.accept(slot);
                } catch (RuntimeException | Error e) {
                    fault = fault == null ? e : fault;
                }
            }
        }
        if (fault instanceof Error error) {
            throw error;
        }
        if (fault != null) {
            throw (RuntimeException) fault;
        }
    }

    /** All of them, for {@link SlotRecovery}. */
    IoCommand[] all() {
        return slots;
    }

    /** Once it is known which of them are pending, so that at least one is not. */
    void settle() {
        freeCount = 0;
        next = null;
        for (IoCommand slot : slots) {
            if (slot.isHeld()) {
                continue;
            }
            if (next == null) {
                next = slot;
            } else {
                free[freeCount++] = slot;
            }
        }
    }
}

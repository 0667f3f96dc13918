package io.sluice.controller;

import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.nvme.Sqe;

/**
 * The slots of a controller's I/O commands: made once, used for ever. As many as the I/O path may have pending, and one
 * more, for the command that is being looked at.
 *
 * <pre>
 *   slot memory:  | SQE copies, 64 bytes each … | ranges of Dataset Management, 4096 bytes each … |
 * </pre>
 */
final class IoSlots implements AutoCloseable {
    private final Mapping memory;
    private final IoCommand[] slots;
    private final IoCommand[] free;
    private int freeCount;

    /**
     * Slots that are all free.
     *
     * @param count at least 2
     * @param maxPieces the most pieces of memory that one command's data can have
     */
    IoSlots(IoQueues owner, int count, int maxPieces) throws LinuxException {
        long sqeBytes = Math.ceilDiv((long) count * Sqe.BYTES, 4096L) * 4096;
        memory = Mapping.anonymous(
                sqeBytes + (long) count * IoCommand.RANGES_BYTES, Mapping.PROT_READ | Mapping.PROT_WRITE);
        slots = new IoCommand[count];
        free = new IoCommand[count];
        for (int i = 0; i < count; i++) {
            long sqe = memory.address() + (long) i * Sqe.BYTES;
            long ranges = memory.address() + sqeBytes + (long) i * IoCommand.RANGES_BYTES;
            slots[i] = new IoCommand(owner, sqe, ranges, maxPieces);
            free[i] = slots[i];
        }
        freeCount = count;
    }

    /** A free slot, which stays free until {@link #hold}; null if there is none. */
    IoCommand peek() {
        return freeCount == 0 ? null : free[freeCount - 1];
    }

    /** The slot that {@link #peek} gave becomes pending. */
    void hold(IoCommand command) {
        freeCount--;
        command.setPending(true);
    }

    void free(IoCommand command) {
        command.setPending(false);
        free[freeCount++] = command;
    }

    int pendingCount() {
        return slots.length - freeCount;
    }

    /** Whether a pending command has pieces of the guest's memory from before an epoch. */
    boolean anyPendingBefore(long epoch) {
        for (IoCommand slot : slots) {
            if (slot.isPending() && slot.epoch() < epoch) {
                return true;
            }
        }
        return false;
    }

    /** Asks the path to end what is pending, of one queue, or with null of all. */
    void cancel(IoPath path, VirtualSubmissionQueue queue, boolean drop) {
        for (IoCommand slot : slots) {
            if (slot.isPending() && (queue == null || slot.queue() == queue)) {
                if (drop) {
                    slot.drop();
                }
                path.cancel(slot);
            }
        }
    }

    @Override
    public void close() {
        memory.close();
    }
}

package io.sluice.controller;

import io.sluice.dma.GuestMemory;
import io.sluice.dma.MessagedMemory.Progress;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.Rings;

/**
 * A queue of the guest's in memory that it does not share: our copy of the ring, and what of it is under way. A submission queue's
 * entries come in, a completion queue's go out, as many at a time as there are. Belongs to the controller's agent.
 *
 * <pre>
 *                done            asked             to
 *   ───────────────┬───────────────┬────────────────┬─────────────
 *    the same here │   under way   │ when that has  │
 *    and there     │               │ been answered  │
 * </pre>
 *
 * <p>What fails, since the memory has gone or the client does not want it, is tried again: an entry may be moved twice, and is
 * the same then. {@link #fault} says so until it has succeeded.
 */
final class MirroredRing implements AutoCloseable {
    /** Null where the copy is in memory of somebody else's. */
    private final Mapping own;

    private final long address;
    private final MessagedTransfer transfer;
    private final long baseGpa;
    private final int entries;
    private final int entryBytes;
    private int done;
    private int asked;
    private boolean underWay;
    private long fault;

    /**
     * @param access {@link Translator#READ} for a submission queue, {@link Translator#WRITE} for a completion queue
     * @param copyAddress host address of memory for the copy, whole pages, or {@link QueueMemory#ANYWHERE}
     */
    MirroredRing(GuestMemory memory, long baseGpa, int entries, int entryBytes, int access, long copyAddress)
            throws LinuxException {
        long pages = Math.ceilDiv((long) entries * entryBytes, Memory.PAGE_BYTES);
        this.own = copyAddress == QueueMemory.ANYWHERE
                ? Mapping.anonymous(pages * Memory.PAGE_BYTES, Mapping.PROT_READ | Mapping.PROT_WRITE)
                : null;
        this.address = own == null ? copyAddress : own.address();
        this.transfer = new MessagedTransfer(memory.messages(), memory.hostView(), access);
        this.baseGpa = baseGpa;
        this.entries = entries;
        this.entryBytes = entryBytes;
    }

    /** Where the copy begins. */
    long address() {
        return address;
    }

    /** The copy may be of another queue. */
    void zero() {
        Memory.fill(address, (long) entries * entryBytes, (byte) 0);
    }

    /** Entries before an index are the same here and there, as another process has left them. */
    void resume(int fromIndex) {
        done = fromIndex;
        asked = fromIndex;
    }

    /** Entries before this index, and after that of the last time round, are the same here and there. */
    int done() {
        return done;
    }

    boolean isUnderWay() {
        return underWay;
    }

    /** Why the last attempt has failed, as in {@link MessagedTransfer#fault}; 0 if it has not. */
    long fault() {
        return fault;
    }

    /**
     * Takes what has been answered, and goes on.
     *
     * @param to the index after the last entry to be moved; an entry that is under way, or has been moved, is not called back
     * @return how many entries have come to be the same since the last call
     */
    int advance(int to) {
        int moved = underWay ? take() : 0;
        if (!underWay && done != to) {
            begin(to);
        }
        return moved;
    }

    private int take() {
        Progress progress = transfer.advance();
        if (progress == Progress.PENDING) {
            return 0;
        }
        underWay = false;
        fault = transfer.fault();
        if (progress == Progress.FAILED) {
            return 0;
        }
        int moved = Rings.distance(done, asked, entries);
        done = asked;
        return moved;
    }

    /** In one piece, or in two around the ring's end. */
    private void begin(int to) {
        transfer.clear();
        add(done, to > done ? to : entries);
        if (to < done && to > 0) {
            add(0, to);
        }
        asked = to;
        underWay = true;
        transfer.advance();
    }

    private void add(int from, int end) {
        long offset = (long) from * entryBytes;
        transfer.add(baseGpa + offset, address + offset, (end - from) * entryBytes);
    }

    /** The guest's memory has changed: what is under way to where there is nothing any more is called off. */
    void recheck() {
        transfer.recheck();
    }

    @Override
    public void close() {
        transfer.clear();
        if (own != null) {
            own.close();
        }
    }
}

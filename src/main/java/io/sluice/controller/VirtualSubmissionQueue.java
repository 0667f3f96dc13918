package io.sluice.controller;

import io.sluice.dma.GuestMemory;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Rings;
import io.sluice.nvme.Sqe;

/** A submission queue of the guest's: NVMe 1.4, 4.1 and 4.2. Belongs to the controller's agent. */
final class VirtualSubmissionQueue {
    private final int qid;
    private final int entries;
    private final QueueMemory memory;
    private final VirtualCompletionQueue completionQueue;
    private final QueueListener listener;
    private final RingRecord record;

    /** Null where the guest shares the queue's memory. */
    private MirroredRing mirror;

    /** Changes when the guest has its doorbells elsewhere. */
    private long tailDoorbellAddress;

    private int head;
    private int pending;
    private boolean deleting;

    /** How many completions its completion queue had when the last of its commands had ended; -1 before. */
    private long completionsAtEnd = -1;

    private boolean faulted;
    private boolean refusing;
    private int refusedDoorbell;

    /**
     * @param entries 2 to 4096
     * @param baseGpa a multiple of the memory page size
     * @param tailDoorbellAddress host address of its doorbell, which is 0 now
     * @param record where its head is kept
     */
    VirtualSubmissionQueue(
            int qid,
            int entries,
            long baseGpa,
            long tailDoorbellAddress,
            VirtualCompletionQueue completionQueue,
            Translator translator,
            QueueListener listener,
            RingRecord record) {
        this.qid = qid;
        this.entries = entries;
        this.tailDoorbellAddress = tailDoorbellAddress;
        this.memory = new QueueMemory(translator, baseGpa, entries, Sqe.BYTES, Translator.READ, QueueMemory.ANYWHERE);
        this.record = record;
        this.completionQueue = completionQueue;
        this.listener = listener;
    }

    int qid() {
        return qid;
    }

    int entries() {
        return entries;
    }

    int head() {
        return head;
    }

    /** Before the entry that was fetched last. */
    int headBefore() {
        return Rings.previous(head, entries);
    }

    VirtualCompletionQueue completionQueue() {
        return completionQueue;
    }

    QueueMemory memory() {
        return memory;
    }

    /** How many of its commands are pending in the I/O path. */
    int pending() {
        return pending;
    }

    void addPending(int change) {
        pending += change;
    }

    /** Whether as many are pending as a guest can have outstanding in it: one less than its entries. NVMe 1.4, 4.1. */
    boolean isFull() {
        return pending >= entries - 1;
    }

    /** Whether so many more can be pending. */
    boolean hasRoomFor(int commands) {
        return pending + commands <= entries - 1;
    }

    /** Whether a fault has come up in the command at the head, and it has been put back since. */
    boolean hasFaulted() {
        return faulted;
    }

    void setFaulted(boolean nowFaulted) {
        faulted = nowFaulted;
    }

    /** No more commands are taken; those pending are on their way out. */
    boolean deleting() {
        return deleting;
    }

    void beginDeletion() {
        deleting = true;
    }

    /** Of one that is being deleted, and has no command pending: whether the guest sees how they have ended. Others may go on to end. */
    boolean isEndVisible() {
        if (completionsAtEnd < 0) {
            completionsAtEnd = completionQueue.count();
        }
        return completionQueue.isVisible(completionsAtEnd);
    }

    /** The doorbell, as the guest has written it. */
    int doorbell() {
        return Memory.getIntAcquire(tailDoorbellAddress);
    }

    /** The doorbell is elsewhere from now on. */
    void moveDoorbell(long address) {
        tailDoorbellAddress = address;
    }

    /** How many entries the guest has submitted and we have not taken: one load of its doorbell. */
    int available() {
        int doorbell = Memory.getIntAcquire(tailDoorbellAddress);
        int tail = Doorbells.index(doorbell);
        if (!Rings.isIndex(tail, entries)) {
            refuse(doorbell);
            return 0;
        }
        refusing = false;
        int submitted = Rings.distance(head, tail, entries);
        return mirror == null ? submitted : Math.min(submitted, Rings.distance(head, mirror.done(), entries));
    }

    /** Makes sure that its memory can be reached, in whichever way; it is not used before. */
    boolean reach(GuestMemory guest) {
        boolean reached = memory.reach(guest);
        mirror = memory.mirror();
        return reached;
    }

    /** Whether its entries come by messages. */
    boolean isMirrored() {
        return mirror != null;
    }

    /** Whether entries are on their way, or still have to be asked for. */
    boolean isFetching() {
        return mirror != null && (mirror.isUnderWay() || mirror.done() != fetchableTail());
    }

    /** Brings in what has been submitted, where it is mirrored. Returns how many entries have come. */
    int exchange() {
        int fetched = mirror.advance(fetchableTail());
        if (mirror.fault() != 0) {
            listener.queueMemoryUnreachable(qid, false, mirror.fault());
        }
        return fetched;
    }

    /** The doorbell, unless it is invalid, or goes back behind what has been fetched. */
    private int fetchableTail() {
        int tail = Doorbells.index(Memory.getIntAcquire(tailDoorbellAddress));
        boolean ahead = Rings.isIndex(tail, entries)
                && Rings.distance(head, tail, entries) >= Rings.distance(head, mirror.done(), entries);
        return ahead && !deleting ? tail : mirror.done();
    }

    /** The doorbell has been written by a message: even if its value is the last one again, it is a new one. */
    void doorbellWritten() {
        refusing = false;
        available(); // refuses a bad one before it can be overwritten
    }

    private void refuse(int doorbell) {
        if (!refusing || doorbell != refusedDoorbell) {
            refusing = true;
            refusedDoorbell = doorbell;
            listener.invalidDoorbell(qid, false, doorbell);
        }
    }

    /**
     * Takes the next entry: copies it, once, to private memory. To be called for {@link #available} entries only.
     *
     * @param target host address of 64 bytes
     * @return false if the queue's memory is out of reach: nothing is taken then
     */
    boolean fetch(long target) {
        long address = memory.address(head);
        if (address < 0) {
            listener.queueMemoryUnreachable(qid, false, address);
            return false;
        }
        Sqe.copy(Memory.hint(address), Memory.hint(target));
        head = Rings.next(head, entries);
        return true;
    }

    /** What has been fetched so far has been answered, which its completion queue's count says too, or is known to its slot. */
    void storeHead() {
        record.setSq(head, completionQueue.count());
    }

    /** Whether one head comes right after another. */
    boolean isNext(int oneHead, int other) {
        return other == Rings.next(oneHead, entries);
    }

    /** The entry that was fetched last is not taken, though {@link #storeHead} has said so. */
    void storeHeadBefore() {
        record.setSq(headBefore(), completionQueue.count());
    }

    /** How many completions its completion queue had when its head was stored last. */
    long storedCount() {
        return record.cqCountInSq();
    }

    /** Goes on from the head that another process has left; after {@link #reach}. */
    void resume() {
        resume(record.sqHead());
    }

    /** Goes on from a head, unless that is more entries ahead than could be, so that it is behind. */
    void advanceTo(int toHead, int atMost) {
        if (Rings.distance(head, toHead, entries) <= atMost) {
            resume(toHead);
        }
    }

    /** Goes on from a head. */
    void resume(int fromHead) {
        head = fromHead;
        if (mirror != null) {
            mirror.resume(fromHead);
        }
    }

    /** The entry that was fetched last has not been taken: it will be fetched again, and looked at as if it were new. */
    void putBack() {
        head = Rings.previous(head, entries);
    }
}

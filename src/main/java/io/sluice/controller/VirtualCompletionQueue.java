package io.sluice.controller;

import io.sluice.dma.GuestMemory;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Rings;
import io.sluice.nvme.Status;

/**
 * A completion queue of the guest's: NVMe 1.4, 4.1 and 4.6. Belongs to the controller's agent.
 *
 * <p>Space is taken before a command is consumed ({@link #reserve}), so that a completion always has its place:
 *
 * <pre>
 *   entries - 1  =  posted and not consumed by the guest  +  reserved  +  free
 * </pre>
 */
final class VirtualCompletionQueue {
    /** {@link #vector()} of a queue that the guest polls: created with IEN = 0. */
    static final int NO_VECTOR = -1;

    private final int qid;
    private final int entries;
    private final int vector;
    private final QueueMemory memory;
    private final QueueListener listener;
    private final RingRecord record;

    /** Null where the guest shares the queue's memory. */
    private MirroredRing mirror;

    /** Whether any of those that the guest does not see yet says that its command has failed. */
    private boolean anyUnsentFailed;

    /** Changes when the guest has its doorbells elsewhere. */
    private long headDoorbellAddress;

    private int head;
    private int tail;
    private int phase = Rings.FIRST_PHASE;
    private long count;

    /** How many completions the guest is known to have, where they go by messages. */
    private long sent;

    private int reserved;
    private int submissionQueues;
    private int unsignalled;
    private boolean anyFailed;
    private boolean refusing;
    private int refusedDoorbell;

    /**
     * @param entries 2 to 4096
     * @param baseGpa a multiple of the memory page size
     * @param vector its interrupt vector, or {@link #NO_VECTOR}
     * @param headDoorbellAddress host address of its doorbell, which is 0 now
     * @param state where what of it outlives this process is kept
     */
    VirtualCompletionQueue(
            int qid,
            int entries,
            long baseGpa,
            int vector,
            long headDoorbellAddress,
            Translator translator,
            QueueListener listener,
            ControllerState state) {
        this.qid = qid;
        this.entries = entries;
        this.vector = vector;
        this.headDoorbellAddress = headDoorbellAddress;
        this.memory = new QueueMemory(translator, baseGpa, entries, Cqe.BYTES, Translator.WRITE, state.mirror(qid));
        this.record = state.ring(qid);
        this.listener = listener;
    }

    int qid() {
        return qid;
    }

    int entries() {
        return entries;
    }

    int vector() {
        return vector;
    }

    QueueMemory memory() {
        return memory;
    }

    /** How many submission queues complete here. */
    int submissionQueues() {
        return submissionQueues;
    }

    void addSubmissionQueue(int change) {
        submissionQueues += change;
    }

    /** Takes the place of one completion; false if the guest has to consume first, or the memory is out of reach. */
    boolean reserve() {
        if (free() == 0) {
            readHead();
            if (free() == 0) {
                return false;
            }
        }
        if (memory.address(tail) < 0) {
            listener.queueMemoryUnreachable(qid, true, memory.address(tail));
            return false;
        }
        reserved++;
        return true;
    }

    /** Takes the place that another process had taken. */
    void reserveAgain() {
        reserved++;
    }

    /** Gives a place back: its command is parked, or has been dropped. */
    void release() {
        reserved--;
    }

    private int free() {
        return Rings.free(head, tail, entries) - reserved;
    }

    /**
     * Posts a completion into a reserved place; what it means for {@link #count} is the caller's to store. Where the memory has gone meanwhile, the completion is lost and the
     * controller told.
     *
     * @param sqHead the submission queue's head, after this command
     * @param status as in {@link io.sluice.nvme.Status}
     */
    void post(int dw0, int sqHead, int sqid, int cid, int status) {
        reserved--;
        long address = memory.address(tail);
        if (address < 0) {
            listener.completionLost(qid, sqid, cid);
            return;
        }
        record.beforeEffect();
        Cqe.publish(Memory.hint(address), dw0, sqHead, sqid, cid, status, phase);
        advanceTail();
        if (mirror != null) {
            anyUnsentFailed |= !Status.isSuccess(status);
            return; // the guest sees it later
        }
        unsignalled++;
        anyFailed |= !Status.isSuccess(status);
    }

    private void advanceTail() {
        tail = Rings.next(tail, entries);
        phase = Rings.phaseAt(tail, phase);
        count++;
    }

    /** How many completions have been posted since it was made. */
    long count() {
        return count;
    }

    /** What has been posted is known, if no submission queue's head says so. */
    void storeCount() {
        record.setCqCount(count);
    }

    /**
     * Goes on from where another process was; after {@link #reach}. All that the guest has not consumed is told to it again, and
     * interrupts it once more.
     */
    void resume() {
        goTo(record.cqCount());
        head = record.cqHead();
    }

    private void goTo(long newCount) {
        count = newCount;
        tail = (int) (newCount % entries);
        phase = newCount / entries % 2 == 0 ? Rings.FIRST_PHASE : 1 - Rings.FIRST_PHASE;
    }

    /** A submission queue of its says that there have been so many completions. */
    void resumeAt(long atLeast) {
        if (atLeast > count) {
            goTo(atLeast);
        }
    }

    /** All that the guest has not consumed is told to it again. */
    void signalAgain() {
        readHead();
        if (mirror != null) {
            sendAgain();
        }
        unsignalled = Rings.distance(head, mirror == null ? tail : mirror.done(), entries);
    }

    /** All that the guest has not consumed, and is not known to have. */
    private void sendAgain() {
        int unconsumed = Rings.distance(head, tail, entries);
        int unsent = (int) Math.min(count - record.cqSent(count), unconsumed);
        sent = count - unsent;
        mirror.resume((int) (sent % entries));
    }

    /** The completion at the tail, if another process has posted one of which nothing else is known; else 0. */
    long unknownCompletion() {
        long address = memory.address(tail);
        long there = address < 0 ? 0 : Cqe.tail(address);
        return Cqe.phase(there) == phase && address >= 0 ? there : 0;
    }

    /** That is a completion of this queue's, as its submission queue is about to say. */
    void takeUnknownCompletion() {
        advanceTail();
    }

    /**
     * Posts a completion that another process may have posted already, to where its tail was. Nothing else has been posted since. Needs no
     * reserved place.
     */
    void postAgain(int dw0, int sqHead, int sqid, int cid, int status) {
        long address = memory.address(tail);
        if (address < 0) {
            listener.completionLost(qid, sqid, cid);
            return;
        }
        long there = Cqe.tail(address);
        boolean posted = Cqe.phase(there) == phase && Cqe.cid(there) == cid && Cqe.sqid(there) == sqid;
        if (posted) {
            advanceTail();
        } else {
            reserved++;
            post(dw0, sqHead, sqid, cid, status);
        }
        storeCount();
    }

    /** Makes sure that its memory can be reached, in whichever way; it is not used before. */
    boolean reach(GuestMemory guest) {
        boolean reached = memory.reach(guest);
        mirror = memory.mirror();
        return reached;
    }

    /** It is a new one. */
    void begin() {
        record.beginCq();
        sent = 0;
        if (mirror != null) {
            mirror.zero();
        }
    }

    /** Whether its entries go by messages. */
    boolean isMirrored() {
        return mirror != null;
    }

    /** Whether the guest sees all that has been posted. */
    boolean isVisible() {
        return isVisible(count);
    }

    /** Whether it sees so many of them. */
    boolean isVisible(long completions) {
        return mirror == null || sent >= completions;
    }

    /** Takes what has been posted to the guest, where it is mirrored. Returns how many entries have got there. */
    int exchange() {
        int moved = mirror.advance(tail);
        if (mirror.fault() != 0) {
            listener.queueMemoryUnreachable(qid, true, mirror.fault());
        }
        if (moved > 0) {
            sent += moved;
            record.setCqSent(sent);
            unsignalled += moved;
            anyFailed |= anyUnsentFailed; // or one that is still to be sent: it is told a little early
            anyUnsentFailed &= sent != count;
        }
        return moved;
    }

    /** Whether completions have been posted since {@link #signalled} that the guest wants an interrupt for. */
    boolean isSignalDue() {
        return unsignalled > 0 && vector != NO_VECTOR;
    }

    /** How many completions have been posted since {@link #signalled}. */
    int unsignalled() {
        return unsignalled;
    }

    /** Whether any of {@link #unsignalled} says that its command has failed. */
    boolean anyFailed() {
        return anyFailed;
    }

    /** What has been posted is told to the guest, or will be. */
    void signalled() {
        unsignalled = 0;
        anyFailed = false;
    }

    /** Whether the guest has completions to consume: what asserts INTx. */
    boolean hasUnconsumed() {
        readHead();
        return head != (mirror == null ? tail : mirror.done());
    }

    /** What the guest has consumed, as far as it has been looked at. */
    int head() {
        return head;
    }

    /** The doorbell, as the guest has written it. */
    int doorbell() {
        return Memory.getIntAcquire(headDoorbellAddress);
    }

    /** The doorbell is elsewhere from now on. */
    void moveDoorbell(long address) {
        headDoorbellAddress = address;
    }

    /** The doorbell has been written by a message: even if its value is the last one again, it is a new one. */
    void doorbellWritten() {
        refusing = false;
        readHead();
    }

    /**
     * Takes the guest's word for what it has consumed, if that can be; else it is told, once for each value. One that was
     * refused stays without effect while it stands there, even if the tail comes to pass it.
     */
    void readHead() {
        int doorbell = Memory.getIntAcquire(headDoorbellAddress);
        if (refusing && doorbell == refusedDoorbell) {
            return;
        }
        int newHead = Doorbells.index(doorbell);
        refusing = newHead != head && !isConsumable(newHead);
        if (refusing) {
            refusedDoorbell = doorbell;
            listener.invalidDoorbell(qid, true, doorbell);
        } else if (newHead != head) {
            head = newHead;
            record.setCqHead(newHead);
        }
    }

    private boolean isConsumable(int newHead) {
        return Rings.isIndex(newHead, entries)
                && Rings.distance(head, newHead, entries) <= Rings.distance(head, tail, entries);
    }
}

package io.sluice.host;

import io.sluice.mem.Memory;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Rings;
import io.sluice.nvme.Sqe;
import java.io.IOException;
import java.util.function.Predicate;

/**
 * One submission queue with the completion queue of the same size that answers it. Submitting, ringing the doorbell and
 * polling are separate, so that a caller batches: one doorbell for many commands, one for many completions.
 *
 * <pre>
 *   submit  ──▶ SQE with CID; tail + 1                   (nothing the device sees yet)
 *   ring    ──▶ SQ tail doorbell, if the tail has moved
 *   poll    ──▶ CQEs whose phase is new ──▶ slot free ──▶ listener ──▶ CQ head doorbell, once
 * </pre>
 *
 * <p>A slot is one outstanding command: its CID ({@link Cids}), its token, its page for a PRP list. There is one slot less than
 * the queue has entries, so the queue cannot be overrun: entries that the device has not fetched belong to outstanding slots.
 *
 * <p>For one thread at a time. Nothing here allocates or waits, apart from a doorbell that is not mapped. What the device
 * writes is not trusted: a completion that no device may post fails the queue pair with a {@link DeviceFailure}, and every
 * later call says the same until {@link NvmeDriver#supervise} has reset the controller.
 *
 * <p>A reset ends every outstanding command exactly once, on this thread, in {@link #poll}, with a {@link DriverStatus}; {@link
 * PairState} has the steps, and {@link Deadlines} what comes before.
 */
public final class QueuePair extends NvmSubmissions {
    /** The longest transfer that one PRP list page describes at any page offset, in bytes: 2 MiB. */
    public static final int MAX_TRANSFER_BYTES = Memory.PAGE_BYTES / Long.BYTES * Memory.PAGE_BYTES;

    private final String name;
    private final int qid;
    private final int entries;
    private final QueueMemory memory;
    private final Doorbell sqTailDoorbell;
    private final Doorbell cqHeadDoorbell;
    private final PairRecord record;
    private final SlotTable slots;
    private final int maxTransferBytes;
    private final boolean sgl;
    private final Alarm alarm;
    private final Deadlines deadlines;
    private final PairState state = new PairState();

    private int begun = -1;
    private int sqTail;
    private int rungSqTail;

    /** Entries of the submission queue since its creation. */
    private long submitted;

    private int cqHead;
    private int rungCqHead;

    /** Entries of the completion queue since its creation, as far as the device has been told. */
    private long consumed;

    private int phase = Rings.FIRST_PHASE;
    private long resetGeneration;
    private DeviceFailure failure;
    private volatile boolean closed;

    private Predicate<InternalError> othersFault = fault -> false;

    /**
     * @param name for messages: the queue and the device
     * @param memory zeroed, of this pair alone
     * @param record all zeroes, or before {@link #takeOver} what another process has left
     * @param alarm hears of late commands and failures
     */
    QueuePair(
            String name,
            int qid,
            QueueMemory memory,
            PairRecord record,
            Doorbell sqTailDoorbell,
            Doorbell cqHeadDoorbell,
            PairTraits traits,
            Alarm alarm) {
        this.alarm = alarm;
        this.name = name;
        this.qid = qid;
        this.entries = memory.entries();
        this.memory = memory;
        this.record = record;
        this.sqTailDoorbell = sqTailDoorbell;
        this.cqHeadDoorbell = cqHeadDoorbell;
        this.slots = new SlotTable(entries - 1, record);
        this.deadlines = new Deadlines(this, name, slots, traits.timeouts(), alarm);
        this.maxTransferBytes = Math.min(traits.maxTransferBytes(), MAX_TRANSFER_BYTES);
        this.sgl = traits.sgl();
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
     * Begins a command of any kind. Nothing has happened until {@link #commit}: a command that is not committed leaves no
     * trace.
     *
     * @return the address of its entry, cleared but for opcode, CID and NSID, for the caller to fill in; 0 if all slots are
     *     outstanding, or until the controller has been reset: in both cases poll, then try again
     * @throws IllegalStateException if the driver has been closed
     */
    @Override
    public long begin(int opcode, int nsid) {
        int slot = nextSlot();
        if (slot < 0) {
            return 0;
        }
        begun = slot;
        long sqe = memory.sqe(sqTail);
        Sqe.begin(sqe, opcode, slots.nextCid(slot), nsid);
        return sqe;
    }

    /**
     * Points the command that has been begun at its data, with a PRP list in the slot's own page where it takes one,
     * or with an SGL where the driver was started so.
     *
     * @param sqe from {@link #begin}
     * @param iova of the data: contiguous for the device, a multiple of 4
     * @param bytes 1 to {@link #maxTransferBytes}
     */
    @Override
    public void setData(long sqe, long iova, int bytes) {
        if (bytes <= 0 || bytes > maxTransferBytes) {
            throw new IllegalArgumentException(
                    "a transfer of " + bytes + " bytes: it must be 1 to " + maxTransferBytes + " on " + name);
        }
        if (sgl) {
            Sqe.setSglDataBlock(sqe, iova, bytes);
            return;
        }
        Prps.set(sqe, iova, bytes, memory.listAddress(begun), memory.listIova(begun));
    }

    /**
     * The slot that the next command takes, so that its caller can have a record of its own ready before, or a PRP list in the
     * slot's page. It is the caller's until the command ends.
     *
     * @return 0 to {@link #depth} less one; -1 as {@link #begin} gives 0
     */
    public int nextSlot() {
        if (closed) {
            throw new IllegalStateException(name + " has been closed");
        }
        return failure == null && state.isRunning() ? slots.peek() : -1;
    }

    /** The slot of the command that has been begun, and not committed; -1 if there is none. */
    public int begunSlot() {
        return begun;
    }

    /** Address of a slot's page for a PRP list, 512 entries, as this process sees it. */
    public long listAddress(int slot) {
        return memory.listAddress(slot);
    }

    /** The same page as the device sees it. */
    public long listIova(int slot) {
        return memory.listIova(slot);
    }

    /**
     * Submits a command as somebody else has made it, data pointer included; only its CID is the driver's. Deadline, reset and
     * death are those of any other command. What it says is for the caller to answer for: nothing is checked.
     *
     * @param sqe address of its 64 bytes, 8-byte aligned, which nobody else can change meanwhile
     * @param token comes back with the completion: the slot, say
     * @return the slot that it has taken, which is {@link #nextSlot}; -1 as {@link #begin} gives 0
     */
    public int submitRaw(long sqe, long token) {
        int slot = nextSlot();
        if (slot >= 0) {
            begun = slot;
            long entry = memory.sqe(sqTail);
            Sqe.copy(sqe, entry);
            Sqe.setCid(entry, slots.nextCid(slot));
            commit(token);
        }
        return slot;
    }

    /**
     * Submits the command that was begun; the device is told by {@link #ring}. Between the two, {@link #poll} may be called, but
     * its listener must not submit.
     *
     * @throws IllegalStateException if none was begun, or a reset has emptied the queue since
     */
    @Override
    public void commit(long token) {
        if (begun < 0) {
            throw new IllegalStateException("no command was begun on " + name + " since it was last empty");
        }
        slots.take(begun, token, submitted);
        begun = -1;
        submitted++;
        sqTail = Rings.next(sqTail, entries);
    }

    /**
     * Tells the device of all that was submitted since the last call, if anything.
     *
     * @throws DeviceFailure if the queue pair has failed
     * @throws IOException if the doorbell goes by message and the device cannot be reached
     */
    public void ring() throws IOException {
        if (!state.isRunning()) {
            if (state.mode() == PairState.Mode.DEAD) {
                throw state.death();
            }
            return;
        }
        throwIfFailed();
        if (rungSqTail == sqTail) {
            return;
        }
        rungSqTail = sqTail;
        record.setSqCount(submitted);
        try {
            record.beforeEffect();
            sqTailDoorbell.ring(sqTail);
        } catch (InternalError e) {
            if (!othersFault.test(e)) {
                throw fail("cannot be reached any more: its doorbells are not decoded, or were taken away", e);
            }
            rungSqTail = -1; // perhaps it was rung: once more does no harm, and once too little does
        }
    }

    // ---- poll

    /**
     * Hands completions to the listener, in the order in which the device posted them; after a reset, what the reset has
     * ended.
     *
     * @param limit the most to hand over, 1 or more
     * @return how many there were
     * @throws DeviceFailure if the device posted what it may not, now or earlier, and has not been reset since; or if it is
     *     dead, and all commands have been handed over
     * @throws IOException if the doorbell goes by message and the device cannot be reached
     */
    public int poll(CompletionListener listener, int limit) throws IOException {
        if (!state.isRunning()) {
            return pollStopped(listener, limit);
        }
        throwIfFailed();
        try {
            return pollRunning(listener, limit);
        } catch (InternalError e) {
            if (!othersFault.test(e)) {
                throw memoryTaken(e);
            }
            return 0;
        }
    }

    /**
     * Has somebody asked about each access error that comes up here, before it fails the queue pair: Java may tell late of one
     * that is somebody else's. True says that it is, and was dealt with.
     */
    public void onAccessError(Predicate<InternalError> isDealtWith) {
        othersFault = isDealtWith;
    }

    /** Fails the queue pair for an access to memory that is gone, which a poller has met outside of this class; returns what it is to throw. */
    public DeviceFailure memoryTaken(InternalError late) {
        return fail("cannot be polled any more: memory under it was taken away, or is not decoded", late);
    }

    private int pollRunning(CompletionListener listener, int limit) throws IOException {
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
        if (cqHead != rungCqHead) {
            ringCqHead();
            state.noteWork();
        }
        return count;
    }

    private void ringCqHead() throws IOException {
        int more = cqHead - rungCqHead;
        consumed += more > 0 ? more : more + entries;
        record.setCqCount(consumed);
        record.beforeEffect();
        cqHeadDoorbell.ring(cqHead);
        rungCqHead = cqHead;
    }

    private int pollStopped(CompletionListener listener, int limit) throws DeviceFailure {
        return switch (state.mode()) {
            case ENDING -> endForReset(listener, limit);
            case DEAD -> endForGood(listener, limit);
            case RUNNING, HALTED, QUIET -> 0;
        };
    }

    private int endForReset(CompletionListener listener, int limit) {
        int count = drain(listener, limit);
        count += endOutstanding(listener, limit - count, DriverStatus.CONTROLLER_RESET);
        if (slots.outstanding() == 0) {
            restart();
            resetGeneration++;
            state.quiet();
        }
        return count;
    }

    private int endForGood(CompletionListener listener, int limit) throws DeviceFailure {
        if (slots.outstanding() == 0) {
            throw state.death();
        }
        int count = drain(listener, limit);
        return count + endOutstanding(listener, limit - count, state.deathStatus());
    }

    /**
     * What the device had posted before it was stopped: those commands are done. It ends at the first entry that no device may
     * post, and a queue that has failed before is not believed at all.
     */
    private int drain(CompletionListener listener, int limit) {
        int count = 0;
        try {
            while (count < limit && failure == null && !closed) {
                long cqe = memory.cqe(cqHead);
                long tail = Cqe.tail(cqe);
                int slot = believed(tail);
                if (Cqe.phase(tail) != phase || slot < 0) {
                    break;
                }
                take(slot, tail, Cqe.dw0(cqe), listener);
                count++;
            }
        } catch (InternalError e) {
            failure = new DeviceFailure(name + " cannot be read any more: its memory was taken away", e);
        }
        return count;
    }

    private int endOutstanding(CompletionListener listener, int limit, int status) {
        int count = 0;
        for (int slot = 0; slot < slots.count() && count < limit; slot++) {
            if (slots.isOutstanding(slot)) {
                end(slot, status, 0, listener);
                count++;
            }
        }
        return count;
    }

    /** As when created: empty queues, in the same memory. Nothing may be outstanding, and the controller is disabled. */
    private void restart() {
        memory.clearQueues();
        sqTailDoorbell.restart();
        cqHeadDoorbell.restart();
        begun = -1;
        sqTail = 0;
        rungSqTail = 0;
        cqHead = 0;
        rungCqHead = 0;
        phase = Rings.FIRST_PHASE;
        failure = null;
        submitted = 0;
        consumed = 0;
        record.setSqCount(0);
        record.setCqCount(0);
    }

    /** A command has ended: its slot is free for the next one from within the listener, and for who comes after this process, after it. */
    private void end(int slot, int status, int dw0, CompletionListener listener) {
        long token = release(slot);
        try {
            listener.onCompletion(token, status, dw0);
        } finally {
            if (!closed) {
                slots.settle(slot);
            }
        }
    }

    private long release(int slot) {
        if (slots.isLate(slot)) {
            deadlines.lateEnded(slot);
        }
        return slots.release(slot);
    }

    private void throwIfFailed() throws DeviceFailure {
        if (failure != null) {
            throw failure;
        }
    }

    // ---- deadlines

    /**
     * Tells the time, once in each of the poller's duty cycles, after {@link #poll}. A command that has been outstanding for
     * too long is aborted, and if that does not end it, the controller is reset; both by {@link NvmeDriver#supervise}. Without
     * these calls commands have no deadline.
     *
     * @param nowNanos of the driver's {@link DriverClock}; it is looked at no more often than this
     */
    public void checkDeadlines(long nowNanos) {
        deadlines.check(nowNanos, state);
    }

    /**
     * Has a command aborted before its time is over, by the next {@link NvmeDriver#supervise}. It ends as it would have, with its
     * own completion and in its own time, before which the controller is not reset; until then its memory, when it is closed,
     * stays mapped. For who cannot wait as long, as a guest that unmaps memory.
     *
     * @param slot if it is not outstanding, this does nothing
     */
    public void abort(int slot) {
        if (slots.isOutstanding(slot) && !slots.isLate(slot)) {
            deadlines.abort(slot);
        }
    }

    /**
     * Whether the device may still use the memory of a slot's command: until it is completed, or a reset has ended it, in {@link
     * #poll}. The slot may be a later command's by then: see {@link #resetGeneration}, and the caller's own completions.
     */
    public boolean isHeld(int slot) {
        return slots.isOutstanding(slot);
    }

    /** How often a reset has ended all commands. */
    public long resetGeneration() {
        return resetGeneration;
    }

    /** How many of the outstanding commands are late. */
    int late() {
        return slots.late();
    }

    /** Whether the command that has this CID is late; a hint on other threads than the poller's. */
    boolean isLate(int cid) {
        int slot = slots.find(cid);
        return slot >= 0 && slots.isLate(slot);
    }

    // ---- what another process has left

    /**
     * Goes on with queues that another process has left and the device has still: its commands are outstanding here, with its tokens
     * and time enough. Those that the device was not told of are forgotten.
     */
    void takeOver() throws IOException {
        takeOverStopped();
        record.beforeEffect();
        if (slots.outstanding() > 0) {
            sqTailDoorbell.ringAgain(sqTail);
        } else {
            sqTailDoorbell.resumeAt(sqTail);
        }
        if (consumed > 0) {
            cqHeadDoorbell.ringAgain(cqHead);
        }
    }

    /** The same of queues that the device does not have any more, and that are about to be reset: nobody is told. */
    void takeOverStopped() {
        slots.takeOver();
        submitted = record.sqCount();
        consumed = record.cqCount();
        sqTail = (int) (submitted % entries);
        rungSqTail = sqTail;
        cqHead = (int) (consumed % entries);
        rungCqHead = cqHead;
        phase = consumed / entries % 2 == 0 ? Rings.FIRST_PHASE : 1 - Rings.FIRST_PHASE;
        skipWhatHasEnded();
    }

    /** Entries of commands that have ended had been taken, and the device was not told that it may use them again. */
    private void skipWhatHasEnded() {
        int head = rungCqHead;
        for (int i = 1; i < entries; i++) {
            long tail = Cqe.tail(memory.cqe(head));
            if (Cqe.phase(tail) != phase || believed(tail) >= 0) {
                break;
            }
            head = Rings.next(head, entries);
            phase = Rings.phaseAt(head, phase);
            consumed++;
        }
        cqHead = head;
        rungCqHead = head;
        record.setCqCount(consumed);
    }

    /** How many commands of another process are outstanding still. From any thread. */
    public int inherited() {
        return slots.inherited();
    }

    /** The token of the command that is outstanding in a slot; -1 if none is. */
    public long outstandingToken(int slot) {
        return slots.isOutstanding(slot) ? slots.token(slot) : -1;
    }

    /** The command of an outstanding slot comes with another token, also to who comes after this process. */
    public void setToken(int slot, long token) {
        slots.setToken(slot, token);
    }

    // ---- reset

    /** What the supervising thread makes of the pair. */
    PairState state() {
        return state;
    }

    PairState.Mode mode() {
        return state.mode();
    }

    /** Whether a reset of the controller is under way, which is not over before {@link #poll} has met it, commands or none. */
    public boolean isResetting() {
        return !state.isRunning() && state.mode() != PairState.Mode.DEAD;
    }

    /** For the admin queue, whose owner has a record of its commands: empty again, the commands forgotten. */
    void restartForgetting() {
        slots.freeAll();
        restart();
    }

    private void complete(long tail, int dw0, CompletionListener listener) throws DeviceFailure {
        int slot = believed(tail);
        if (slot < 0) {
            throw fail(
                    "posted a completion " + FalseCompletion.why(tail, qid, entries) + " (entry " + cqHead
                            + "); its state cannot be trusted any more",
                    null);
        }
        take(slot, tail, dw0, listener);
    }

    /** The slot whose command a completion ends, or -1 if no device may post it. */
    private int believed(long tail) {
        return Cqe.sqid(tail) == qid && Cqe.sqHead(tail) < entries ? slots.find(Cqe.cid(tail)) : -1;
    }

    private void take(int slot, long tail, int dw0, CompletionListener listener) {
        cqHead = Rings.next(cqHead, entries);
        phase = Rings.phaseAt(cqHead, phase);
        end(slot, Cqe.status(tail), dw0, listener);
    }

    /** The queues' memory goes away: from now on every call fails, instead of touching it. */
    void close() {
        closed = true;
        state.die(new DeviceFailure(name + " has been closed"), DriverStatus.DEVICE_LOST);
    }

    private DeviceFailure fail(String what, InternalError cause) {
        DeviceFailure why = new DeviceFailure(name + " " + what + ": reset the device", cause);
        failure = why;
        alarm.failed(why.getMessage());
        return why;
    }
}

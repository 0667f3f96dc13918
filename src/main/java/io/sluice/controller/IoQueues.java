package io.sluice.controller;

import io.sluice.dma.GuestMemory;
import io.sluice.linux.LinuxException;
import io.sluice.mem.Bits;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.state.SnapshotReader;
import io.sluice.state.SnapshotWriter;

/**
 * The I/O queues of one controller and the commands in them. Belongs to the controller's agent.
 *
 * <pre>
 *   doorbell ──▶ slot ──▶ completion space ──▶ copy SQE ──▶ gate, PRPs ──▶ IoPath ──▶ CQE ──▶ interrupt, one a batch
 * </pre>
 *
 * <p>Queue identifiers are checked by the admin commands; here they are valid, 1 to the largest.
 */
final class IoQueues implements AutoCloseable {
    /** Commands after which a queue's turn ends. */
    static final int BATCH = 32;

    /** Bytes after which a queue's turn ends: one command of the default's largest size. */
    static final int TURN_BYTES = 1 << 20;

    /**
     * Bytes after which a duty cycle takes no more commands, so that whoever waits for the cycle's end (a register write, a
     * reset, an unmap) waits for a millisecond or so, whatever all the queues hold.
     */
    static final int CYCLE_BYTES = 4 << 20;

    /** What the gate says of a command whose lists or data are where it cannot reach them. */
    private static final int UNREACHABLE = Status.DATA_TRANSFER_ERROR.code();

    private final IoPath path;
    private final IoGate gate;
    private final InterruptSink interrupts;
    private final QueueListener listener;
    private final DoorbellBuffers doorbells;
    private final IoSlots slots;
    private final FusedCommands fused;
    private final IoCounters counters;
    private final Replays replays;

    private final IoQueueTable table;

    /** The active submission queue that has the first turn of the next cycle. */
    private int firstTurn;

    /** Whether a fault has cut a cycle short, so that interrupts may be owed. */
    private boolean cutShort;

    /** Second commands of fused ones that have been taken in this turn, which nobody else counts. */
    private int secondsTaken;

    /** What commands may still move in this cycle. */
    private long bytesLeft;

    private GuestMemory memory;
    private Translator translator;
    private long epoch;
    private int headToCheck;

    private final StagedCommands staging;

    /**
     * Queues of a controller that is not enabled.
     *
     * @param maxQueuePairs the largest queue identifier
     * @param bar0Address where the doorbells' page is mapped here: the address of BAR0's byte 0
     * @param maxTransferBytes as Identify Controller's MDTS says
     * @param state what of it outlives this process
     */
    IoQueues(
            IoPath path,
            int maxQueuePairs,
            int maxTransferBytes,
            long bar0Address,
            InterruptSink interrupts,
            QueueListener listener,
            ControllerState state)
            throws LinuxException {
        this.path = path;
        this.gate = new IoGate(path, maxTransferBytes);
        this.interrupts = interrupts;
        this.listener = listener;
        this.doorbells = new DoorbellBuffers(bar0Address);
        this.counters = new IoCounters(state.counters(), state.stores());
        this.slots = new IoSlots(this, state, IoGate.maxPieces(path, maxTransferBytes));
        this.staging = new StagedCommands(path, gate, this::end, listener, maxTransferBytes);
        this.fused = new FusedCommands(path, gate, slots, staging, this::end);
        this.replays = new Replays(path, gate, staging, fused, this::end);
        this.table = new IoQueueTable(maxQueuePairs, path, doorbells, listener, state);
    }

    /** The controller is enabled with this memory page size; there are no queues. */
    void enable(GuestMemory guestMemory, int memoryPageBytes) {
        memory = guestMemory;
        translator = memory.hostView();
        doorbells.enable(translator);
        table.enable(memory);
        gate.enable(translator, path.dataView(memory), memoryPageBytes);
        staging.enable(memory, memoryPageBytes);
    }

    /** The guest has switched the volatile write cache on, as it is after a reset, or off. */
    void setWriteCache(boolean on) {
        gate.setWriteThrough(!on);
    }

    /** The guest's memory has changed, or the first cycle of a new client begins: addresses of before are forgotten. */
    void memoryChanged(long newEpoch) {
        epoch = newEpoch;
        doorbells.memoryChanged(table.activeSubmissionQueues(), table.activeCompletionQueues());
        table.memoryChanged();
        staging.memoryChanged(newEpoch);
    }

    /** Whether a queue has commands that are not taken: for want of room for their completion, or because the path was busy. */
    boolean hasWork() {
        for (VirtualSubmissionQueue queue : table.activeSubmissionQueues()) {
            if (queue.available() > 0 || queue.isFetching()) {
                return true;
            }
        }
        return !isVisible() || doorbells.isLost() || !replays.isEmpty();
    }

    /** Whether the guest sees all completions that have been posted. */
    boolean isVisible() {
        for (VirtualCompletionQueue queue : table.activeCompletionQueues()) {
            if (!queue.isVisible()) {
                return false;
            }
        }
        return true;
    }

    /** Whether any command is pending. */
    boolean anyPending() {
        return slots.pendingCount() > 0;
    }

    /** Whether a pending command still uses memory as it was before an epoch. */
    boolean anyPendingBefore(long newEpoch) {
        return slots.pendingCount() > 0 && slots.anyPendingBefore(newEpoch);
    }

    /** The namespaces of the path have changed. */
    void renewNamespaces() {
        gate.renewNamespaces();
    }

    /** One namespace has no more than some blocks for commands that come from now on; with 0 it is not there. */
    void limitNamespace(int nsid, long blockCount) {
        gate.limitNamespace(nsid, blockCount);
    }

    /** See {@link IoSlots#anyReaching}. */
    boolean anyReaching(int nsid, long slba) {
        return slots.anyReaching(nsid, slba);
    }

    boolean hasCompletionQueue(int qid) {
        return table.completionQueue(qid) != null;
    }

    boolean hasSubmissionQueue(int qid) {
        return table.submissionQueue(qid) != null;
    }

    /** Whether a completion queue is in use by a submission queue. */
    boolean isCompletionQueueUsed(int qid) {
        return table.completionQueue(qid).submissionQueues() > 0;
    }

    boolean isEmpty() {
        return table.isEmpty();
    }

    /** See {@link IoQueueTable#createCompletionQueue}. */
    boolean createCompletionQueue(int qid, int entries, long baseGpa, int vector) {
        return table.createCompletionQueue(qid, entries, baseGpa, vector);
    }

    /** See {@link IoQueueTable#createSubmissionQueue}. */
    boolean createSubmissionQueue(int qid, int entries, long baseGpa, int cqid) {
        return table.createSubmissionQueue(qid, entries, baseGpa, cqid);
    }

    // ---- what outlives this process

    /** Writes which queues there are; the rest is in the records of slots and rings. */
    void save(SnapshotWriter out) {
        doorbells.save(out);
        table.save(out);
    }

    /**
     * Goes on where another process was, after {@link #enable}.
     *
     * @return whether all queues can be reached; if not, nothing must be done with them but a reset
     */
    boolean resume(SnapshotReader in, long newEpoch) {
        epoch = newEpoch;
        counters.resume();
        doorbells.resume(in);
        SlotRecovery recovery = new SlotRecovery(path, gate, table, slots, replays, epoch);
        if (!table.resume(in)) {
            recovery.dropAll();
            return false;
        }
        doorbells.memoryChanged(table.activeSubmissionQueues(), table.activeCompletionQueues());
        table.resumeQueues();
        recovery.run();
        table.signalAgain();
        signal();
        return true;
    }

    /**
     * Deletes a completion queue that no submission queue uses.
     *
     * @return whether that is done; if not, to be called again in a later cycle
     */
    boolean deleteCompletionQueue(int qid) {
        VirtualCompletionQueue queue = table.completionQueue(qid);
        if (!queue.isVisible()) {
            return false;
        }
        table.remove(queue);
        if (queue.vector() != VirtualCompletionQueue.NO_VECTOR) {
            interrupts.queueDeleted(queue.vector());
        }
        return true;
    }

    /**
     * Deletes a submission queue: takes nothing more from it, has its pending commands ended.
     *
     * @return whether that is done; if not, to be called again in a later cycle
     */
    boolean deleteSubmissionQueue(int qid) {
        VirtualSubmissionQueue queue = table.submissionQueue(qid);
        queue.beginDeletion();
        if (queue.pending() > 0) {
            slots.cancel(this::cancel, queue);
        }
        signal();
        if (queue.pending() > 0 || !queue.isEndVisible()) {
            return false;
        }
        table.remove(queue);
        return true;
    }

    /**
     * Ends everything: the controller is being reset. No completion is posted any more.
     *
     * @return whether nothing is pending; if not, to be called again in a later cycle
     */
    boolean reset() {
        slots.dropAll(); // first: whatever fails after this, nothing reaches the guest
        path.settleAbandoned();
        doorbells.clear();
        table.clear();
        if (slots.pendingCount() > 0) {
            if (memory.isOutOfReach()) {
                path.endLost();
            }
            slots.cancel(this::cancel, null);
        }
        return slots.pendingCount() == 0;
    }

    /** A doorbell of an existing queue has been written by a message. */
    void doorbellWritten(int qid, boolean cqHead) {
        if (cqHead) {
            table.completionQueue(qid).doorbellWritten();
        } else {
            table.submissionQueue(qid).doorbellWritten();
        }
    }

    /**
     * Moves all doorbells to buffers of the guest's; see {@link DoorbellBuffers}.
     *
     * @param pageBytes CC.MPS, of which both addresses are multiples
     * @return 0, or which of the two cannot be reached, 1 or 2; nothing is moved then
     */
    int configureDoorbells(long shadowGpa, long eventIdxGpa, int pageBytes) {
        if (!doorbells.isReachable(shadowGpa, pageBytes)) {
            return 1;
        }
        if (!doorbells.isReachable(eventIdxGpa, pageBytes)) {
            return 2;
        }
        doorbells.configure(shadowGpa, eventIdxGpa, table.activeSubmissionQueues(), table.activeCompletionQueues());
        return 0;
    }

    /**
     * For an agent that is about to rest, and whose doorbells come as messages: asks for these also where the guest has
     * doorbells in its memory. Whether the agent may rest; see {@link DoorbellBuffers#arm}.
     *
     * @param pinAsserted whether the guest's taking of completions has to be seen
     */
    boolean armDoorbells(boolean untilWoken, boolean pinAsserted) {
        return !doorbells.isConfigured() || (!pinAsserted && doorbells.arm(table.activeSubmissionQueues(), untilWoken));
    }

    /**
     * Goes on with pending commands; takes and does new ones, a turn for each queue; raises interrupts. Moves no more than
     * {@link #CYCLE_BYTES} and one command, a step of the path's pending ones aside.
     */
    int doWork() {
        boolean signalOwed = cutShort;
        cutShort = true; // until the end of this cycle
        if (doorbells.isLost()) {
            listener.doorbellBufferUnreachable(doorbells.fault());
        }
        int work = poll() + takeTurns();
        if (work > 0 || signalOwed) {
            signal();
            counters.save();
        }
        cutShort = false;
        return work;
    }

    /**
     * Looks at one completion queue's doorbell, the next one at each call: for cycles in which there is nothing to do. A queue
     * in use reads it only when it seems full, so a bad value might otherwise never be noticed.
     */
    void checkAHead() {
        VirtualCompletionQueue[] queues = table.activeCompletionQueues();
        if (queues.length > 0) {
            headToCheck = headToCheck + 1 < queues.length ? headToCheck + 1 : 0;
            queues[headToCheck].readHead();
        }
    }

    /** Goes on with what is pending, and takes nothing new: the controller is shutting down, or may not read memory. */
    int finish() {
        int work = poll();
        if (work > 0) {
            signal();
        }
        return work;
    }

    private int poll() {
        int work = slots.pendingCount() > 0 ? path.poll() + replays.doWork() : 0;
        return table.anyMirrored() || !staging.isIdle() ? work + exchange() : work;
    }

    /** Goes on with what waits for messages. */
    private int exchange() {
        int work = staging.poll();
        if (table.anyMirrored()) {
            for (VirtualSubmissionQueue queue : table.activeSubmissionQueues()) {
                work += queue.isMirrored() ? queue.exchange() : 0;
            }
            for (VirtualCompletionQueue queue : table.activeCompletionQueues()) {
                work += queue.isMirrored() ? queue.exchange() : 0;
            }
        }
        return work;
    }

    /**
     * Slots, bytes or completion space may be used up before all queues have had their turn. So the next cycle begins after
     * the first queue that took something in this one: each that has commands comes first in its time.
     */
    private int takeTurns() {
        VirtualSubmissionQueue[] queues = table.activeSubmissionQueues();
        int taken = 0;
        int at = firstTurn < queues.length ? firstTurn : 0; // or there are fewer by now
        bytesLeft = CYCLE_BYTES;
        for (int turn = 0; turn < queues.length && bytesLeft > 0; turn++) {
            int takenBefore = taken;
            taken += serve(queues[at]);
            at = at + 1 < queues.length ? at + 1 : 0;
            if (takenBefore == 0 && taken > 0) {
                firstTurn = at;
            }
        }
        return taken;
    }

    private int serve(VirtualSubmissionQueue queue) {
        int limit = Math.min(queue.available(), BATCH);
        if (queue.deleting()) {
            return 0;
        }
        long turnEnd = Math.max(bytesLeft - TURN_BYTES, 0);
        int taken = 0;
        secondsTaken = 0;
        while (taken + secondsTaken < limit && bytesLeft > turnEnd && takeOne(queue)) {
            taken++;
        }
        return taken;
    }

    /** See {@link IoPath#endLost}. */
    void endLost() {
        path.endLost();
    }

    /** Nothing is consumed before there is room for its completion and a slot. */
    private boolean takeOne(VirtualSubmissionQueue queue) {
        if (slots.isFull() || queue.isFull()) {
            return false;
        }
        IoCommand command = slots.next();
        VirtualCompletionQueue completions = queue.completionQueue();
        if (!completions.reserve()) {
            return false;
        }
        if (!queue.fetch(command.sqeAddress())) {
            completions.release();
            return false;
        }
        int status;
        try {
            status = begin(command, queue);
        } catch (RuntimeException | Error fault) {
            status = cutShort(command, queue, fault);
            conclude(command, queue, status);
            throw fault;
        }
        return conclude(command, queue, status);
    }

    /** It is pending before the path has it, and until the path has said that it has not: no fault can come between the two. */
    private int begin(IoCommand command, VirtualSubmissionQueue queue) {
        command.take(queue, epoch, Sqe.cid(Memory.hint(command.sqeAddress())));
        int status = gate.admit(command);
        boolean staged = status == UNREACHABLE && staging.isEnabled();
        if (status == Status.OK || staged) {
            slots.hold();
            queue.addPending(1);
            status = staged ? staging.begin(command, false) : path.submit(command);
            if (status != IoPath.PENDING) {
                queue.addPending(-1);
                slots.free(command);
            }
        } else if (status == IoGate.FUSED) {
            return takeFused(command, queue);
        }
        return status;
    }

    private void cancel(IoCommand command) {
        if (!replays.cancel(command) && !staging.cancel(command)) {
            path.cancel(command);
        }
    }

    /** The client has left, and nothing of it is in use any more. */
    void clientHasLeft() {
        staging.clientHasLeft();
    }

    private int takeFused(IoCommand first, VirtualSubmissionQueue queue) {
        int status = fused.take(queue, first, epoch);
        secondsTaken += status == IoPath.PENDING ? 1 : 0;
        return status;
    }

    /** Answers a command, or puts it back. Whether it has been taken. */
    private boolean conclude(IoCommand command, VirtualSubmissionQueue queue, int status) {
        if (status == IoPath.BUSY) {
            queue.putBack();
            queue.completionQueue().release();
            return false;
        }
        queue.setFaulted(false);
        if (status == IoPath.PENDING) {
            if (!fused.isFirst(command)) {
                command.recordTaken(SlotRecord.ALONE);
                queue.storeHead();
                command.record().held(true);
            }
            return true;
        }
        post(command, queue, account(command, status));
        queue.storeHead();
        return true;
    }

    /**
     * A fault has come up while a command was begun. It may be told late and be another guest's, so the command is put back, as
     * if it had not been looked at. If it meets one again, that is of its own memory, which is gone, and ends it.
     */
    private int cutShort(IoCommand command, VirtualSubmissionQueue queue, Throwable fault) {
        if (fused.hasEnded(command)) {
            return IoPath.PENDING;
        }
        if (command.isHeld()) {
            if (command.staged() != null || path.has(command)) {
                return IoPath.PENDING;
            }
            queue.addPending(-1);
            slots.free(command);
        }
        if (fault instanceof InternalError && queue.hasFaulted()) {
            return Status.DATA_TRANSFER_ERROR.code();
        }
        queue.setFaulted(true);
        return IoPath.BUSY;
    }

    private static void post(IoCommand command, VirtualSubmissionQueue queue, int status) {
        queue.completionQueue().post(command.result(), queue.head(), queue.qid(), command.guestCid(), status);
    }

    /** Counts a command that has ended, or logs what it met. Returns the status to post. */
    private int account(IoCommand command, int status) {
        if (Status.isSuccess(status)) {
            counters.succeeded(command);
            return status;
        }
        counters.failed(status);
        return listener.commandFailed(command, status);
    }

    /** See {@link IoCommand#spend}. */
    void spend(long bytes) {
        bytesLeft -= bytes;
    }

    /** See {@link IoCommand#complete}. */
    void complete(IoCommand command, int status) {
        if (!command.isPending()) {
            throw new IllegalStateException("command " + command.guestCid() + " ended twice");
        }
        if (command.staged() != null) {
            staging.pathEnded(command, status);
        } else {
            end(command, status);
        }
    }

    private void end(IoCommand command, int status) {
        slots.free(command);
        if (!command.isDropped()) {
            VirtualSubmissionQueue queue = command.queue();
            queue.addPending(-1);
            fused.firstEnded(command, status);
            int posted = account(command, status);
            VirtualCompletionQueue completions = queue.completionQueue();
            command.record().posting(posted, command.result(), completions.count());
            post(command, queue, posted);
            completions.storeCount();
        }
        command.record().free();
    }

    private void signal() {
        for (VirtualCompletionQueue queue : table.activeCompletionQueues()) {
            if (queue.isSignalDue()) {
                interrupts.completionsPosted(queue.vector(), queue.unsignalled(), queue.anyFailed());
                queue.signalled();
            }
        }
    }

    /** Whether the guest has completions to consume in a queue whose vector raises INTx and is not masked. */
    boolean assertsIntx(int maskedVectors) {
        for (VirtualCompletionQueue queue : table.activeCompletionQueues()) {
            if (queue.vector() != VirtualCompletionQueue.NO_VECTOR
                    && !Bits.isSet(maskedVectors, queue.vector())
                    && queue.hasUnconsumed()) {
                return true;
            }
        }
        return false;
    }

    /** What commands have done since the controller was made. */
    IoCounters counters() {
        return counters;
    }

    @Override
    public void close() {
        doorbells.close();
        staging.close();
    }
}

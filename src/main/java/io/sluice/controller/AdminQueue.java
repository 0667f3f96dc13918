package io.sluice.controller;

import io.sluice.dma.GuestMemory;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.mem.Bits;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.Aqa;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Sqe;
import io.sluice.state.SnapshotReader;
import io.sluice.state.SnapshotWriter;

/**
 * The admin queue pair and the loop that serves it. Belongs to the controller's agent.
 *
 * <p>Commands are done one after the other. One that cannot end in its step (the deletion of a queue with commands in
 * flight) keeps the queue waiting; it is bounded by how long its {@link IoPath} takes to cancel.
 */
final class AdminQueue implements AsyncEvents.Poster, AutoCloseable {
    /** Commands in one step. */
    private static final int BATCH = 4;

    private static final int QID = 0;

    /** Of an answer that is none. */
    private static final long NONE = -1;

    /** The admin completion queue's interrupt vector: NVMe 1.4, 3.1.10. */
    private static final int VECTOR = 0;

    /** Does commands. */
    interface Executor {
        /** Returns a status, {@link AdminCommand#PARKED} or {@link AdminCommand#UNFINISHED}. */
        int execute(AdminCommand command);

        /** Called with a command's final status, before its completion: returns the status to post. */
        int conclude(AdminCommand command, int status);
    }

    private final long bar0Address;
    private final Executor executor;
    private final InterruptSink interrupts;
    private final QueueListener listener;
    private final ControllerState state;
    private final Runnable commit;
    private final Mapping memory;
    private final AdminCommand command;

    private final AdminStaging staging = new AdminStaging();

    private VirtualCompletionQueue completions;
    private VirtualSubmissionQueue submissions;
    private boolean unfinished;

    /** The completion that is posted after a commit, and where: whoever finds it there and not in the queue posts it. */
    private final Answer answer = new Answer();

    private static final class Answer {
        private int cid;
        private int dw0;
        private int status;
        private long cqCount;

        void save(SnapshotWriter out) {
            out.put(cid);
            out.put(dw0);
            out.put(status);
            out.put(cqCount);
        }

        void resume(SnapshotReader in) {
            cid = in.getInt();
            dw0 = in.getInt();
            status = in.getInt();
            cqCount = in.getLong();
        }
    }

    /**
     * No queue.
     *
     * @param state what of the queues outlives this process
     * @param commit keeps what commands have done, {@link #save} included, before it is answered
     */
    AdminQueue(
            long bar0Address,
            Executor executor,
            InterruptSink interrupts,
            QueueListener listener,
            ControllerState state,
            Runnable commit)
            throws LinuxException {
        this.state = state;
        this.commit = commit;
        this.bar0Address = bar0Address;
        this.executor = executor;
        this.interrupts = interrupts;
        this.listener = listener;
        this.memory = Mapping.anonymous(Memory.PAGE_BYTES, Mapping.PROT_READ | Mapping.PROT_WRITE);
        this.command = new AdminCommand(memory.address());
    }

    /** Makes the queue pair from the registers' values. Null; or why there is no queue: its memory cannot be reached. */
    String open(GuestMemory guest, RegisterFile registers) {
        answer.cqCount = NONE;
        String fault = make(guest, registers);
        if (fault == null) {
            completions.begin();
        }
        return fault;
    }

    private String make(GuestMemory guest, RegisterFile registers) {
        int aqa = registers.aqa();
        Translator hostView = guest.hostView();
        staging.open(guest);
        completions = new VirtualCompletionQueue(
                QID,
                Aqa.cqEntries(aqa),
                registers.acq(),
                VECTOR,
                bar0Address + Doorbells.cqHeadDoorbell(QID),
                hostView,
                listener,
                state);
        submissions = new VirtualSubmissionQueue(
                QID,
                Aqa.sqEntries(aqa),
                registers.asq(),
                bar0Address + Doorbells.sqTailDoorbell(QID),
                completions,
                hostView,
                listener,
                state.ring(QID));
        if (!completions.reach(guest) || !submissions.reach(guest)) {
            forget();
            return "the memory of the admin queues (ASQ 0x" + Long.toHexString(registers.asq()) + ", ACQ 0x"
                    + Long.toHexString(registers.acq()) + ") is not all mapped for reading and for writing";
        }
        return null;
    }

    /** Writes whether there is a queue pair, and how far it has come. */
    void save(SnapshotWriter out) {
        out.put(isOpen());
        out.put(isOpen() ? headAfterEnded() : 0);
        answer.save(out);
    }

    /** A command that has not ended is still the queue's, for the guest and for another process: that one does it from its beginning. */
    private int headAfterEnded() {
        return unfinished ? submissions.headBefore() : submissions.head();
    }

    /** Makes the queue pair that another process had. Null; or why it cannot go on. */
    String resume(SnapshotReader in, GuestMemory guest, RegisterFile registers) {
        boolean wasOpen = in.getBoolean();
        int head = in.getInt();
        answer.resume(in);
        String fault = wasOpen ? make(guest, registers) : null;
        if (!isOpen()) {
            return fault;
        }
        completions.resume();
        submissions.resume(head);
        if (completions.count() == answer.cqCount) {
            completions.postAgain(answer.dw0, head, QID, answer.cid, answer.status);
        }
        completions.signalAgain();
        return null;
    }

    /** Where this queue's commands find their data. */
    Translator dataView() {
        return staging;
    }

    /** The controller is reset: there is no queue any more. */
    void forget() {
        if (submissions != null) {
            completions.memory().close();
            submissions.memory().close();
            staging.close();
        }
        completions = null;
        submissions = null;
        unfinished = false;
    }

    boolean isOpen() {
        return submissions != null;
    }

    /** The guest's memory has changed. */
    void memoryChanged() {
        if (isOpen()) {
            completions.memory().forget();
            submissions.memory().forget();
            staging.memoryChanged();
        }
    }

    /** A doorbell has been written by a message. */
    void doorbellWritten(boolean cqHead) {
        if (cqHead) {
            completions.doorbellWritten();
        } else {
            submissions.doorbellWritten();
        }
    }

    /** Goes on with an unfinished command, then takes new ones. Returns how many ended. */
    int doWork() {
        int moved = exchange();
        int work = 0;
        if (unfinished) {
            work += run() ? 1 : 0;
        }
        while (!unfinished && work < BATCH && take()) {
            run();
            work++;
        }
        return work + moved;
    }

    /** Goes on with the queues' own messages, where their memory is not shared. Returns how many entries have moved. */
    int exchange() {
        int moved = submissions.isMirrored() ? submissions.exchange() : 0;
        return completions.isMirrored() ? moved + completions.exchange() : moved;
    }

    /** Whether its memory is not shared by the guest. */
    boolean isMirrored() {
        return isOpen() && (submissions.isMirrored() || completions.isMirrored());
    }

    /** Whether the guest sees all completions that have been posted. */
    boolean isVisible() {
        return !isOpen() || completions.isVisible();
    }

    /** Whether there is a command that is not done, or not taken, or a completion on its way. */
    boolean hasWork() {
        return isOpen()
                && (unfinished || submissions.available() > 0 || submissions.isFetching() || !completions.isVisible());
    }

    private boolean take() {
        if (submissions.available() == 0 || !completions.reserve()) {
            return false;
        }
        if (!submissions.fetch(command.sqe())) {
            completions.release();
            return false;
        }
        command.begin();
        unfinished = true; // until it has run, which a fault may cut short
        return true;
    }

    /** Whether the command has ended, or waits elsewhere. */
    private boolean run() {
        int result = staging.run(executor, command);
        unfinished = result == AdminCommand.UNFINISHED;
        if (unfinished) {
            return false;
        }
        if (result == AdminCommand.PARKED) {
            completions.release();
            commit.run();
        } else {
            post(Sqe.cid(command.sqe()), command.dw0(), executor.conclude(command, result));
        }
        return true;
    }

    @Override
    public boolean reserve() {
        return completions.reserve();
    }

    @Override
    public void post(int cid, int dw0, int status) {
        answer.cid = cid;
        answer.dw0 = dw0;
        answer.status = status;
        answer.cqCount = completions.count();
        commit.run();
        completions.post(dw0, headAfterEnded(), QID, cid, status);
        completions.storeCount();
    }

    /** Raises the interrupt for what has been posted since the last call. */
    void signal() {
        if (completions.isSignalDue()) {
            completions.signalled();
            interrupts.completionsPosted(VECTOR);
        }
    }

    /** Whether it asserts INTx: the guest has completions to consume, and has not masked the vector. */
    boolean assertsPin(int maskedVectors) {
        return isOpen() && !Bits.isSet(maskedVectors, VECTOR) && completions.hasUnconsumed();
    }

    /** Looks at the completion queue's doorbell, which is otherwise read only when the queue seems full. */
    void checkHead() {
        if (isOpen()) {
            completions.readHead();
        }
    }

    @Override
    public void close() {
        forget();
        memory.close();
    }
}

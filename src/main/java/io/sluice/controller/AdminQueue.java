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
    private final Mapping memory;
    private final AdminCommand command;

    private final AdminStaging staging = new AdminStaging();

    private VirtualCompletionQueue completions;
    private VirtualSubmissionQueue submissions;
    private boolean unfinished;

    AdminQueue(long bar0Address, Executor executor, InterruptSink interrupts, QueueListener listener)
            throws LinuxException {
        this.bar0Address = bar0Address;
        this.executor = executor;
        this.interrupts = interrupts;
        this.listener = listener;
        this.memory = Mapping.anonymous(Memory.PAGE_BYTES, Mapping.PROT_READ | Mapping.PROT_WRITE);
        this.command = new AdminCommand(memory.address());
    }

    /** Makes the queue pair from the registers' values. Null; or why there is no queue: its memory cannot be reached. */
    String open(GuestMemory guest, RegisterFile registers) {
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
                listener);
        submissions = new VirtualSubmissionQueue(
                QID,
                Aqa.sqEntries(aqa),
                registers.asq(),
                bar0Address + Doorbells.sqTailDoorbell(QID),
                completions,
                hostView,
                listener);
        if (!completions.reach(guest) || !submissions.reach(guest)) {
            forget();
            return "the memory of the admin queues (ASQ 0x" + Long.toHexString(registers.asq()) + ", ACQ 0x"
                    + Long.toHexString(registers.acq()) + ") is not all mapped for reading and for writing";
        }
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
        } else {
            int status = executor.conclude(command, result);
            completions.post(command.dw0(), submissions.head(), QID, Sqe.cid(command.sqe()), status);
        }
        return true;
    }

    @Override
    public boolean post(int cid, int dw0, int status) {
        if (!completions.reserve()) {
            return false;
        }
        completions.post(dw0, submissions.head(), QID, cid, status);
        return true;
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

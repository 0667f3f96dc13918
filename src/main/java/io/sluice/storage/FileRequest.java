package io.sluice.storage;

import io.sluice.controller.IoCommand;
import io.sluice.nvme.CopyRange;
import io.sluice.nvme.Pieces;
import io.sluice.nvme.Status;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A command on its way through the workers of a {@link FileStorage}, step by step; used again and again.
 *
 * <pre>
 *   poller                                    worker
 *   IDLE ──queue──▶ QUEUED ──start──────────▶ RUNNING ──finish──▶ IDLE     back at the poller: the next step, or the end
 *                     └──withdraw──▶ WITHDRAWN ──start fails────▶ IDLE     back, and nothing was done
 * </pre>
 */
final class FileRequest {
    /** What a worker does in one step. */
    enum Work {
        READ,
        VERIFY,
        COMPARE,
        WRITE,
        COMPARE_AND_WRITE,
        ZERO,
        COPY,
        DEALLOCATE,
        MARK,
        SYNC;

        boolean writes() {
            return this == WRITE || this == COMPARE_AND_WRITE || this == ZERO || this == COPY || this == MARK;
        }
    }

    private static final int IDLE = 0;
    private static final int QUEUED = 1;
    private static final int RUNNING = 2;
    private static final int WITHDRAWN = 3;

    private final int index;
    private final int blockShift;
    private final AtomicInteger stage = new AtomicInteger(IDLE);

    // The poller's own.

    /** Null while it is free, and once the command has ended before the worker is done with this. */
    private IoCommand command;

    /** The Write of a fused Compare and Write, whose Compare is the command; else null. */
    private IoCommand fused;

    /** Which bytes it reads or writes in all, of a Copy those it writes; none for the works that nothing is kept apart from. */
    private long spanStart;

    private long spanEnd;

    /** How many bytes are done, of a command that takes several steps. */
    private long done;

    private boolean cancelled;

    /** The sync that it waits for. */
    private long syncNumber;

    /** Whether marks have changed for it, which are to be saved before it ends. */
    private boolean changesMarks;

    /** How it ends when what it waits for has been saved. */
    private int outcome;

    /** The range of a Copy that the step is about. */
    private int range;

    // Written by the poller before a step, read by the worker in it.

    private Work work;
    private long offset;
    private long bytes;
    private boolean durable;
    private boolean mayDeallocate;
    private Pieces pieces;

    /** Of a Copy: where the step reads. */
    private long source;

    /** Of the fused Write: what is written. */
    private Pieces fusedPieces;

    /** Of a sync: the marks to be saved; null if there is nothing to save. */
    private long[] marks;

    // Written by the worker, read by the poller after the step.

    /** Of a sync: how the saving of marks has ended. */
    private int savedStatus;

    private int status;

    /** Of a work that reads and writes: whether it has come to the writing. Then the status is of that. */
    private boolean writing;

    FileRequest(int index, int blockShift) {
        this.index = index;
        this.blockShift = blockShift;
    }

    int index() {
        return index;
    }

    void take(IoCommand newCommand, Work newWork) {
        command = newCommand;
        fused = null;
        work = newWork;
        pieces = newCommand.pieces();
        durable = newCommand.forceUnitAccess();
        mayDeallocate = newCommand.deallocate();
        spanStart = 0;
        spanEnd = 0;
        done = 0;
        cancelled = false;
        writing = false;
        changesMarks = false;
        outcome = Status.OK;
    }

    /** The same for two that are fused. */
    void takeFused(IoCommand compare, IoCommand write) {
        take(compare, Work.COMPARE_AND_WRITE);
        fused = write;
        fusedPieces = write.pieces();
        durable = write.forceUnitAccess();
    }

    /** Not for a command: of the storage itself. */
    void takeSync() {
        work = Work.SYNC;
    }

    void setSpan(long start, long length) {
        spanStart = start;
        spanEnd = start + length;
    }

    /** What the next step is about. */
    void setStep(long newOffset, long newBytes) {
        offset = newOffset;
        bytes = newBytes;
    }

    /** The same for a step of a Copy's. */
    void setCopyStep(int ofRange, long from, long to, long newBytes) {
        range = ofRange;
        source = from;
        setStep(to, newBytes);
    }

    IoCommand command() {
        return command;
    }

    IoCommand fused() {
        return fused;
    }

    /** Whether a command is this one, or one of the two. */
    boolean isOf(IoCommand some) {
        return command == some || fused == some;
    }

    /** The command has ended, or will never know of this. */
    void leaveCommand() {
        command = null;
        fused = null;
    }

    /** Whether both are about the same bytes, and one of them writes. */
    boolean conflicts(boolean writes, long start, long end) {
        if (command == null) {
            return false;
        }
        boolean inSpan = (writes || work.writes()) && spanStart < end && start < spanEnd;
        return inSpan || (writes && work == Work.COPY && copiesFrom(start, end));
    }

    private boolean copiesFrom(long start, long end) {
        for (int i = 0; i < command.rangeCount(); i++) {
            long entry = command.rangesAddress() + (long) i * CopyRange.BYTES;
            long from = CopyRange.slba(entry) << blockShift;
            long length = (long) CopyRange.blockCount(entry) << blockShift;
            if (from < end && start < from + length) {
                return true;
            }
        }
        return false;
    }

    long done() {
        return done;
    }

    void addDone(long more) {
        done += more;
    }

    boolean isCancelled() {
        return cancelled;
    }

    void cancel() {
        cancelled = true;
    }

    long syncNumber() {
        return syncNumber;
    }

    void setSyncNumber(long number) {
        syncNumber = number;
    }

    boolean changesMarks() {
        return changesMarks;
    }

    void setChangesMarks() {
        changesMarks = true;
    }

    int outcome() {
        return outcome;
    }

    void setOutcome(int newOutcome) {
        outcome = newOutcome;
    }

    long[] marks() {
        return marks;
    }

    /** Of a sync: what it is to save, which has failed until it is said that it has not. */
    void setMarks(long[] newMarks) {
        marks = newMarks;
        savedStatus = Status.WRITE_FAULT.dnr();
    }

    int savedStatus() {
        return savedStatus;
    }

    void setSavedStatus(int newStatus) {
        savedStatus = newStatus;
    }

    Work work() {
        return work;
    }

    long offset() {
        return offset;
    }

    long bytes() {
        return bytes;
    }

    boolean isDurable() {
        return durable;
    }

    boolean mayDeallocate() {
        return mayDeallocate;
    }

    Pieces pieces() {
        return pieces;
    }

    /** Of a Copy: the range that the step is about. */
    int range() {
        return range;
    }

    long source() {
        return source;
    }

    Pieces fusedPieces() {
        return fusedPieces;
    }

    /** A worker's note on what it does next. */
    void setWriting(boolean nowWriting) {
        writing = nowWriting;
    }

    boolean isWriting() {
        return writing;
    }

    int status() {
        return status;
    }

    /** The poller is about to hand it over. */
    void queue() {
        stage.set(QUEUED);
    }

    /** Takes it back from the workers if none has started. If so, none will touch memory or the file for it. */
    boolean withdraw() {
        return stage.compareAndSet(QUEUED, WITHDRAWN);
    }

    /** A worker has it. Whether there is anything to do. */
    boolean start() {
        return stage.compareAndSet(QUEUED, RUNNING);
    }

    /** A worker is done with it. */
    void finish(int newStatus) {
        status = newStatus;
        stage.set(IDLE);
    }

    /** As {@link Status#OK} or otherwise. */
    boolean hasFailed() {
        return !Status.isSuccess(status);
    }
}

package io.sluice.storage;

import io.sluice.controller.IoCommand;
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
        WRITE,
        ZERO,
        DEALLOCATE,
        SYNC;

        boolean writes() {
            return this == WRITE || this == ZERO;
        }
    }

    private static final int IDLE = 0;
    private static final int QUEUED = 1;
    private static final int RUNNING = 2;
    private static final int WITHDRAWN = 3;

    private final int index;
    private final AtomicInteger stage = new AtomicInteger(IDLE);

    // The poller's own.

    /** Null while it is free, and once the command has ended before the worker is done with this. */
    private IoCommand command;

    /** Which bytes it reads or writes in all; none for the works that nothing is kept apart from. */
    private long spanStart;

    private long spanEnd;

    /** How many bytes are done, of a command that takes several steps. */
    private long done;

    private boolean cancelled;

    /** The sync that it waits for. */
    private long syncNumber;

    // Written by the poller before a step, read by the worker in it.

    private Work work;
    private long offset;
    private long bytes;
    private boolean durable;
    private boolean mayDeallocate;
    private Pieces pieces;

    /** Written by the worker, read by the poller after the step. */
    private int status;

    FileRequest(int index) {
        this.index = index;
    }

    int index() {
        return index;
    }

    void take(IoCommand newCommand, Work newWork) {
        command = newCommand;
        work = newWork;
        pieces = newCommand.pieces();
        durable = newCommand.forceUnitAccess();
        mayDeallocate = newCommand.deallocate();
        spanStart = 0;
        spanEnd = 0;
        done = 0;
        cancelled = false;
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

    IoCommand command() {
        return command;
    }

    /** The command has ended, or will never know of this. */
    void leaveCommand() {
        command = null;
    }

    /** Whether both are about the same bytes, and one of them writes. */
    boolean conflicts(boolean writes, long start, long end) {
        return command != null && (writes || work.writes()) && spanStart < end && start < spanEnd;
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

package io.sluice.controller;

import io.sluice.nvme.AsyncEvent;
import io.sluice.nvme.Status;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What becomes of a guest's faults in its queues: an Asynchronous Event, or in the end a failed controller. */
final class QueueFaults implements QueueListener {
    /** How long a queue's memory may be out of reach: firmware unmaps all memory and maps it again, in pieces. */
    static final long PATIENCE_NANOS = 1_000_000_000;

    private static final Logger LOG = LoggerFactory.getLogger(QueueFaults.class);
    private static final int NO_QUEUE = -1;
    private static final int AT_OPCODE = 0;
    private static final int AT_NSID = 4;
    private static final int AT_SLBA = 40;

    private final String name;
    private final LongSupplier clock;
    private final ErrorLog errorLog;
    private final AsyncEvents events;
    private final Lifecycle lifecycle;
    private boolean unreachableNow;
    private boolean unreachableBefore;
    private long unreachableSince;

    /** @param clock nanoseconds of any origin */
    QueueFaults(String name, LongSupplier clock, ErrorLog errorLog, AsyncEvents events, Lifecycle lifecycle) {
        this.name = name;
        this.clock = clock;
        this.errorLog = errorLog;
        this.events = events;
        this.lifecycle = lifecycle;
    }

    @Override
    public void invalidDoorbell(int qid, boolean cqHead, int value) {
        LOG.debug(
                "{}: {} doorbell {} was given the invalid value {}", name, cqHead ? "CQ head" : "SQ tail", qid, value);
        errorLog.eventHappened(qid, Status.INVALID_FIELD);
        events.raise(AsyncEvent.INVALID_DOORBELL_VALUE);
    }

    /** A doorbell was rung, by message, of a queue that does not exist. */
    void absentDoorbell() {
        errorLog.eventHappened(NO_QUEUE, Status.INVALID_QUEUE_IDENTIFIER);
        events.raise(AsyncEvent.INVALID_DOORBELL_REGISTER);
    }

    /** The host has not been heard of for as long as it has allowed: NVMe 1.4, 7.12. */
    void keepAliveExpired() {
        errorLog.eventHappened(NO_QUEUE, Status.KEEP_ALIVE_TIMER_EXPIRED);
        lifecycle.fail("the host has sent no Keep Alive for as long as it has set the timer to", null);
    }

    @Override
    public void queueMemoryUnreachable(int qid, boolean completionQueue, long code) {
        unreachable(completionQueue ? "completion queue " : "submission queue ", qid, code);
    }

    @Override
    public void doorbellBufferUnreachable(long code) {
        unreachable("the doorbell buffers", NO_QUEUE, code);
    }

    private void unreachable(String what, int qid, long code) {
        unreachableNow = true;
        if (!unreachableBefore) {
            unreachableBefore = true;
            unreachableSince = clock.getAsLong();
        } else if (clock.getAsLong() - unreachableSince > PATIENCE_NANOS) {
            lifecycle.fail(
                    "the memory of " + what + (qid == NO_QUEUE ? "" : qid) + " cannot be reached (translator's code "
                            + code + ")",
                    null);
        }
    }

    @Override
    public void completionLost(int cqid, int sqid, int cid) {
        lifecycle.fail(
                "the memory of completion queue " + cqid + " went away before the completion of command " + cid
                        + " of queue " + sqid,
                null);
    }

    @Override
    public void noBounceMemory(String why) {
        LOG.error("{}: commands fail whose data the guest does not share: no memory to stage it in: {}", name, why);
    }

    @Override
    public int commandFailed(IoCommand command, int status) {
        errorLog.commandFailed(
                command.queue().qid(),
                command.guestCid(),
                status,
                blamedByte(command, status),
                0,
                command.blockCount() == 0 ? 0 : command.slba(),
                command.nsid());
        return status | Status.MORE;
    }

    /** The field of an entry that a status is about, where that follows from the status. */
    private static int blamedByte(IoCommand command, int status) {
        if (Status.INVALID_OPCODE.is(status)) {
            return AT_OPCODE;
        }
        if (Status.INVALID_NAMESPACE_OR_FORMAT.is(status)) {
            return AT_NSID;
        }
        boolean ranges = command.rangeCount() > 0; // whose blocks are named elsewhere too
        return Status.LBA_OUT_OF_RANGE.is(status) && !ranges ? AT_SLBA : ErrorLog.NO_LOCATION;
    }

    /** A duty cycle has ended. */
    void cycleEnded() {
        unreachableBefore = unreachableNow;
        unreachableNow = false;
    }
}

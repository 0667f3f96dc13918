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
        errorLog.eventHappened(qid);
        events.raise(AsyncEvent.INVALID_DOORBELL_VALUE);
    }

    /** A doorbell was rung, by message, of a queue that does not exist. */
    void absentDoorbell() {
        errorLog.eventHappened(NO_QUEUE);
        events.raise(AsyncEvent.INVALID_DOORBELL_REGISTER);
    }

    @Override
    public void queueMemoryUnreachable(int qid, boolean completionQueue, long code) {
        unreachableNow = true;
        if (!unreachableBefore) {
            unreachableBefore = true;
            unreachableSince = clock.getAsLong();
        } else if (clock.getAsLong() - unreachableSince > PATIENCE_NANOS) {
            lifecycle.fail(
                    "the memory of " + (completionQueue ? "completion" : "submission") + " queue " + qid
                            + " cannot be reached (translator's code " + code + ")",
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
                ErrorLog.NO_LOCATION,
                0,
                command.blockCount() == 0 ? 0 : command.slba(),
                command.nsid());
        return status | Status.MORE;
    }

    /** A duty cycle has ended. */
    void cycleEnded() {
        unreachableBefore = unreachableNow;
        unreachableNow = false;
    }
}

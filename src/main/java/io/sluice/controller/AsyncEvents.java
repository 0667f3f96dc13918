package io.sluice.controller;

import io.sluice.nvme.AsyncEvent;
import io.sluice.nvme.Status;
import io.sluice.state.SnapshotReader;
import io.sluice.state.SnapshotWriter;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.function.Predicate;

/**
 * Asynchronous events and the requests that wait for them: NVMe 1.4, 5.2. Belongs to the controller's agent.
 *
 * <pre>
 *   event ──▶ pending ──a request waits, type not masked, completion space──▶ posted, type masked
 *                ▲                                                               │
 *                └────── happens again meanwhile ──── type unmasked ◀── its log page is read
 * </pre>
 *
 * <p>A waiting request holds no completion space, so that a full set of them does not starve a small admin queue. What
 * happens again before the host was told of it is one event: its log page has the rest.
 */
final class AsyncEvents {
    /** Requests that may wait at once: Identify Controller AERL + 1. */
    static final int LIMIT = 4;

    /** How a request that has waited is completed. */
    interface Poster {
        /** Takes space for a completion of the admin queue; false if there is none now. */
        boolean reserve();

        /** Posts a completion to where space was taken. What has changed here by it has changed before. */
        void post(int cid, int dw0, int status);
    }

    /** Types are 3 bits. */
    private static final int TYPES = 8;

    /** The events that can happen here. */
    static final AsyncEvent[] EVENTS = {
        AsyncEvent.INVALID_DOORBELL_REGISTER,
        AsyncEvent.INVALID_DOORBELL_VALUE,
        AsyncEvent.TEMPERATURE_THRESHOLD,
        AsyncEvent.NAMESPACE_ATTRIBUTE_CHANGED
    };

    /** Identifiers of waiting requests, oldest first. */
    private final int[] waitingCids = new int[LIMIT];

    /** Of the same requests: whether an Abort has ended it and only its completion is to be posted. */
    private final boolean[] aborted = new boolean[LIMIT];

    private final EnumSet<AsyncEvent> pending = EnumSet.noneOf(AsyncEvent.class);
    private final boolean[] masked = new boolean[TYPES];
    private int waiting;

    /** Whether there may be something to deliver: kept so that an idle cycle costs one look. */
    private boolean due;

    private boolean changed;

    /** Whether an event has happened, or may be told of again, since {@link #committed}. */
    boolean haveChanged() {
        return changed;
    }

    void committed() {
        changed = false;
    }

    void save(SnapshotWriter out) {
        out.put(waiting);
        out.put(waitingCids);
        out.put(aborted);
        out.put(masked);
        for (AsyncEvent event : EVENTS) {
            out.put(pending.contains(event));
        }
    }

    void resume(SnapshotReader in) {
        waiting = in.getInt();
        in.get(waitingCids);
        in.get(aborted);
        in.get(masked);
        pending.clear();
        for (AsyncEvent event : EVENTS) {
            if (in.getBoolean()) {
                pending.add(event);
            }
        }
        due = true;
    }

    /** A request has come. False if there are too many. */
    boolean park(int cid) {
        if (waiting == LIMIT) {
            return false;
        }
        waitingCids[waiting] = cid;
        aborted[waiting] = false;
        waiting++;
        due = true;
        return true;
    }

    /** An event has happened that the host has not switched off. */
    void raise(AsyncEvent event) {
        changed |= pending.add(event);
        due = true;
    }

    /** The host has changed which events it wants to be told of. */
    void withdrawUnless(Predicate<AsyncEvent> wanted) {
        pending.removeIf(wanted.negate());
    }

    /** A log page has been read without Retain Asynchronous Event: the host may be told of its type again. */
    void logPageRead(int logPage) {
        for (AsyncEvent event : EVENTS) {
            if (event.logPage() == logPage) {
                masked[event.type()] = false;
                due = true;
            }
        }
    }

    /** Ends a waiting request. Whether there is such a one. */
    boolean abort(int cid) {
        for (int i = 0; i < waiting; i++) {
            if (waitingCids[i] == cid && !aborted[i]) {
                aborted[i] = true;
                due = true;
                return true;
            }
        }
        return false;
    }

    /** Completes what can be completed. Returns how many requests that were. */
    int deliver(Poster poster) {
        if (!due) {
            return 0;
        }
        due = false;
        int delivered = 0;
        while (waiting > 0 && deliverOne(poster)) {
            delivered++;
        }
        return delivered;
    }

    private boolean deliverOne(Poster poster) {
        for (int i = 0; i < waiting; i++) {
            if (aborted[i]) {
                return poster.reserve() ? aborted(poster, i) : later();
            }
        }
        for (AsyncEvent event : EVENTS) {
            if (pending.contains(event) && !masked[event.type()]) {
                return poster.reserve() ? told(poster, event) : later();
            }
        }
        return false;
    }

    private boolean later() {
        due = true;
        return false;
    }

    private boolean aborted(Poster poster, int index) {
        int cid = remove(index);
        poster.post(cid, 0, Status.ABORT_REQUESTED.code());
        return true;
    }

    private boolean told(Poster poster, AsyncEvent event) {
        int cid = remove(0);
        pending.remove(event);
        masked[event.type()] = true;
        poster.post(cid, event.dw0(), Status.OK);
        return true;
    }

    private int remove(int index) {
        int cid = waitingCids[index];
        waiting--;
        System.arraycopy(waitingCids, index + 1, waitingCids, index, waiting - index);
        System.arraycopy(aborted, index + 1, aborted, index, waiting - index);
        return cid;
    }

    /** The controller is reset: waiting requests are dropped, NVMe 1.4, 5.2, and with them what they were to tell. */
    void reset() {
        waiting = 0;
        pending.clear();
        Arrays.fill(masked, false);
    }
}

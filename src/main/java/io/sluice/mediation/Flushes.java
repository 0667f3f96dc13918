package io.sluice.mediation;

import io.sluice.controller.IoCommand;
import java.util.ArrayList;
import java.util.List;

/**
 * The flushes of all guests that share a namespace of the device, which are few: one is in flight, and one may be wanted
 * after it. A guest's flush is satisfied only by one of the device's that was submitted after it.
 *
 * <pre>
 *   guests' flushes ──▶ wanted ──the one in flight has ended──▶ in flight ──▶ all that waited for it end
 * </pre>
 *
 * <p>Belongs to the device's poller.
 */
final class Flushes implements CommandOwner {
    private final int nsid;
    private final List<MediatedPath> paths = new ArrayList<>();
    private boolean wanted;
    private boolean inFlight;

    Flushes(int nsid) {
        this.nsid = nsid;
    }

    int nsid() {
        return nsid;
    }

    void add(MediatedPath path) {
        paths.add(path);
    }

    void remove(MediatedPath path) {
        paths.remove(path);
    }

    /** Somebody waits for a flush that is submitted from now on. */
    void want() {
        wanted = true;
    }

    /** Whether one waits to be submitted, or for the one in flight to end. */
    boolean isWanted() {
        return wanted;
    }

    /**
     * Submits the one that is wanted, if none is in flight, through any of the device's queues; to be called in each cycle. Returns
     * how many were submitted.
     */
    int doWork(HostQueue[] queues) {
        if (inFlight) {
            return 0;
        }
        for (HostQueue queue : queues) {
            if (queue.flush(this, nsid)) {
                submitted();
                return 1;
            }
        }
        return 0;
    }

    private void submitted() {
        wanted = false;
        inFlight = true;
        for (MediatedPath path : paths) {
            path.flushSubmitted();
        }
    }

    @Override
    public void ended(IoCommand nobodys, int hostStatus) {
        inFlight = false;
        int status = GuestStatus.of(hostStatus);
        for (MediatedPath path : paths) {
            path.flushEnded(status);
        }
    }

    /** Whoever comes after this process has its own flushes for all who wait: a flush of before is nobody's then. */
    @Override
    public long note(IoCommand nobodys) {
        return SlotNote.NOBODY;
    }

    /** None can be submitted any more: whoever waits is told. */
    void fail(int status) {
        wanted = false;
        for (MediatedPath path : paths) {
            path.flushSubmitted();
            path.flushEnded(status);
        }
    }
}

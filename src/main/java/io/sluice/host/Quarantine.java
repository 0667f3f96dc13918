package io.sluice.host;

import java.util.ArrayList;
import java.util.List;

/**
 * Keeps memory from being taken away while the device may still use it for commands that nobody waits for any more: each
 * command that has passed its deadline is a hold, and so is a controller that is to be reset, until it is disabled.
 *
 * <p>While there is a hold, whichever area is closed stays mapped. That is more than is needed, as most have nothing to do with
 * the late command, but it costs the data path nothing, and it does not last: a late command ends or is reset away. Thread-safe.
 */
final class Quarantine {
    private int holds;
    private List<DmaArea> deferred = new ArrayList<>();

    synchronized void hold() {
        holds++;
    }

    synchronized void release() {
        assert holds > 0 : "released without a hold";
        holds--;
    }

    /** Whether a closed area stays for now; {@link #releaseDeferred} takes it away later. */
    synchronized boolean defers(DmaArea area) {
        if (holds > 0) {
            deferred.add(area);
        }
        return holds > 0;
    }

    /** Takes away what was closed meanwhile, unless there still is a hold. Not for a poller: it calls the device. */
    void releaseDeferred() {
        List<DmaArea> now;
        synchronized (this) {
            if (holds > 0 || deferred.isEmpty()) {
                return;
            }
            now = deferred;
            deferred = new ArrayList<>();
        }
        now.forEach(DmaArea::takeAway);
    }
}

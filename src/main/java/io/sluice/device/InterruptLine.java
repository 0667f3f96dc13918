package io.sluice.device;

import io.sluice.linux.EventFd;

/**
 * One edge-triggered interrupt of a function: where it is signalled, and what has been raised and not signalled yet.
 *
 * <p>Belongs to the thread that raises it; others change it by a command to that thread. So an eventfd that was taken away
 * is signalled by nobody any more, and may be closed.
 */
final class InterruptLine {
    private EventFd target;
    private boolean masked;
    private boolean latched;

    /** Signals, or latches while there is no target or a mask. Several raises meanwhile are one. */
    void raise() {
        if (target == null || masked) {
            latched = true;
        } else {
            target.signal();
        }
    }

    /** Sets or, with null, takes away the target; fires the latch. Returns the target so far, which is the caller's to close. */
    EventFd setTarget(EventFd newTarget) {
        EventFd old = target;
        target = newTarget;
        fireLatch();
        return old;
    }

    void setMasked(boolean nowMasked) {
        masked = nowMasked;
        fireLatch();
    }

    /** Whether it has been raised and not signalled yet. */
    boolean isLatched() {
        return latched;
    }

    /** Forgets what was raised, as a reset does. */
    void clear() {
        latched = false;
    }

    private void fireLatch() {
        if (latched && target != null && !masked) {
            latched = false;
            target.signal();
        }
    }
}

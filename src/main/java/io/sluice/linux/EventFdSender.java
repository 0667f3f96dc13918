package io.sluice.linux;

/**
 * A peer that sends eventfds, and whether they can still be used. A peer may make one of them block (see {@link EventFd}); it
 * holds a thread up for a moment then, and once only: no eventfd of the same sender is written or read any more.
 */
public final class EventFdSender {
    private final Runnable onBlocked;
    private volatile boolean distrusted;

    /**
     * @param onBlocked called when an eventfd has blocked, on the thread that was held up, perhaps a poller: it is quick,
     *     throws nothing, and has the peer disconnected
     */
    public EventFdSender(Runnable onBlocked) {
        this.onBlocked = onBlocked;
    }

    /** Whether one of its eventfds has blocked. */
    public boolean isDistrusted() {
        return distrusted;
    }

    void distrust() {
        distrusted = true;
        onBlocked.run();
    }
}

package io.sluice.dma;

/**
 * One poller's share in the changes of a guest's memory.
 *
 * <p>At the start of each duty cycle the poller reads {@link #current}. All that it begins in this cycle belongs to that
 * epoch. It acknowledges an epoch when nothing that it began before that epoch is in flight any more: where every command
 * ends in the cycle that began it, that is at once.
 *
 * <pre>
 *   writer:  publish table ──▶ advance to e ──▶ wake ──▶ wait until acknowledged() >= e ──▶ munmap, reply
 *   reader:                 e = current() ──▶ (older commands have ended) ──▶ acknowledge(e)
 * </pre>
 *
 * <p>A reader that is not done by the writer's deadline is left behind: the client has been told that the memory is its own
 * again. The reader finds out by {@link #takeMissed}, and then must not use any translation from before, not even to end
 * what it began.
 */
public final class DmaReader implements AutoCloseable {
    private static final long GONE = Long.MAX_VALUE;

    private final Epoch epoch;
    private final String name;
    private final Runnable wake;
    private volatile long acknowledged;
    /** The newest epoch that was not waited for any longer; the writer's. */
    private volatile long missed;

    private long missedTaken;

    /**
     * A reader that has acknowledged nothing yet.
     *
     * @param epoch of the memory that is read
     * @param name for logs
     * @param wake makes a parked reader run soon; called from other threads
     */
    public DmaReader(Epoch epoch, String name, Runnable wake) {
        this.epoch = epoch;
        this.name = name;
        this.wake = wake;
    }

    /** The newest epoch. Translations made after this call are of this epoch or of a later one. */
    public long current() {
        return epoch.current();
    }

    /** Says that nothing translated before {@code epochNow} is in use any more. Cheap when nothing has changed. */
    public void acknowledge(long epochNow) {
        if (acknowledged != epochNow && acknowledged != GONE) {
            acknowledged = epochNow;
        }
    }

    /** The newest epoch that this reader has acknowledged. */
    public long acknowledged() {
        return acknowledged;
    }

    /** The writer says that it has given up waiting for an epoch. */
    public void miss(long epochNow) {
        missed = epochNow;
    }

    /**
     * Whether an unmap has been answered, since the last call, although this reader had not acknowledged it. For the start of
     * each duty cycle, before anything is done with a translation of an earlier one. Cheap when nothing has happened.
     */
    public boolean takeMissed() {
        long newest = missed;
        boolean unseen = newest != missedTaken;
        missedTaken = newest;
        return unseen;
    }

    /** Whether it has been closed: nobody waits for it, ever again. */
    boolean isClosed() {
        return acknowledged == GONE;
    }

    /** Makes the reader run soon, from another thread. */
    public void wake() {
        wake.run();
    }

    public String name() {
        return name;
    }

    /** The reader uses no translation any more and will make none: nobody waits for it. Idempotent; by the reader's thread. */
    @Override
    public void close() {
        acknowledged = GONE;
    }
}

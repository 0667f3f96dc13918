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
 */
public final class DmaReader implements AutoCloseable {
    private static final long GONE = Long.MAX_VALUE;

    private final Epoch epoch;
    private final String name;
    private final Runnable wake;
    private volatile long acknowledged;

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

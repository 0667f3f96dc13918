package io.sluice.dma;

/** The counter of changes to one guest's memory. One writer advances it; readers acknowledge by {@link DmaReader}. */
public final class Epoch {
    private volatile long value = 1;

    /** The number of the newest change. */
    public long current() {
        return value;
    }

    /** Begins the next epoch, after a change has been published; for the one writer. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // one writer
    public long advance() {
        return ++value;
    }
}

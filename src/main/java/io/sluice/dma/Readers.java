package io.sluice.dma;

import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/** Who reads a guest's memory, and the wait for all of them to have seen a change. */
final class Readers {
    /** A poller acknowledges within a microsecond or so; a parked one takes some tens to wake. */
    private static final int SPINS = 200;

    private static final long PAUSE_NANOS = 50_000;

    private final Epoch epoch;
    private final CopyOnWriteArrayList<DmaReader> readers = new CopyOnWriteArrayList<>();

    Readers(Epoch epoch) {
        this.epoch = epoch;
    }

    /** From any thread. */
    DmaReader register(String name, Runnable wake) {
        DmaReader reader = new DmaReader(epoch, name, wake);
        // It has translated nothing, and all that it will translate is of this epoch or later: a change that is being
        // waited
        // for right now need not wait for its first cycle.
        reader.acknowledge(epoch.current());
        readers.add(reader);
        return reader;
    }

    /** Whether no reader uses anything from before an epoch any more. */
    boolean haveAcknowledged(long wanted) {
        for (DmaReader reader : readers) {
            if (reader.acknowledged() < wanted) {
                return false;
            }
        }
        return true;
    }

    /** Tells the readers that have not acknowledged an epoch that nobody waits for them any more. */
    void giveUp(long wanted) {
        for (DmaReader reader : readers) {
            if (reader.acknowledged() < wanted) {
                reader.miss(wanted);
            }
        }
    }

    /** The readers that still may use something from before an epoch, for a log. */
    String behind(long wanted) {
        StringBuilder names = new StringBuilder();
        for (DmaReader reader : readers) {
            if (reader.acknowledged() < wanted) {
                names.append(names.isEmpty() ? "" : ", ").append(reader.name());
            }
        }
        return names.toString();
    }

    /**
     * Wakes the readers and waits until all have acknowledged an epoch.
     *
     * @param nanos how long at most, on {@code clock}
     * @return false if some have not
     */
    boolean await(long wanted, long nanos, LongSupplier clock) {
        readers.removeIf(DmaReader::isClosed);
        for (DmaReader reader : readers) {
            if (reader.acknowledged() < wanted) {
                reader.wake();
            }
        }
        long start = clock.getAsLong();
        for (int turn = 0; !haveAcknowledged(wanted); turn++) {
            if (clock.getAsLong() - start >= nanos) {
                return false;
            }
            if (turn < SPINS) {
                Thread.onSpinWait();
            } else {
                LockSupport.parkNanos(this, PAUSE_NANOS);
            }
        }
        return true;
    }
}

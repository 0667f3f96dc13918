package io.sluice.dma;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Ends the quarantine of spaces that were closed while a reader was stalled: there will be no later transaction to do it, and
 * a poller has better things to do than munmap. One daemon thread for all of them, which lives as long as there is something
 * to end.
 */
final class Reaper implements Runnable {
    private static final long PERIOD_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private static final Reaper INSTANCE = new Reaper();

    private final List<Quarantine> quarantines = new ArrayList<>();

    private Reaper() {}

    /** Takes a quarantine over from the thread that closed its space. */
    static void adopt(Quarantine quarantine) {
        INSTANCE.add(quarantine);
    }

    private synchronized void add(Quarantine quarantine) {
        quarantines.add(quarantine);
        if (quarantines.size() == 1) {
            Thread.ofPlatform().daemon().name("dma-reaper").start(this);
        }
    }

    @Override
    public void run() {
        do {
            LockSupport.parkNanos(this, PERIOD_NANOS);
        } while (!sweep());
    }

    /** Returns whether nothing is left, so that the next quarantine has to start a thread. */
    private synchronized boolean sweep() {
        quarantines.removeIf(Quarantine::sweep);
        return quarantines.isEmpty();
    }
}

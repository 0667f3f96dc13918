package io.sluice.daemon;

import io.sluice.linux.Posix;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How a daemon is told to end: the first signal asks, and it may finish; the second insists, and it ends now. (A shutdown hook
 * hears of one signal only, and cannot choose the exit code.)
 */
final class Ending implements Service.Stop {
    /** For closing at once, which still lets go of a device. */
    private static final long PATIENCE_MILLIS = 3_000;

    private final CountDownLatch asked = new CountDownLatch(1);
    private final AtomicInteger signals = new AtomicInteger();
    private final Runnable halt;
    private volatile Runnable now = () -> {};
    private Runnable onAsked = () -> {};

    /**
     * Prepares.
     *
     * @param halt ends the process, whatever else it does
     */
    Ending(Runnable halt) {
        this.halt = halt;
    }

    /** Hears the signals that ask a process to end, from now on. */
    void listen() {
        for (Posix.Signal signal : Posix.Signal.values()) {
            Posix.onSignal(signal, this::signal);
        }
    }

    /** What to do when the second signal comes. */
    void onInsistence(Runnable closeNow) {
        now = closeNow;
    }

    /** A signal has come. The second one does not return for a while. */
    void signal() {
        int count = signals.incrementAndGet();
        ask();
        if (count == 2) {
            endNow();
        }
    }

    @Override
    public synchronized void ask() {
        boolean first = !isAsked();
        asked.countDown();
        if (first) {
            onAsked.run();
        }
    }

    @Override
    public boolean isAsked() {
        return asked.getCount() == 0;
    }

    @Override
    public synchronized void onAsked(Runnable action) {
        onAsked = action;
        if (isAsked()) {
            action.run();
        }
    }

    private void endNow() {
        Thread closing = new Thread(now, "close now");
        closing.setDaemon(true);
        closing.start();
        try {
            closing.join(PATIENCE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        halt.run();
    }

    /** Waits until it was asked; false at the end of the time. */
    boolean await(long micros) throws InterruptedException {
        return asked.await(micros, TimeUnit.MICROSECONDS);
    }

    /** Whether there was no time to finish. */
    boolean isInsisted() {
        return signals.get() > 1;
    }
}

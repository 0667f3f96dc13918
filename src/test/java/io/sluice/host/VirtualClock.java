package io.sluice.host;

import java.util.concurrent.atomic.AtomicLong;

/** Time that passes only when somebody waits, or a test says so; it wraps on its way. */
final class VirtualClock implements DriverClock {
    private static final long PAUSE_NANOS = 100_000_000L;

    /** What happens while somebody waits. */
    Runnable onPause = () -> {};

    private volatile boolean stopped;
    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5_000_000_000L);

    @Override
    public long nanoTime() {
        return now.get();
    }

    @Override
    public void pause() {
        if (!stopped) {
            now.addAndGet(PAUSE_NANOS);
        }
        onPause.run();
        Thread.onSpinWait();
    }

    /** A wait on another thread has no end of its own for now. */
    void stop() {
        stopped = true;
    }

    void go() {
        stopped = false;
    }

    void advanceMillis(long millis) {
        now.addAndGet(millis * 1_000_000L);
    }
}

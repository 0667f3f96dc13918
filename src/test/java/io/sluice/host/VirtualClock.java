package io.sluice.host;

/** Time that passes only when somebody waits, or a test says so; it wraps on its way. */
final class VirtualClock implements DriverClock {
    private static final long PAUSE_NANOS = 100_000_000L;

    /** What happens while somebody waits. */
    Runnable onPause = () -> {};

    private volatile boolean stopped;
    private volatile long now = Long.MAX_VALUE - 5_000_000_000L;

    @Override
    public long nanoTime() {
        return now;
    }

    @Override
    public void pause() {
        if (!stopped) {
            now += PAUSE_NANOS;
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
        now += millis * 1_000_000L;
    }
}

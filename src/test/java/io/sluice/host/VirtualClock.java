package io.sluice.host;

/** Time that passes only when somebody waits, or a test says so; it wraps on its way. */
final class VirtualClock implements DriverClock {
    private static final long PAUSE_NANOS = 100_000_000L;

    private long now = Long.MAX_VALUE - 5_000_000_000L;

    @Override
    public long nanoTime() {
        return now;
    }

    @Override
    public void pause() {
        now += PAUSE_NANOS;
    }

    void advanceMillis(long millis) {
        now += millis * 1_000_000L;
    }
}

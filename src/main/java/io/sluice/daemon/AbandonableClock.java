package io.sluice.daemon;

import io.sluice.host.DeviceFailure;
import io.sluice.host.DriverClock;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The driver's clock, which cuts all its waits short once somebody cannot wait: the host, which wants the device back, or whoever
 * ends this process. A controller may take two minutes to get ready or to be disabled (CAP.TO), and a minute to shut down.
 *
 * <p>What is not waited for is not lost: the device is closed next, and the kernel resets it then.
 */
final class AbandonableClock implements DriverClock {
    /** For what a healthy device does in no time, so that it is disabled and not cut off. */
    private static final long GRACE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private final DriverClock clock;
    private final String device;
    private final AtomicReference<End> end = new AtomicReference<>();

    /** When and why. */
    private record End(long nanos, String why) {}

    AbandonableClock(DriverClock clock, String device) {
        this.clock = clock;
        this.device = device;
    }

    /**
     * From half a second later on nothing is waited for. From any thread; the first call counts.
     *
     * @param why as a clause, for messages
     */
    void abandon(String why) {
        end.compareAndSet(null, new End(clock.nanoTime(), why));
    }

    @Override
    public long nanoTime() {
        return clock.nanoTime();
    }

    @Override
    public void pause() {
        clock.pause();
    }

    @Override
    public void checkPatience() throws DeviceFailure {
        End now = end.get();
        if (now != null && clock.nanoTime() - now.nanos >= GRACE_NANOS) {
            throw new DeviceFailure(now.why + ": " + device + " is not waited for any longer");
        }
        clock.checkPatience();
    }
}

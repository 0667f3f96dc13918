package io.sluice.daemon;

import io.sluice.host.DeviceFailure;
import io.sluice.host.DriverClock;
import java.util.concurrent.TimeUnit;

/**
 * The driver's clock, which cuts all its waits short once the host wants the device back: a controller may take two minutes to
 * get ready or to be disabled (CAP.TO), and a minute to shut down.
 *
 * <p>What is not waited for is not lost: the device is closed next, and the kernel resets it then.
 */
final class AbandonableClock implements DriverClock {
    /** For what a healthy device does in no time, so that it is disabled and not cut off. */
    private static final long GRACE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private final DriverClock clock;
    private final String device;
    private long abandonedAtNanos;
    private volatile boolean abandoned;

    AbandonableClock(DriverClock clock, String device) {
        this.clock = clock;
        this.device = device;
    }

    /** From half a second later on nothing is waited for. From any thread, once. */
    void abandon() {
        abandonedAtNanos = clock.nanoTime(); // published by the volatile store
        abandoned = true;
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
        if (abandoned && clock.nanoTime() - abandonedAtNanos >= GRACE_NANOS) {
            throw new DeviceFailure(
                    "the host has asked for " + device
                            + " back, or it has failed on its bus (the kernel's log has the cause): it is not waited for any longer");
        }
    }
}

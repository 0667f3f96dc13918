package io.sluice.daemon;

import io.sluice.host.DeviceFailure;
import io.sluice.host.DriverClock;

/**
 * The clock of a driver whose device is a model in this process: whoever waits for the device wakes it, so that a poller that
 * runs the model need not look whether there are admin commands, and may sleep.
 */
record WakingClock(DriverClock clock, Runnable wake) implements DriverClock {
    @Override
    public long nanoTime() {
        return clock.nanoTime();
    }

    @Override
    public void pause() {
        wake.run();
        clock.pause();
    }

    @Override
    public void checkPatience() throws DeviceFailure {
        clock.checkPatience();
    }
}

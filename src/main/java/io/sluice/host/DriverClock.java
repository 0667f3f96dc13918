package io.sluice.host;

import java.util.concurrent.locks.LockSupport;

/** Time as the driver sees it while it waits for a device; replaced in tests, where a second passes at once. */
public interface DriverClock {
    /** Nanoseconds from an arbitrary start. */
    long nanoTime();

    /** Lets a little time pass between two looks at the device. */
    void pause();

    /**
     * Asked in every wait for the device, which ends at once if there is no point in going on.
     *
     * @throws DeviceFailure with the reason, if nothing is to be waited for any more
     */
    default void checkPatience() throws DeviceFailure {}

    /** The system's clock; a pause is 20 µs, so that a wait neither burns a processor nor is late. */
    static DriverClock system() {
        return new DriverClock() {
            private static final long PAUSE_NANOS = 20_000;

            @Override
            public long nanoTime() {
                return System.nanoTime();
            }

            @Override
            public void pause() {
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        };
    }
}

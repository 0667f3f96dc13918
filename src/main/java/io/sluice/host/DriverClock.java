package io.sluice.host;

import java.util.concurrent.locks.LockSupport;

/** Time as the driver sees it while it waits for a device; replaced in tests, where a second passes at once. */
public interface DriverClock {
    /** Nanoseconds from an arbitrary start. */
    long nanoTime();

    /** Lets a little time pass between two looks at the device. */
    void pause();

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

package io.sluice.daemon;

import io.sluice.linux.SdNotify;
import java.io.IOException;
import java.util.function.BooleanSupplier;

/** A daemon from its start to its end, as a service manager and whoever sends signals see it. */
public final class Service {
    private static final long STATUS_MICROS = 5_000_000;

    private final SdNotify manager;
    private final Ending ending;

    /** What serves. */
    public interface Served {
        /** How it is doing, in a line. Does not wait for a device or a guest: a watchdog stands behind it. */
        String status();

        /** Whether there is nothing left to serve: the device is gone, and everything has been closed. */
        default boolean isLost() {
            return false;
        }

        /** Finishes what was begun, then shuts the device down. */
        void close();

        /** Lets go of everything at once. Called from another thread, also while {@link #close} runs. */
        void closeNow();
    }

    /** Starts what serves. */
    @FunctionalInterface
    public interface Starter {
        Served start() throws IOException;
    }

    Service(SdNotify manager, Ending ending) {
        this.manager = manager;
        this.ending = ending;
    }

    /**
     * For this process: hears its signals from now on, and its service manager hears of it.
     *
     * @param halt ends the process, whatever else it does; called if a second signal comes
     */
    public static Service ofThisProcess(Runnable halt) {
        Ending ending = new Ending(halt);
        ending.listen();
        return new Service(SdNotify.ofThisProcess(), ending);
    }

    /**
     * Serves until it is told to end.
     *
     * @param announce tells the user that it is ready; false if nobody hears that, and then it ends
     * @return whether it could finish what was begun
     */
    public boolean run(Starter starter, BooleanSupplier announce) throws IOException {
        Served served = starter.start();
        ending.onInsistence(served::closeNow);
        boolean announced = false;
        try {
            announced = announce.getAsBoolean();
            if (announced) {
                stay(served);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            manager.stopping();
            served.close();
        }
        return announced && !ending.isInsisted() && !served.isLost();
    }

    private void stay(Served served) throws InterruptedException {
        String said = served.status();
        manager.ready(said);
        // Twice in the time that the manager gives: once may come late.
        long micros = Math.min(STATUS_MICROS, manager.watchdogMicros().orElse(Long.MAX_VALUE) / 2);
        while (!ending.await(micros) && !served.isLost()) {
            String status = served.status();
            if (!status.equals(said)) {
                manager.status(status);
                said = status;
            }
            if (manager.watchdogMicros().isPresent()) {
                manager.watchdog();
            }
        }
    }
}

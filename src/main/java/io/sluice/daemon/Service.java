package io.sluice.daemon;

import io.sluice.linux.SdNotify;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** A daemon from its start to its end, as a service manager and whoever sends signals see it. */
public final class Service {
    private static final long STATUS_MICROS = 5_000_000;

    private final SdNotify manager;
    private final Ending ending;
    private final long extensionMillis;

    /** What serves. */
    public interface Served {
        /** How it is doing, in a line. Does not wait for a device or a guest: a watchdog stands behind it. */
        String status();

        /** Whether there is nothing left to serve: the device is gone. */
        default boolean isLost() {
            return false;
        }

        /**
         * Whether it has done anything since this was asked last, if only to find that there is nothing to do. A watchdog
         * ends what does not.
         */
        default boolean hasProgressed() {
            return true;
        }

        /**
         * Finishes what was begun, then shuts the device down.
         *
         * @return whether all of that could be done
         */
        boolean close();

        /** Lets go of everything at once. Called from another thread, also while {@link #close} runs, which returns soon then. */
        void closeNow();
    }

    /** How the end is asked for. */
    public interface Stop {
        /** Whether it was. */
        boolean isAsked();

        /** Asks for it. From any thread; does not wait. */
        void ask();

        /**
         * Has something done when it is asked for, at once if it was already, in place of what was set before. It must not wait.
         */
        void onAsked(Runnable action);
    }

    /** Starts what serves. */
    @FunctionalInterface
    public interface Starter {
        /**
         * Starts.
         *
         * @param stop may be asked in the middle of it: the start then fails soon. What serves asks itself if it is lost
         */
        Served start(Stop stop) throws IOException;
    }

    Service(SdNotify manager, Ending ending) {
        this(manager, ending, TimeoutExtension.PERIOD_MILLIS);
    }

    /** @param extensionMillis how often the manager is told to go on waiting */
    Service(SdNotify manager, Ending ending, long extensionMillis) {
        this.manager = manager;
        this.ending = ending;
        this.extensionMillis = extensionMillis;
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
     * @return whether it got ready, and could finish what was begun
     */
    public boolean run(Starter starter, BooleanSupplier announce) throws IOException {
        Served served = start(starter);
        ending.onInsistence(served::closeNow);
        boolean announced = false;
        boolean finished;
        try {
            // A start may be over before it hears that there is nothing to be started any more.
            announced = !ending.isAsked() && !served.isLost() && announce.getAsBoolean();
            if (announced) {
                stay(served);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            finished = close(served);
        }
        return announced && finished && !ending.isInsisted() && !served.isLost();
    }

    private Served start(Starter starter) throws IOException {
        TimeoutExtension extension = TimeoutExtension.start(manager, extensionMillis);
        try (extension) {
            return starter.start(ending);
        }
    }

    private boolean close(Served served) {
        manager.stopping();
        TimeoutExtension extension = TimeoutExtension.start(manager, extensionMillis);
        try (extension) {
            return served.close();
        }
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
            if (manager.watchdogMicros().isPresent() && served.hasProgressed()) {
                manager.watchdog();
            }
        }
    }

    /**
     * Keeps the manager from giving up while a start or an end takes its time: a controller may take minutes to get ready, and one
     * to shut down. Bounded, since everything that is waited for here is.
     */
    private static final class TimeoutExtension implements AutoCloseable {
        static final long PERIOD_MILLIS = 10_000;
        private static final long EXTENSION_MICROS = TimeUnit.SECONDS.toMicros(30);

        /** Sixty of ten seconds: twice CAP.TO for a start, a reset and a shutdown for an end, each with much to spare. */
        private static final int MAX_EXTENSIONS = 60;

        private final Thread thread;

        private TimeoutExtension(Thread thread) {
            this.thread = thread;
        }

        static TimeoutExtension start(SdNotify manager, long periodMillis) {
            return new TimeoutExtension(Thread.ofPlatform()
                    .name("extend")
                    .daemon()
                    .start(() -> {
                        try {
                            for (int i = 0; i < MAX_EXTENSIONS; i++) {
                                Thread.sleep(periodMillis);
                                manager.extendTimeout(EXTENSION_MICROS);
                            }
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt(); // what it was for is over
                        }
                    }));
        }

        @Override
        public void close() {
            thread.interrupt();
        }
    }
}

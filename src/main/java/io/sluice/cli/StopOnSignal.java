package io.sluice.cli;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Lets a command end by itself when the process is asked to (SIGINT, SIGTERM, SIGHUP), within a bounded time. The virtual
 * machine then exits with 128 plus the signal's number: 130, 143, 129.
 */
final class StopOnSignal {
    /** A second is promised; the rest is for the virtual machine to end. */
    private static final long PATIENCE_MILLIS = 900;

    private final CountDownLatch ended = new CountDownLatch(1);
    private final Thread hook;

    /** What a command does. */
    @FunctionalInterface
    interface Body<T> {
        T run() throws IOException;
    }

    private StopOnSignal(Runnable stop) {
        hook = new Thread(
                () -> {
                    stop.run();
                    await();
                },
                "stop");
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /**
     * Runs a command.
     *
     * @param stop makes the body end soon; called from another thread, once at most
     */
    static <T> T during(Runnable stop, Body<T> body) throws IOException {
        StopOnSignal signal = new StopOnSignal(stop);
        try {
            return body.run();
        } finally {
            signal.end();
        }
    }

    private void await() {
        try {
            boolean inTime = ended.await(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
            if (!inTime) {
                System.err.println("sluice: it did not stop in time; ending anyway");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void end() {
        ended.countDown();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process is ending already: that is what the hook is running for.
            return;
        }
    }
}

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

    /** For steps of which each is the kernel's, and which are not to be left half way. */
    private static final long PATIENCE_FOR_ALL_MILLIS = TimeUnit.MINUTES.toMillis(2);

    private final CountDownLatch ended = new CountDownLatch(1);
    private final Thread hook;
    private final long patienceMillis;
    private final String tooLate;

    /** What a command does. */
    @FunctionalInterface
    interface Body<T> {
        T run() throws IOException;
    }

    private StopOnSignal(Runnable stop, long patienceMillis, String tooLate) {
        this.patienceMillis = patienceMillis;
        this.tooLate = tooLate;
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
        return run(new StopOnSignal(stop, PATIENCE_MILLIS, "it did not stop in time; ending anyway"), body);
    }

    /**
     * Runs a command that changes the host in a few steps, and does them all: a signal is answered by a sentence, and the
     * process ends after the last step, or after two minutes.
     *
     * @param what is being done, for that sentence: "binding 0000:01:00.0"
     * @param mend the command that mends what is left where it ended early all the same
     */
    static <T> T toTheEnd(String what, String mend, Body<T> body) throws IOException {
        Runnable tell = () -> System.err.println("sluice: " + what + " is not left half way; waiting for its end");
        String tooLate = what + " has not come to its end; ending anyway. Mend what it leaves with: " + mend;
        return run(new StopOnSignal(tell, PATIENCE_FOR_ALL_MILLIS, tooLate), body);
    }

    private static <T> T run(StopOnSignal signal, Body<T> body) throws IOException {
        try {
            return body.run();
        } finally {
            signal.end();
        }
    }

    private void await() {
        try {
            boolean inTime = ended.await(patienceMillis, TimeUnit.MILLISECONDS);
            if (!inTime) {
                System.err.println("sluice: " + tooLate);
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

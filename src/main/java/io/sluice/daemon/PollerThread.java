package io.sluice.daemon;

import io.sluice.config.PollerSettings;
import io.sluice.linux.LinuxException;
import io.sluice.linux.ThreadControl;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a poller's thread asks of the kernel: to wake up in time, and a processor of its own. */
final class PollerThread {
    private static final Logger LOG = LoggerFactory.getLogger(PollerThread.class);

    /** Without this a park of 50 us takes 100: the kernel gathers timers within 50 us of each other by default. */
    private static final long TIMER_SLACK_NANOS = 1_000;

    /** The shortest that there is: whoever waits for the poller to wake up waits for no other thread's slice to end. */
    private static final long SLICE_NANOS = 100_000;

    private PollerThread() {}

    /**
     * Makes sure that the processor that was asked for can be had, by a thread that does nothing else.
     *
     * @throws IOException if it cannot, and why
     */
    static void requireCore(PollerSettings poller) throws IOException {
        if (poller.core().isEmpty()) {
            return;
        }
        int core = poller.core().getAsInt();
        AtomicReference<LinuxException> refusal = new AtomicReference<>();
        Thread trial = Thread.ofPlatform().name("try-core-" + core).start(() -> {
            try {
                ThreadControl.pinTo(core);
            } catch (LinuxException e) {
                refusal.set(e);
            }
        });
        try {
            trial.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while trying processor " + core, e);
        }
        if (refusal.get() != null) {
            throw new IOException(
                    "the poller cannot be pinned to processor " + core + " (poller.core): "
                            + refusal.get().getMessage() + "; choose one that this process may use, or none",
                    refusal.get());
        }
    }

    /** Prepares the calling thread. */
    static void prepare(PollerSettings poller) {
        wakeInTime();
        if (poller.core().isPresent()) {
            pin(poller.core().getAsInt());
        }
    }

    /** Has the kernel give the calling thread a processor soon after it is woken, or its time is over. */
    static void wakeInTime() {
        try {
            ThreadControl.setTimerSlack(TIMER_SLACK_NANOS);
            ThreadControl.setSlice(SLICE_NANOS);
        } catch (LinuxException e) {
            LOG.warn("the poller may wake up late: {}", e.getMessage());
        }
    }

    private static void pin(int core) {
        try {
            ThreadControl.pinTo(core);
        } catch (LinuxException e) { // it could be had a moment ago
            LOG.error(
                    "the poller runs where the kernel puts it, and not on processor {} (poller.core), which was taken from"
                            + " this process meanwhile: {}. Give it back, and start again",
                    core,
                    e.getMessage());
        }
    }
}

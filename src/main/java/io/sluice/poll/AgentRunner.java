package io.sluice.poll;

import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs an agent on a thread of its own until it is closed. Nothing that the agent throws ends the thread: it is handed
 * back to the agent to contain.
 */
public final class AgentRunner implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AgentRunner.class);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);
    private static final long PAUSE_AFTER_FAULT_NANOS = 1_000_000;

    private final Agent agent;
    private final IdleStrategy idle;
    private final Runnable onStart;
    private final Thread thread;
    private volatile boolean running = true;

    /**
     * A runner that is not started yet.
     *
     * @param agent to run
     * @param idle belongs to this runner from now on
     * @param onStart runs first on the thread: pins it, sets its timer slack
     */
    public AgentRunner(Agent agent, IdleStrategy idle, Runnable onStart) {
        this.agent = agent;
        this.idle = idle;
        this.onStart = onStart;
        this.thread =
                Thread.ofPlatform().name("poller-" + agent.name()).daemon().unstarted(this::run);
    }

    public void start() {
        thread.start();
    }

    /** Makes a parked thread run at once; from any thread. */
    public void wake() {
        LockSupport.unpark(thread);
    }

    /**
     * Ends the thread after its current duty cycle, and waits for that. Idempotent.
     *
     * @return whether it has ended. If not, within five seconds, it is stuck, and goes on to use what the agent has: that
     *     must stay
     */
    public boolean stop() {
        running = false;
        wake();
        try {
            if (thread.join(CLOSE_TIMEOUT)) {
                return true;
            }
            LOG.error(
                    "{} did not stop within {} s; it is in {}",
                    thread.getName(),
                    CLOSE_TIMEOUT.toSeconds(),
                    Arrays.toString(thread.getStackTrace()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return !thread.isAlive();
    }

    /** Stops, where nobody needs to know whether it did. */
    @Override
    public void close() {
        stop();
    }

    private void run() {
        try {
            onStart.run();
        } catch (RuntimeException e) {
            LOG.warn("{} goes on without its set-up: {}", thread.getName(), e.toString());
        }
        while (running) {
            try {
                poll();
            } catch (Throwable fault) {
                contain(fault);
            }
        }
    }

    private void poll() {
        while (running) {
            int work = agent.doWork();
            if (work > 0 || !idle.isParking()) {
                idle.idle(work);
            } else if (agent.isDormant()) {
                idle.sleep(); // a wake since doWork is kept for it: no command is slept over
            } else {
                idle.idle(work, agent.maxRestNanos());
            }
        }
    }

    /** An asynchronous error can come even here, from the access that raised the first one. */
    private void contain(Throwable fault) {
        try {
            agent.onFault(fault);
        } catch (Throwable second) {
            LOG.error("{}: containing {} failed", thread.getName(), fault, second);
        }
        LockSupport.parkNanos(PAUSE_AFTER_FAULT_NANOS); // a fault in every cycle must not fill the log at full speed
    }
}

package io.sluice.poll;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;

/**
 * What other threads want an agent to do. State belongs to one agent on one thread; whoever else wants it changed sends a
 * command and waits.
 *
 * <p>A command is a step that is repeated, once a duty cycle, until it says that it is done: so that even "end everything
 * that is in flight" never holds the agent up. Commands run in the order in which they came.
 */
public final class CommandQueue {
    private static final int CAPACITY = 1024;

    private final ConcurrentLinkedQueue<Command> queue = new ConcurrentLinkedQueue<>();
    private final Semaphore room = new Semaphore(CAPACITY);
    private final Runnable wake;
    private final boolean direct;

    private CommandQueue(Runnable wake, boolean direct) {
        this.wake = wake;
        this.direct = direct;
    }

    /**
     * A queue to an agent on another thread.
     *
     * @param wake makes the agent's thread run soon; called from other threads
     */
    public static CommandQueue to(Runnable wake) {
        return new CommandQueue(wake, false);
    }

    /** Runs each command at once on the caller's thread: for agents that are stepped by hand. */
    public static CommandQueue direct() {
        return new CommandQueue(() -> {}, true);
    }

    /**
     * Has the agent run a task, and waits until it has.
     *
     * @param what for the error, as in "set interrupts"
     * @throws AgentStalled if it has not run within the time; it then never runs
     */
    public void run(String what, long timeoutNanos, Runnable task) {
        call(what, timeoutNanos, () -> {
            task.run();
            return true;
        });
    }

    /**
     * Has the agent repeat a step until it returns true, and waits for that. What the step throws is thrown here.
     *
     * @throws AgentStalled if it is not done within the time; its next step is then not taken
     */
    public void call(String what, long timeoutNanos, BooleanSupplier step) {
        Command command = new Command(step);
        if (direct) {
            runHere(command, what, timeoutNanos);
        } else {
            send(command, what, timeoutNanos);
        }
        command.rethrow();
    }

    /** Runs what has come; on the agent. Returns how many steps were taken. */
    public int drain() {
        int steps = 0;
        Command command = queue.peek();
        while (command != null) {
            steps++;
            if (!command.step()) {
                return steps;
            }
            queue.remove();
            room.release();
            command = queue.peek();
        }
        return steps;
    }

    private static void runHere(Command command, String what, long timeoutNanos) {
        long deadline = System.nanoTime() + timeoutNanos;
        while (!command.step()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AgentStalled(what, timeoutNanos);
            }
        }
    }

    private void send(Command command, String what, long timeoutNanos) {
        long deadline = System.nanoTime() + timeoutNanos;
        try {
            if (!room.tryAcquire(timeoutNanos, TimeUnit.NANOSECONDS)) {
                throw new AgentStalled(what, timeoutNanos);
            }
            queue.add(command);
            wake.run();
            if (!command.done.await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS) && !command.cancel()) {
                throw new AgentStalled(what, timeoutNanos);
            }
        } catch (InterruptedException e) {
            command.cancel();
            Thread.currentThread().interrupt();
            throw new AgentStalled(what + " (interrupted)", timeoutNanos);
        }
    }

    /** The agent did not do in time what it was asked to. */
    public static final class AgentStalled extends RuntimeException {
        private static final long serialVersionUID = 1L;

        AgentStalled(String what, long timeoutNanos) {
            super("the poller did not " + what + " within " + TimeUnit.NANOSECONDS.toMillis(timeoutNanos) + " ms");
        }
    }

    private static final class Command {
        private final BooleanSupplier step;
        private final CountDownLatch done = new CountDownLatch(1);
        private final AtomicBoolean cancelled = new AtomicBoolean();
        private Throwable thrown; // written before done is counted down, read after

        Command(BooleanSupplier step) {
            this.step = step;
        }

        /** Whether the command has ended. */
        boolean step() {
            if (cancelled.get()) {
                return true;
            }
            try {
                if (!step.getAsBoolean()) {
                    return false;
                }
            } catch (RuntimeException | Error e) {
                thrown = e;
            }
            done.countDown();
            return true;
        }

        /** Whether it was done after all. */
        boolean cancel() {
            cancelled.set(true);
            return done.getCount() == 0;
        }

        void rethrow() {
            if (thrown instanceof RuntimeException e) {
                throw e;
            }
            if (thrown instanceof Error e) {
                throw e;
            }
        }
    }
}

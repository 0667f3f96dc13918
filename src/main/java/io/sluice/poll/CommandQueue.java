package io.sluice.poll;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;

/**
 * What other threads want an agent to do. State belongs to one agent on one thread; whoever else wants it changed sends a
 * command and waits.
 *
 * <p>A command is a step that is repeated, once a duty cycle, until it says that it is done: so that even "end everything
 * that is in flight" never holds the agent up. Commands run in the order in which they came.
 *
 * <p>What a step meets is its own: an {@link InternalError} about memory that was taken away from under an earlier access, which
 * Java tells late, is told before the step begins, and leaves the command as it is.
 */
public final class CommandQueue {
    /** What may wait. */
    static final int CAPACITY = 1024;

    /** Steps of one call of {@link #drain}: who posts without waiting may post as quickly as they are taken. */
    static final int MAX_STEPS = 64;

    private final ConcurrentLinkedQueue<Command> queue = new ConcurrentLinkedQueue<>();
    /** Whether there may be something in the queue: one load a duty cycle. */
    private volatile boolean posted;

    private final Semaphore room = new Semaphore(CAPACITY);
    private final Runnable wake;
    private final boolean direct;
    private final Runnable tellLateErrors;

    private CommandQueue(Runnable wake, boolean direct, Runnable tellLateErrors) {
        this.wake = wake;
        this.tellLateErrors = tellLateErrors;
        this.direct = direct;
    }

    /**
     * A queue to an agent on another thread.
     *
     * @param wake makes the agent's thread run soon; called from other threads
     */
    public static CommandQueue to(Runnable wake) {
        return to(wake, LateErrors::tell);
    }

    static CommandQueue to(Runnable wake, Runnable tellLateErrors) {
        return new CommandQueue(wake, false, tellLateErrors);
    }

    /** Runs each command at once on the caller's thread: for agents that are stepped by hand. */
    public static CommandQueue direct() {
        return new CommandQueue(() -> {}, true, () -> {});
    }

    /**
     * Has the agent run a task, and waits until it has.
     *
     * @param what for the error, as in "set interrupts"
     * @throws AgentStalled if it has not run within the time; unless it was under way, it then never runs
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
     * @throws AgentStalled if it is not done within the time; its next step is then not taken, but one that was under way
     *     ends
     */
    public void call(String what, long timeoutNanos, BooleanSupplier step) {
        call(what, timeoutNanos, step, () -> {});
    }

    /**
     * Has the agent run a task soon, after all that it was asked for before, and does not wait for it: only for room in the
     * queue. What the task throws is lost.
     *
     * @throws AgentStalled if there is no room within the time; it then never runs
     */
    public void post(String what, long timeoutNanos, Runnable task) {
        Command command = new Command(
                () -> {
                    task.run();
                    return true;
                },
                () -> {});
        if (direct) {
            runHere(command, what, timeoutNanos);
            return;
        }
        try {
            enqueue(command, what, timeoutNanos);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AgentStalled(what + " (interrupted)", timeoutNanos, false);
        }
    }

    /**
     * The same for a step that leaves something which its caller has to see to, even where the caller has gone.
     *
     * @param whenAbandoned does so: runs on the agent, after the step, if that was under way when the caller gave up
     * @throws AgentStalled as above; {@link AgentStalled#wasUnderWay} says whether {@code whenAbandoned} runs or has run
     */
    public void call(String what, long timeoutNanos, BooleanSupplier step, Runnable whenAbandoned) {
        Command command = new Command(step, whenAbandoned);
        if (direct) {
            runHere(command, what, timeoutNanos);
        } else {
            send(command, what, timeoutNanos);
        }
        command.rethrow();
    }

    /**
     * Runs what has come, or a part of it where that is much; on the agent. Returns how many steps were taken.
     *
     * @throws InternalError if an access was at fault that came before this call
     */
    public int drain() {
        if (!posted) {
            return 0;
        }
        posted = false; // before the queue is looked at: what comes after that sets it again
        try {
            return runSteps();
        } finally {
            if (!queue.isEmpty()) {
                posted = true;
            }
        }
    }

    private int runSteps() {
        int steps = 0;
        Command command = queue.peek();
        if (command != null) {
            tellLateErrors.run(); // of what its thread did before, perhaps for another agent
        }
        while (command != null && steps < MAX_STEPS) {
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
                throw new AgentStalled(what, timeoutNanos, false);
            }
        }
    }

    private void send(Command command, String what, long timeoutNanos) {
        long deadline = System.nanoTime() + timeoutNanos;
        try {
            enqueue(command, what, timeoutNanos);
            if (!command.done.await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                giveUp(command, what, timeoutNanos);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            giveUp(command, what + " (interrupted)", timeoutNanos);
        }
    }

    private void enqueue(Command command, String what, long timeoutNanos) throws InterruptedException {
        if (!room.tryAcquire(timeoutNanos, TimeUnit.NANOSECONDS)) {
            throw new AgentStalled(what, timeoutNanos, false);
        }
        queue.add(command);
        posted = true;
        wake.run();
    }

    /** Throws, unless the command has ended at the last moment. */
    private static void giveUp(Command command, String what, long timeoutNanos) {
        State end = command.giveUp();
        if (end != State.ENDED) {
            throw new AgentStalled(what, timeoutNanos, end == State.ABANDONED);
        }
    }

    /** The agent did not do in time what it was asked to. */
    public static final class AgentStalled extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final boolean underWay;

        AgentStalled(String what, long timeoutNanos, boolean underWay) {
            super("the poller did not " + what + " within " + TimeUnit.NANOSECONDS.toMillis(timeoutNanos) + " ms"
                    + (underWay ? ", and is at it still" : ""));
            this.underWay = underWay;
        }

        /** Whether a step was being taken at the time, which then has its effect after all. Else no further one is. */
        public boolean wasUnderWay() {
            return underWay;
        }
    }

    /**
     * Where a command is.
     *
     * <pre>
     *      ┌───────not done───────┐
     *      ▼                      │
     *   WAITING ──agent: step──▶ RUNNING ──done──▶ ENDED
     *      │ caller gives up      │ caller gives up
     *      ▼                      ▼
     *   CANCELLED              ABANDONED   the agent ends the step, then does whenAbandoned
     * </pre>
     */
    private enum State {
        WAITING,
        RUNNING,
        ENDED,
        CANCELLED,
        ABANDONED
    }

    private static final class Command {
        private final BooleanSupplier step;
        private final Runnable whenAbandoned;
        private final CountDownLatch done = new CountDownLatch(1);
        private final AtomicReference<State> state = new AtomicReference<>(State.WAITING);
        private Throwable thrown; // written before the state says ENDED, read after

        Command(BooleanSupplier step, Runnable whenAbandoned) {
            this.step = step;
            this.whenAbandoned = whenAbandoned;
        }

        /** Takes a step, on the agent. Returns whether it was the last one. */
        boolean step() {
            if (!state.compareAndSet(State.WAITING, State.RUNNING)) {
                return true;
            }
            boolean last = true;
            try {
                last = step.getAsBoolean();
            } catch (RuntimeException | Error e) {
                thrown = e;
            }
            if (state.compareAndSet(State.RUNNING, last ? State.ENDED : State.WAITING)) {
                if (last) {
                    done.countDown();
                }
                return last;
            }
            whenAbandoned.run();
            return true;
        }

        /** Has no further step taken. Returns how it ends: ENDED, CANCELLED or ABANDONED. */
        State giveUp() {
            return state.updateAndGet(now -> switch (now) {
                case WAITING, CANCELLED -> State.CANCELLED;
                case RUNNING, ABANDONED -> State.ABANDONED;
                case ENDED -> State.ENDED;
            });
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

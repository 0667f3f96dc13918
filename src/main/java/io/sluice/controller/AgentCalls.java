package io.sluice.controller;

import io.sluice.device.FunctionStalled;
import io.sluice.poll.CommandQueue;
import io.sluice.poll.CommandQueue.AgentStalled;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * What other threads have the controller's agent do, and wait for. What goes wrong in it is the controller's, and contained; who
 * waited goes on.
 */
final class AgentCalls {
    /** Every call of a {@link io.sluice.device.PciFunction} returns within two seconds; one of two steps shares them. */
    static final long TIMEOUT_NANOS = TimeUnit.MILLISECONDS.toNanos(1900);

    static final long FIRST_STEP_TIMEOUT_NANOS = TimeUnit.MILLISECONDS.toNanos(1200);
    static final long SECOND_STEP_TIMEOUT_NANOS = TimeUnit.MILLISECONDS.toNanos(700);

    private final String name;
    private final CommandQueue commands;
    private final Consumer<Throwable> onFault;
    private final Runnable afterStep;

    /**
     * @param name the controller's, for messages
     * @param commands to its agent
     * @param onFault contains what went wrong; called by the agent
     * @param afterStep what ends each step, of whose result somebody waits to be told; called by the agent
     */
    AgentCalls(String name, CommandQueue commands, Consumer<Throwable> onFault, Runnable afterStep) {
        this.afterStep = afterStep;
        this.name = name;
        this.commands = commands;
        this.onFault = onFault;
    }

    /** Has the agent repeat a step until it is done, also after a fault. */
    void call(String what, long timeoutNanos, BooleanSupplier step) {
        send(what, timeoutNanos, () -> contained(step, false), () -> {});
    }

    /** Has the agent run a task once. */
    void run(String what, Runnable task) {
        run(what, TIMEOUT_NANOS, task);
    }

    void run(String what, long timeoutNanos, Runnable task) {
        send(what, timeoutNanos, once(task), () -> {});
    }

    /** Has the agent run a task once, after all that it was asked for before, without waiting for it. */
    void post(String what, Runnable task) {
        try {
            commands.post(what, TIMEOUT_NANOS, () -> {
                try {
                    task.run();
                } catch (RuntimeException | Error fault) {
                    onFault.accept(fault);
                }
            });
        } catch (AgentStalled e) {
            throw stalled(e);
        }
    }

    /** A task as a step that is done after it, whatever it met. */
    BooleanSupplier once(Runnable task) {
        return () -> contained(
                () -> {
                    task.run();
                    return true;
                },
                true);
    }

    /** Has the agent repeat a step; {@code whenAbandoned} as in {@link CommandQueue#call(String, long, BooleanSupplier, Runnable)}. */
    void send(String what, long timeoutNanos, BooleanSupplier step, Runnable whenAbandoned) {
        try {
            commands.call(what, timeoutNanos, step, whenAbandoned);
        } catch (AgentStalled e) {
            throw stalled(e);
        }
    }

    /** What a caller of the function is told. */
    FunctionStalled stalled(AgentStalled e) {
        return new FunctionStalled(name + ": " + e.getMessage(), e);
    }

    private boolean contained(BooleanSupplier step, boolean resultOfFault) {
        try {
            boolean done = step.getAsBoolean();
            afterStep.run();
            return done;
        } catch (RuntimeException | Error fault) {
            onFault.accept(fault);
            return resultOfFault;
        }
    }
}

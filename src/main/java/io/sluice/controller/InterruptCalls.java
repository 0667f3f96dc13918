package io.sluice.controller;

import io.sluice.device.InterruptBank;
import io.sluice.device.InterruptKind;
import io.sluice.linux.EventFd;
import io.sluice.poll.CommandQueue;
import io.sluice.poll.CommandQueue.AgentStalled;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;

/** What a connection asks of the interrupts, which belong to the controller's agent. Called by the connection's thread. */
final class InterruptCalls {
    private final InterruptBank bank;
    private final AgentCalls agent;
    private final CommandQueue commands;
    private final Runnable updatePin;

    /**
     * Calls to an agent.
     *
     * @param commands of {@code agent}
     * @param updatePin brings the pin to the level that it should have; on the agent
     */
    InterruptCalls(InterruptBank bank, AgentCalls agent, CommandQueue commands, Runnable updatePin) {
        this.bank = bank;
        this.agent = agent;
        this.commands = commands;
        this.updatePin = updatePin;
    }

    /** See {@link io.sluice.device.PciFunction#setInterruptTargets}. */
    void setTargets(InterruptKind kind, int start, List<EventFd> targets) {
        check(kind, start, targets.size());
        List<EventFd> replaced = new ArrayList<>();
        BooleanSupplier step = agent.once(() -> replaced.addAll(bank.setTargets(kind, start, targets)));
        try {
            commands.call("set interrupts", AgentCalls.TIMEOUT_NANOS, step, () -> close(replaced));
        } catch (AgentStalled e) {
            if (!e.wasUnderWay()) {
                close(targets); // nobody else will ever have them
            }
            throw agent.stalled(e);
        }
        close(replaced);
    }

    /** Takes nulls too. */
    static void close(List<EventFd> eventFds) {
        eventFds.stream().filter(Objects::nonNull).forEach(EventFd::close);
    }

    void mask(InterruptKind kind, int start, int count) {
        check(kind, start, count);
        agent.run("mask interrupts", () -> bank.setMasked(kind, start, count, true));
    }

    void unmask(InterruptKind kind, int start, int count) {
        check(kind, start, count);
        agent.run("unmask interrupts", () -> {
            updatePin.run(); // what is asserted still is signalled, what is not is not
            bank.setMasked(kind, start, count, false);
        });
    }

    void trigger(InterruptKind kind, int start, int count) {
        check(kind, start, count);
        agent.run("trigger interrupts", () -> bank.trigger(kind, start, count));
    }

    /** Here, on the caller's thread: what a caller does wrong must not fail the controller. */
    private void check(InterruptKind kind, int start, int count) {
        Objects.checkFromIndexSize(start, count, bank.count(kind));
    }
}

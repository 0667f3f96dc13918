package io.sluice.controller;

import io.sluice.nvme.Status;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * Commands that another process had taken and not ended: they come to the path once more. Belongs to the controller's agent.
 *
 * <p>So a command may be done twice, and is answered once. What it does is the same the second time, as long as no command that was
 * outstanding beside it has changed the same blocks, of which NVMe 1.4, 6.1 leaves the order open; Compare and Write, fused, is
 * the exception, which {@link IoCommand#isCompared} deals with.
 */
final class Replays {
    private static final int UNREACHABLE = Status.DATA_TRANSFER_ERROR.code();

    private final IoPath path;
    private final IoGate gate;
    private final StagedCommands staging;
    private final FusedCommands fused;
    private final StagedCommands.Owner owner;
    private final List<IoCommand> waiting = new ArrayList<>();

    Replays(IoPath path, IoGate gate, StagedCommands staging, FusedCommands fused, StagedCommands.Owner owner) {
        this.path = path;
        this.gate = gate;
        this.staging = staging;
        this.fused = fused;
        this.owner = owner;
    }

    /** A pending command that the path has not got; with its companion, if that is there too. */
    void add(IoCommand command) {
        waiting.add(command);
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    /** Gives the path what it takes. Returns how many commands it was given, or have ended. */
    int doWork() {
        if (waiting.isEmpty()) {
            return 0;
        }
        ArrayDeque<IoCommand> turn = new ArrayDeque<>(waiting);
        int work = 0;
        while (!turn.isEmpty()) {
            IoCommand command = turn.remove();
            if (waiting.contains(command) && begin(command)) {
                work++;
            }
        }
        return work;
    }

    private boolean begin(IoCommand command) {
        if (command.companion() != null) {
            return beginFused(command, command.companion());
        }
        if (command.isCompared()) {
            return end(command, Status.OK); // its Write has been answered
        }
        boolean isFused = command.record().fused() != SlotRecord.ALONE;
        int status = isFused ? gate.admitFused(command) : gate.admit(command);
        boolean staged = status == UNREACHABLE && staging.isEnabled();
        if (status == Status.OK || staged) {
            waiting.remove(command); // before the path has it, which may end it from within
            status = staged ? staging.begin(command, isFused) : path.submit(command);
            if (status == IoPath.BUSY) {
                waiting.add(command);
            }
        }
        if (status == IoPath.BUSY) {
            return false;
        }
        return status == IoPath.PENDING || end(command, status);
    }

    private boolean beginFused(IoCommand first, IoCommand second) {
        waiting.remove(first); // before the path has them, which may end them from within
        if (fused.submit(first, second) == IoPath.BUSY) {
            waiting.add(first);
            return false;
        }
        return true;
    }

    private boolean end(IoCommand command, int status) {
        waiting.remove(command);
        owner.ended(command, status);
        return true;
    }

    /** Ends a command that waits here, or whose companion does. False for all others. */
    boolean cancel(IoCommand command) {
        for (IoCommand each : waiting) {
            if (each == command || each.companion() == command) {
                cancelAll(each);
                return true;
            }
        }
        return false;
    }

    private void cancelAll(IoCommand command) {
        int status = Status.ABORTED_SQ_DELETION.code();
        IoCommand companion = command.companion();
        end(command, status);
        if (companion != null) {
            end(companion, status);
        }
    }
}

package io.sluice.controller;

import io.sluice.dma.GuestMemory;
import io.sluice.dma.MessagedMemory.Progress;
import io.sluice.nvme.Status;
import java.util.function.Function;

/**
 * One command whose lists or data are, at least in part, in memory that the guest does not share: see {@link StagedCommands}. Of two fused
 * commands, the first leads until the path has them: what is asked of it is asked of both.
 */
final class StagedCommand {
    /** How far it is. */
    enum Stage {
        LOOK,
        FETCH,
        DATA_IN,
        SUBMIT,
        IN_PATH,
        DATA_OUT
    }

    final StagedMemory memory;
    IoCommand command;
    Stage stage = Stage.LOOK;

    /** Whether it is one of two fused commands, of which the other may have ended. */
    boolean fused;

    /** Of the first of two: the other one, until the path has them. */
    StagedCommand second;

    /** The other way round. */
    StagedCommand first;

    /** What it has failed with; 0 if it has not. */
    int status;

    StagedCommand(GuestMemory guestMemory, BouncePages pages) {
        this.memory = new StagedMemory(guestMemory, pages);
    }

    void begin(IoCommand newCommand, boolean isFused) {
        command = newCommand;
        fused = isFused;
        stage = Stage.LOOK;
        status = Status.OK;
        command.setStaged(this);
    }

    /** The two go together from now on. */
    void lead(StagedCommand other) {
        second = other;
        other.first = this;
    }

    /** Each goes on its own. Returns the second. */
    StagedCommand part() {
        StagedCommand other = second;
        second = null;
        other.first = null;
        return other;
    }

    void enter(Stage next) {
        stage = next;
        if (second != null) {
            second.enter(next);
        }
    }

    /** One step of moving what is to be moved. What has failed has a {@link #status} then. */
    Progress advance(Function<StagedMemory, Progress> step) {
        Progress own = step.apply(memory);
        status = own == Progress.FAILED ? Status.DATA_TRANSFER_ERROR.code() : Status.OK;
        if (second == null) {
            return own;
        }
        Progress others = second.advance(step);
        if (own == Progress.FAILED || others == Progress.FAILED) {
            return Progress.FAILED;
        }
        return own == Progress.PENDING || others == Progress.PENDING ? Progress.PENDING : Progress.DONE;
    }

    /** What was found out about its data means nothing any more, but lists that have come do. */
    void rewind(long epoch) {
        memory.rewind();
        command.setInGuestMemory(false, epoch);
        if (second != null) {
            second.rewind(epoch);
        }
    }

    /** It has no pages, and waits for nothing. */
    void release(long epoch) {
        memory.release();
        command.setInGuestMemory(false, epoch);
        if (second != null) {
            second.release(epoch);
        }
    }

    /** The guest's memory has changed: whether all that is under way is still where it was. */
    boolean recheck() {
        boolean good = memory.recheck();
        return (second == null || second.recheck()) && good;
    }

    /** Whether some of the data is where the guest shares it. */
    boolean isShared() {
        return memory.isShared() || (second != null && second.isShared());
    }
}

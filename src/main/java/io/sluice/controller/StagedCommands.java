package io.sluice.controller;

import io.sluice.controller.StagedCommand.Stage;
import io.sluice.dma.GuestMemory;
import io.sluice.dma.MessagedMemory.Progress;
import io.sluice.mem.Translator;
import io.sluice.nvme.SglWalker;
import io.sluice.nvme.Status;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * I/O commands whose lists or data the guest does not share: what they need comes by messages, into pages of our own, and the path
 * moves data to and from these. Belongs to the controller's agent, which is never kept waiting.
 *
 * <pre>
 *   LOOK ──a list is missing──▶ FETCH ──▶ LOOK …
 *     └──all is known──▶ DATA_IN, if it writes ──▶ SUBMIT ──▶ IN_PATH ──▶ DATA_OUT, if it has read ──▶ ended
 *                            any request that fails ──▶ Data Transfer Error
 * </pre>
 *
 * <p>Such a command is pending, as one in the path is. It is entered when the gate has refused a command's addresses, so others do
 * not come by here. As soon as the guest unmaps memory that a request is under way to, the request is called off; a command
 * that is not in the path yet is then looked at anew, as if it had just come.
 */
final class StagedCommands implements AutoCloseable {
    /** How many there are at a time; more stay in their queues. */
    static final int MAX_COMMANDS = 64;

    /** For several commands at a time, in any case for one of the largest, with its lists. */
    private static final int MIN_PAGES = 512;

    private static final int PAGES_FOR_LISTS = 64;

    /** Of one step: the next can be done at once. */
    private static final int AGAIN = -3;

    private static final int UNREACHABLE = Status.DATA_TRANSFER_ERROR.code();

    /** What it needs of the queues. */
    interface Owner {
        /** A pending command has ended, whose data is where it belongs. */
        void ended(IoCommand command, int status);
    }

    private final IoPath path;
    private final IoGate gate;
    private final Owner owner;
    private final QueueListener listener;
    private final BounceMaker bounce;
    private final ArrayDeque<StagedCommand> free = new ArrayDeque<>();
    private final List<StagedCommand> active = new ArrayList<>();
    private GuestMemory memory;
    private int made;
    private long epoch;

    /** The one that is being looked at. */
    private StagedMemory current;

    /** @param gate is given translators of this object, besides those that it has */
    StagedCommands(IoPath path, IoGate gate, Owner owner, QueueListener listener, int maxTransferBytes) {
        this.path = path;
        this.gate = gate;
        this.owner = owner;
        this.listener = listener;
        this.bounce = new BounceMaker(path, pagesFor(maxTransferBytes));
    }

    /** How many bounce pages there are to be: with data blocks of any size at any address, each may need two pages. */
    private static int pagesFor(int maxTransferBytes) {
        return Math.max(MIN_PAGES, 2 * SglWalker.capacityFor(maxTransferBytes)) + PAGES_FOR_LISTS;
    }

    /** The controller is enabled, with this memory page size; nothing is pending. */
    void enable(GuestMemory guestMemory, int memoryPageBytes) {
        memory = guestMemory;
        free.clear();
        made = 0;
        if (isEnabled()) {
            Translator dataView = path.dataView(memory);
            gate.enableStaged(
                    (gpa, bytes, access) -> current.list(gpa, bytes, access),
                    (gpa, bytes, access) -> current.data(dataView, gpa, bytes, access),
                    memoryPageBytes);
        }
    }

    /** Whether there is a way to reach memory that the guest does not share. */
    boolean isEnabled() {
        return memory.messages() != null;
    }

    /** Whether there are no such commands. */
    boolean isIdle() {
        return active.isEmpty();
    }

    /**
     * Takes a command that the gate has refused because of its addresses; it is pending.
     *
     * @return {@link IoPath#PENDING} if it is here now; else what {@link IoPath#submit} would say, if the memory has nothing to do
     *     with it, or there is no room
     */
    int begin(IoCommand command) {
        BouncePages pages = bounce.pages();
        if (pages == null) {
            return bounce.hasFailed(listener) ? UNREACHABLE : IoPath.BUSY;
        }
        StagedCommand staged = take(pages);
        if (staged == null) {
            return IoPath.BUSY;
        }
        staged.command = command;
        staged.stage = Stage.LOOK;
        command.setStaged(staged);
        active.add(staged);
        int status = advance(staged);
        if (status != IoPath.PENDING) {
            remove(staged);
        }
        return status;
    }

    private StagedCommand take(BouncePages pages) {
        if (free.isEmpty() && made < MAX_COMMANDS) {
            made++;
            return new StagedCommand(memory, pages);
        }
        return free.poll();
    }

    private void remove(StagedCommand staged) {
        staged.memory.release();
        staged.command.setStaged(null);
        staged.command = null;
        active.remove(staged);
        free.push(staged);
    }

    /** Goes on with all of them. Returns how many have ended. */
    int poll() {
        int ended = 0;
        for (int i = active.size() - 1; i >= 0 && i < active.size(); i--) {
            StagedCommand staged = active.get(i);
            int status = advance(staged);
            if (status >= 0) {
                end(staged, status);
                ended++;
            }
        }
        return ended;
    }

    private void end(StagedCommand staged, int status) {
        IoCommand command = staged.command;
        remove(staged);
        owner.ended(command, status);
    }

    /** Goes as far as it can. Returns a status if it has ended, {@link IoPath#BUSY} if it has nothing yet, else PENDING. */
    private int advance(StagedCommand staged) {
        int result;
        do {
            Stage before = staged.stage;
            result = switch (before) {
                case LOOK -> look(staged);
                case FETCH -> moved(staged, staged.memory.advanceFetch(), Stage.LOOK);
                case DATA_IN -> moved(staged, staged.memory.advanceIn(), Stage.SUBMIT);
                case SUBMIT -> submit(staged);
                case IN_PATH -> IoPath.PENDING;
                case DATA_OUT -> moved(staged, staged.memory.advanceOut(), null);
            };
        } while (result == AGAIN);
        return result;
    }

    private static int moved(StagedCommand staged, Progress progress, Stage next) {
        return switch (progress) {
            case PENDING -> IoPath.PENDING;
            case FAILED -> UNREACHABLE;
            case DONE -> {
                if (next == null) {
                    yield Status.OK;
                }
                staged.stage = next;
                yield AGAIN;
            }
        };
    }

    private int look(StagedCommand staged) {
        staged.memory.rewind();
        current = staged.memory;
        int status = gate.admitStaged(staged.command);
        staged.command.setInGuestMemory(staged.memory.isShared(), epoch);
        if (staged.memory.isFetching()) {
            staged.stage = Stage.FETCH;
            return AGAIN;
        }
        if (staged.memory.isShort()) {
            return staged.memory.giveUp() ? UNREACHABLE : IoPath.BUSY;
        }
        if (status == IoPath.BUSY) {
            staged.memory.release();
        }
        if (status != Status.OK) {
            return status;
        }
        staged.stage = Stage.DATA_IN;
        return AGAIN;
    }

    private int submit(StagedCommand staged) {
        staged.stage = Stage.IN_PATH;
        int status;
        try {
            status = path.submit(staged.command);
        } catch (RuntimeException | Error fault) {
            if (!path.has(staged.command)) {
                staged.stage = Stage.SUBMIT; // the fault may be another guest's: see IoQueues
            }
            throw fault;
        }
        if (status == IoPath.BUSY) {
            staged.stage = Stage.SUBMIT;
            return IoPath.PENDING;
        }
        return status == IoPath.PENDING ? IoPath.PENDING : leftPath(staged, status);
    }

    /** The path has ended it; what it has read still has to go to the guest. */
    private int leftPath(StagedCommand staged, int status) {
        staged.command.setInGuestMemory(false, epoch);
        if (!Status.isSuccess(status) || staged.command.isDropped() || !staged.memory.hasOut()) {
            return status;
        }
        staged.stage = Stage.DATA_OUT;
        return AGAIN;
    }

    /** The path has ended a command of {@link #begin}, later. */
    void pathEnded(IoCommand command, int pathStatus) {
        StagedCommand staged = command.staged();
        int status = leftPath(staged, pathStatus);
        if (status >= 0) {
            end(staged, status);
        }
    }

    /** Ends a command of {@link #begin}, where it is not in the path. False for all others. */
    boolean cancel(IoCommand command) {
        StagedCommand staged = command.staged();
        if (staged == null || staged.stage == Stage.IN_PATH) {
            return false;
        }
        end(staged, Status.ABORTED_SQ_DELETION.code());
        return true;
    }

    /**
     * The guest's memory has changed. Requests to what is not there any more are called off before this returns; a command that has
     * addresses of before, and is not in the path, forgets them.
     */
    void memoryChanged(long newEpoch) {
        epoch = newEpoch;
        for (StagedCommand staged : active) {
            boolean good = staged.memory.recheck();
            boolean begun = staged.stage == Stage.IN_PATH || staged.stage == Stage.DATA_OUT;
            if (!begun && (!good || staged.memory.isShared())) {
                staged.memory.release();
                staged.command.setInGuestMemory(false, newEpoch);
                staged.stage = Stage.LOOK;
            }
        }
    }

    /** The client has left, and nothing of it is in use any more: the next one must not see anything of it. */
    void clientHasLeft() {
        bounce.clear();
    }

    @Override
    public void close() {
        bounce.close();
    }
}

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
 * <p>Two fused commands go this way in step, even if only one of them needs it, and come to the path together. If one fails before
 * that, neither is done.
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

    /** Of a look at a command: a list has to come first, or there are not enough pages. */
    private static final int FETCHING = -4;

    private static final int SHORT = -5;

    private static final int UNREACHABLE = Status.DATA_TRANSFER_ERROR.code();
    private static final int FAILED_FUSED = Status.ABORTED_FAILED_FUSED.dnr();
    private static final int CANCELLED = Status.ABORTED_SQ_DELETION.code();

    /** What it needs of the queues. */
    interface Owner {
        /** A pending command has ended, whose data is where it belongs. */
        void ended(IoCommand command, int status);

        /** Two fused commands have ended of which neither was done. One that would have been good has the status OK. */
        default void failed(IoCommand first, int firstStatus, IoCommand second, int secondStatus) {
            int ofSecond = secondStatus == Status.OK ? FAILED_FUSED : secondStatus;
            if (second.record().state() == SlotRecord.TAKEN) {
                second.record()
                        .ended(
                                ofSecond,
                                0); // its own status, whatever becomes of this process when the first has been answered
            }
            ended(first, firstStatus == Status.OK ? FAILED_FUSED : firstStatus);
            ended(second, ofSecond);
        }
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

    /** How many commands have ended here. */
    private int ended;

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
     * @param fused whether it is one of two fused commands of which the other has ended
     * @return {@link IoPath#PENDING} if it is here now; else what {@link IoPath#submit} would say, if the memory has nothing to do
     *     with it, or there is no room
     */
    int begin(IoCommand command, boolean fused) {
        BouncePages pages = bounce.pages();
        if (pages == null) {
            return bounce.hasFailed(listener) ? UNREACHABLE : IoPath.BUSY;
        }
        StagedCommand staged = take(pages);
        if (staged == null) {
            return IoPath.BUSY;
        }
        staged.begin(command, fused);
        active.add(staged);
        int status = advance(staged);
        if (status != IoPath.PENDING) {
            remove(staged);
        }
        return status;
    }

    /**
     * Takes two fused commands of the same blocks, of which the gate has refused one or both because of their addresses; both are pending.
     *
     * @return {@link IoPath#PENDING} if they are here now, or have ended; {@link IoPath#BUSY} if there is no room; Data Transfer Error,
     *     and nothing is done, if there never will be any
     */
    int begin(IoCommand first, IoCommand second) {
        BouncePages pages = bounce.pages();
        if (pages == null) {
            return bounce.hasFailed(listener) ? UNREACHABLE : IoPath.BUSY;
        }
        StagedCommand leader = take(pages);
        StagedCommand other = leader == null ? null : take(pages);
        if (other == null) {
            if (leader != null) {
                free.push(leader);
            }
            return IoPath.BUSY;
        }
        leader.begin(first, true);
        other.begin(second, true);
        leader.lead(other);
        active.add(leader);
        int status = advance(leader);
        if (status == IoPath.BUSY) {
            remove(leader);
        } else if (status >= 0) {
            endBoth(leader, leader.status, other.status);
        }
        return status == IoPath.BUSY ? IoPath.BUSY : IoPath.PENDING;
    }

    private StagedCommand take(BouncePages pages) {
        if (free.isEmpty() && made < MAX_COMMANDS) {
            made++;
            return new StagedCommand(memory, pages);
        }
        return free.poll();
    }

    private void remove(StagedCommand staged) {
        if (staged.second != null) {
            remove(staged.part());
        }
        staged.memory.release();
        staged.command.setStaged(null);
        staged.command = null;
        active.remove(staged);
        free.push(staged);
    }

    /** Goes on with all of them. Returns how many have ended. */
    int poll() {
        int endedBefore = ended;
        for (int i = active.size() - 1; i >= 0 && i < active.size(); i--) {
            StagedCommand staged = active.get(i);
            int status = advance(staged);
            if (status >= 0 && staged.second == null) {
                end(staged, status);
            } else if (status >= 0) {
                endBoth(staged, staged.status, staged.second.status);
            }
        }
        return ended - endedBefore;
    }

    private void end(StagedCommand staged, int status) {
        IoCommand command = staged.command;
        remove(staged);
        ended++;
        owner.ended(command, status);
    }

    private void endBoth(StagedCommand leader, int firstStatus, int secondStatus) {
        IoCommand first = leader.command;
        IoCommand second = leader.second.command;
        remove(leader);
        ended += 2;
        owner.failed(first, firstStatus, second, secondStatus);
    }

    /** Goes as far as it can. Returns a status if it has ended, {@link IoPath#BUSY} if it has nothing yet, else PENDING. */
    private int advance(StagedCommand staged) {
        int result;
        do {
            Stage before = staged.stage;
            result = switch (before) {
                case LOOK -> look(staged);
                case FETCH -> moved(staged, staged.advance(StagedMemory::advanceFetch), Stage.LOOK);
                case DATA_IN -> moved(staged, staged.advance(StagedMemory::advanceIn), Stage.SUBMIT);
                case SUBMIT -> staged.second == null ? submit(staged) : submitBoth(staged);
                case IN_PATH -> IoPath.PENDING;
                case DATA_OUT -> moved(staged, staged.advance(StagedMemory::advanceOut), null);
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
                staged.enter(next);
                yield AGAIN;
            }
        };
    }

    /** Data gets pages when all lists are there, of both of two commands: what is waited for keeps no pages from others. */
    private int look(StagedCommand staged) {
        StagedCommand second = staged.second;
        int first = lookAt(staged);
        int other = second == null ? Status.OK : lookAt(second);
        if (first > Status.OK || other > Status.OK) {
            return first > Status.OK ? first : other;
        }
        if (first == FETCHING || other == FETCHING) {
            staged.rewind(epoch);
            staged.enter(Stage.FETCH);
            return AGAIN;
        }
        if (first == SHORT || other == SHORT) {
            return giveUp(staged, first == SHORT, other == SHORT, epoch);
        }
        if (first == IoPath.BUSY || other == IoPath.BUSY) {
            staged.release(epoch);
            return IoPath.BUSY;
        }
        staged.enter(Stage.DATA_IN);
        return AGAIN;
    }

    /** Returns a status, OK if all is known, {@link IoPath#BUSY}, {@link #FETCHING} or {@link #SHORT}. */
    private int lookAt(StagedCommand staged) {
        staged.memory.rewind();
        current = staged.memory;
        int status = gate.admitStaged(staged.command, staged.fused);
        staged.command.setInGuestMemory(staged.memory.isShared(), epoch);
        if (staged.memory.isFetching()) {
            status = FETCHING;
        } else if (staged.memory.isShort()) {
            status = SHORT;
        }
        staged.status = Math.max(status, Status.OK);
        return status;
    }

    /** There are not enough pages. If it is in vain to try again, what is in vain has a status then. */
    private static int giveUp(StagedCommand staged, boolean firstShort, boolean secondShort, long epoch) {
        StagedCommand second = staged.second;
        boolean first = firstShort && staged.memory.hasTooManyLists();
        boolean other = secondShort && second.memory.hasTooManyLists();
        staged.release(epoch);
        boolean whole = staged.memory.isWhole();
        staged.status = first || (firstShort && whole) ? UNREACHABLE : Status.OK;
        if (second != null) {
            second.status = other || (secondShort && whole) ? UNREACHABLE : Status.OK;
        }
        return first || other || whole ? UNREACHABLE : IoPath.BUSY;
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

    /** The path may end one of them or both from within, so from here on each goes on its own. */
    private int submitBoth(StagedCommand first) {
        IoCommand compare = first.command;
        IoCommand write = first.second.command;
        first.enter(Stage.IN_PATH);
        StagedCommand second = first.part();
        active.add(second);
        boolean done = false;
        boolean taken = false;
        try {
            taken = path.submitFused(compare, write);
            done = true;
        } finally {
            if (!done) {
                endAfterFault(compare);
                endAfterFault(write);
            }
        }
        if (!taken) {
            active.remove(second);
            first.lead(second);
            first.enter(Stage.SUBMIT);
        }
        return IoPath.PENDING;
    }

    /** See {@link FusedCommands}. */
    private void endAfterFault(IoCommand command) {
        if (command.isPending() && !path.has(command)) {
            command.complete(Status.INTERNAL_ERROR.code());
        }
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

    /** The path has ended a command that was begun here, later. */
    void pathEnded(IoCommand command, int pathStatus) {
        StagedCommand staged = command.staged();
        int status = leftPath(staged, pathStatus);
        if (status >= 0) {
            end(staged, status);
        }
    }

    /** Ends a command that was begun here, where it is not in the path; with the one that it is fused with. False for all others. */
    boolean cancel(IoCommand command) {
        StagedCommand staged = command.staged();
        if (staged == null || staged.stage == Stage.IN_PATH) {
            return false;
        }
        StagedCommand leader = staged.first == null ? staged : staged.first;
        if (leader.second == null) {
            end(leader, CANCELLED);
        } else {
            endBoth(leader, CANCELLED, CANCELLED);
        }
        return true;
    }

    /**
     * The guest's memory has changed. Requests to what is not there any more are called off before this returns; a command that has
     * addresses of before, and is not in the path, forgets them.
     */
    void memoryChanged(long newEpoch) {
        epoch = newEpoch;
        for (StagedCommand staged : active) {
            boolean good = staged.recheck();
            boolean begun = staged.stage == Stage.IN_PATH || staged.stage == Stage.DATA_OUT;
            if (!begun && (!good || staged.isShared())) {
                staged.release(newEpoch);
                staged.enter(Stage.LOOK);
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

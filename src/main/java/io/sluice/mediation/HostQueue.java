package io.sluice.mediation;

import io.sluice.controller.IoCommand;
import io.sluice.host.CompletionListener;
import io.sluice.host.DataPointers;
import io.sluice.host.QueuePair;
import io.sluice.nvme.CopyRange;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import java.io.IOException;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * A queue pair of the device's, and which guests' commands are in it. Belongs to its poller.
 *
 * <pre>
 *   guest's command ──▶ slot's record: whose, which ──▶ SQE with the slot's CID ──▶ … one doorbell a cycle
 *   its owner       ◀── slot's record  ◀── CQE
 * </pre>
 */
final class HostQueue implements CompletionListener {
    /** Completions that one cycle takes from one queue: a bound, and more than a cycle submits. */
    private static final int MAX_COMPLETIONS = 256;

    private final QueuePair pair;

    /** By slot: who has the command in it, and which it is. */
    private final CommandOwner[] owners;

    private final IoCommand[] commands;
    private final Turns turns = new Turns();
    private int users;
    private boolean broken;

    /** Hears of the pair's failures, each once; a device's failure is that of all its pairs. */
    private final Consumer<IOException> failures;

    HostQueue(QueuePair pair, Consumer<IOException> failures) {
        this.pair = pair;
        this.failures = failures;
        owners = new CommandOwner[pair.depth()];
        commands = new IoCommand[pair.depth()];
    }

    // ---- what another process has left

    /**
     * Gives a command that is in flight here to its owner.
     *
     * @param note what was noted of it, without its slot here; see {@link SlotNote}
     * @return whether it is here
     */
    boolean adopt(CommandOwner owner, IoCommand command, long note) {
        for (int slot = 0; slot < commands.length; slot++) {
            if (owners[slot] == null && SlotNote.isSame(pair.outstandingToken(slot), note)) {
                owners[slot] = owner;
                commands[slot] = command;
                return true;
            }
        }
        return false;
    }

    /** Whether a command that was noted so had its data in bounce memory; false if it is not here. */
    boolean isStaged(long note) {
        for (int slot = 0; slot < commands.length; slot++) {
            long token = pair.outstandingToken(slot);
            if (SlotNote.isSame(token, note)) {
                return SlotNote.isStaged(token);
            }
        }
        return false;
    }

    /** What is in flight of a guest, and was not adopted, is nobody's: also for who comes after this process. */
    void disown(int guest) {
        for (int slot = 0; slot < commands.length; slot++) {
            long token = pair.outstandingToken(slot);
            if (owners[slot] == null && SlotNote.isOf(token, guest)) {
                pair.setToken(slot, SlotNote.nobodys(slot));
            }
        }
    }

    // ---- who uses it

    int users() {
        return users;
    }

    void addUser(int change) {
        users += change;
    }

    // ---- submitting; all return false if the queue is full, or its controller is being reset

    /** A Read, Write or Compare, whose pieces are the device's addresses. */
    boolean transfer(CommandOwner owner, IoCommand command, int nsid, long slba) {
        long sqe = begin(owner, command.opcode(), nsid);
        if (sqe == 0) {
            return false;
        }
        fillTransfer(sqe, command, slba);
        commit(owner, command);
        return true;
    }

    private void fillTransfer(long sqe, IoCommand command, long slba) {
        Sqe.setTransfer(sqe, slba, command.blockCount(), command.forceUnitAccess());
        int slot = pair.begunSlot();
        DataPointers.set(sqe, command.pieces(), pair.listAddress(slot), pair.listIova(slot));
    }

    /** A Write Zeroes, Write Uncorrectable or Verify: blocks, and no data. */
    boolean withoutData(CommandOwner owner, IoCommand command, int nsid, long slba) {
        long sqe = begin(owner, command.opcode(), nsid);
        if (sqe == 0) {
            return false;
        }
        Sqe.setTransfer(sqe, slba, command.blockCount(), command.forceUnitAccess());
        Sqe.setDeallocate(sqe, command.deallocate());
        commit(owner, command);
        return true;
    }

    /**
     * A Compare and a Write that are fused: one after the other, and told of by one doorbell, as all of a cycle is. NVMe 1.4, 4.12.
     */
    boolean fused(CommandOwner owner, IoCommand compare, IoCommand write, int nsid, long slba) {
        if (pair.depth() - pair.inFlight() < 2) {
            return false;
        }
        long first = begin(owner, compare.opcode(), nsid);
        if (first == 0) {
            return false;
        }
        fillTransfer(first, compare, slba);
        Sqe.setFuse(first, Sqe.FUSE_FIRST);
        commit(owner, compare);
        long second = pair.begin(write.opcode(), nsid);
        if (second == 0) {
            throw new IllegalStateException("there were two slots, and the second of two fused commands got none");
        }
        fillTransfer(second, write, slba);
        Sqe.setFuse(second, Sqe.FUSE_SECOND);
        commit(owner, write);
        return true;
    }

    /** A deallocation of the command's ranges, each of which begins {@code firstLba} blocks further on in the device. */
    boolean deallocate(CommandOwner owner, IoCommand command, int nsid, long firstLba) {
        long sqe = begin(owner, NvmOpcode.DATASET_MANAGEMENT, nsid);
        if (sqe == 0) {
            return false;
        }
        int slot = pair.begunSlot();
        copyRanges(command, firstLba, pair.listAddress(slot));
        Sqe.setPrp1(sqe, pair.listIova(slot));
        Sqe.setDsm(sqe, command.rangeCount(), Sqe.DSM_DEALLOCATE);
        commit(owner, command);
        return true;
    }

    /** A Copy of the command's ranges, each of which begins {@code firstLba} blocks further on in the device, to {@code sdlba} there. */
    boolean copy(CommandOwner owner, IoCommand command, int nsid, long firstLba, long sdlba) {
        long sqe = begin(owner, NvmOpcode.COPY, nsid);
        if (sqe == 0) {
            return false;
        }
        int slot = pair.begunSlot();
        copySources(command, firstLba, pair.listAddress(slot));
        Sqe.setPrp1(sqe, pair.listIova(slot));
        Sqe.setCopy(sqe, sdlba, command.rangeCount(), command.forceUnitAccess());
        commit(owner, command);
        return true;
    }

    private static void copySources(IoCommand command, long firstLba, long target) {
        for (int i = 0; i < command.rangeCount(); i++) {
            long range = command.rangesAddress() + (long) i * CopyRange.BYTES;
            long copy = target + (long) i * CopyRange.BYTES;
            CopyRange.set(copy, firstLba + CopyRange.slba(range), CopyRange.blockCount(range));
        }
    }

    /** Takes the first free slot, before all who wait for one: there is one flush at a time, and everybody may need it. */
    boolean flush(CommandOwner owner, int nsid) {
        if (broken || pair.begin(NvmOpcode.FLUSH, nsid) == 0) {
            return false;
        }
        commit(owner, null);
        return true;
    }

    private long begin(CommandOwner owner, int opcode, int nsid) {
        boolean may = !broken && turns.mayTake(owner, pair.depth() - pair.inFlight());
        return may ? pair.begin(opcode, nsid) : 0;
    }

    /** To the slot's own page, where the guest cannot change them. */
    private static void copyRanges(IoCommand command, long firstLba, long target) {
        for (int i = 0; i < command.rangeCount(); i++) {
            long range = command.rangesAddress() + (long) i * DsmRange.BYTES;
            long copy = target + (long) i * DsmRange.BYTES;
            DsmRange.set(copy, DsmRange.attributes(range), DsmRange.blockCount(range), firstLba + DsmRange.slba(range));
        }
    }

    /** The record before the entry: the slot's number comes back with the completion. */
    private void commit(CommandOwner owner, IoCommand command) {
        int slot = pair.begunSlot();
        owners[slot] = owner;
        commands[slot] = command;
        pair.commit(SlotNote.of(owner.note(command), slot));
    }

    /** Tells the device of all that was submitted in this cycle. */
    void ring() {
        if (broken) {
            return;
        }
        try {
            pair.ring();
        } catch (IOException e) {
            fail(e);
        }
    }

    // ---- completing

    /**
     * Takes completions, and hands them to their owners. Returns how many there were. During a reset of the device it is polled
     * with users or without: the reset is not over before each pair has met it.
     */
    int poll() {
        turns.nextCycle();
        if (users == 0 && isQuiet()) {
            return 0;
        }
        try {
            int ended = pair.poll(this, MAX_COMPLETIONS);
            broken = false;
            return ended;
        } catch (IOException e) {
            fail(e);
            return 0;
        }
    }

    @Override
    public void onCompletion(long token, int status, int dw0) {
        int slot = SlotNote.slot(token);
        CommandOwner owner = owners[slot];
        IoCommand command = commands[slot];
        owners[slot] = null;
        commands[slot] = null;
        if (owner == null) {
            return; // of another process, and nobody waits for it any more
        }
        if (dw0 != 0 && command != null && command.opcode() == NvmOpcode.COPY) {
            command.setResult(dw0); // of a failed one: the first of its ranges that was not copied
        }
        owner.ended(command, status);
    }

    /** The driver hears of it by itself, and resets the device; what is in flight ends then. */
    private void fail(IOException e) {
        if (!broken) {
            broken = true;
            failures.accept(e);
        }
    }

    /** Whether nothing is in flight, and no reset waits for this queue to meet it. */
    boolean isQuiet() {
        return pair.inFlight() == 0 && !pair.isResetting();
    }

    /** Whether a command is in flight here. Slow. */
    boolean has(IoCommand command) {
        for (int slot = 0; slot < commands.length; slot++) {
            if (commands[slot] == command && pair.isHeld(slot)) {
                return true;
            }
        }
        return false;
    }

    /** See {@link QueuePair#onAccessError}. */
    void onAccessError(Predicate<InternalError> isDealtWith) {
        pair.onAccessError(isDealtWith);
    }

    /** See {@link QueuePair#checkDeadlines}. */
    void checkDeadlines(long nowNanos) {
        pair.checkDeadlines(nowNanos);
    }
}

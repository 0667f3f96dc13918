package io.sluice.storage;

import io.sluice.controller.IoCommand;
import io.sluice.controller.IoPath;
import io.sluice.controller.Namespace;
import io.sluice.controller.NamespaceTraits;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;

/**
 * Namespaces, each in a storage of its own: a command goes to that of its NSID. A Flush of all (NSID FFFFFFFFh) ends when all
 * have flushed what was completed before it; those that come meanwhile share the next round.
 *
 * <p>Storages come and go while it is in use, as {@link io.sluice.controller.LiveNamespaces} says. What it offers was settled when it was made: a
 * controller tells its guest once. So it always has a volatile write cache, which one that comes later may need.
 */
public final class ManyStorages implements IoPath {
    /** For those that come later: one that hangs does not keep commands from what was there before. */
    private static final int MAX_PENDING_LATER = 128;

    /** By NSID less 1; null where there is none. */
    private final IoPath[] storages;

    /** The same without gaps. */
    private IoPath[] present;

    private final int maxPending;
    private final int sglAlignmentBytes;
    private final boolean fused;

    /** By opcode, of which there are less than 64, a bit: what a storage must offer. */
    private final long offered;

    /** Flushes of all that the round under way serves, and those that wait for the next one. */
    private final ArrayDeque<IoCommand> flushing;

    private final ArrayDeque<IoCommand> waiting;

    /** What the round waits for of each storage, as in {@link Synced#beginSync}. */
    private final long[] syncs;

    /** Which storages are done with a shutdown. */
    private final boolean[] settled;

    /**
     * Makes a drive.
     *
     * @param initial what it offers, each with one namespace, of the identifiers 1, 2 and so on; closed with this
     * @param maxNsid the largest identifier that one can have, now or later
     */
    public ManyStorages(List<IoPath> initial, int maxNsid) {
        storages = new IoPath[maxNsid];
        for (IoPath storage : initial) {
            int index = nsidOf(storage) - 1;
            if (index >= maxNsid || storages[index] != null) {
                throw new IllegalArgumentException("storage of " + storage.namespaces() + " among " + initial.size());
            }
            storages[index] = storage;
        }
        present = initial.toArray(IoPath[]::new);
        maxPending = initial.stream().mapToInt(IoPath::maxPending).sum() + MAX_PENDING_LATER;
        boolean allSgl = initial.stream().allMatch(storage -> storage.sglAlignmentBytes() > 0);
        int alignment =
                initial.stream().mapToInt(IoPath::sglAlignmentBytes).max().orElse(0);
        sglAlignmentBytes = allSgl ? alignment : 0;
        fused = initial.stream().allMatch(IoPath::offersFused);
        offered = LongStream.range(0, Long.SIZE)
                .filter(opcode -> initial.stream().allMatch(storage -> storage.offers((int) opcode)))
                .map(opcode -> 1L << opcode)
                .sum();
        flushing = new ArrayDeque<>(maxPending);
        waiting = new ArrayDeque<>(maxPending);
        syncs = new long[maxNsid];
        settled = new boolean[maxNsid];
    }

    private static int nsidOf(IoPath storage) {
        List<Namespace> namespaces = storage.namespaces();
        if (namespaces.size() != 1) {
            throw new IllegalArgumentException("a storage has one namespace, not " + namespaces);
        }
        return namespaces.getFirst().nsid();
    }

    // ---- storages that come and go

    /**
     * Why a storage cannot come to the others, or an empty text. From any thread.
     *
     * @param storage of an identifier that is free
     */
    public String refusal(IoPath storage) {
        for (int opcode = 0; opcode < Long.SIZE; opcode++) {
            if (offers(opcode) && !storage.offers(opcode)) {
                return "it has no " + NvmOpcode.name(opcode) + ", which the drive offers its guest";
            }
        }
        if (fused && !storage.offersFused()) {
            return "it has no fused Compare and Write, which the drive offers its guest";
        }
        boolean sgl = storage.sglAlignmentBytes() > 0 && storage.sglAlignmentBytes() <= sglAlignmentBytes;
        return sglAlignmentBytes == 0 || sgl ? "" : "it takes no SGLs as the drive offers them to its guest";
    }

    /** A storage comes, for which there is no {@link #refusal}. On the agent; closed with this. */
    public void attach(IoPath storage) {
        int index = nsidOf(storage) - 1;
        if (storages[index] != null) {
            throw new IllegalStateException("there is a namespace " + (index + 1) + " already");
        }
        storages[index] = storage;
        settled[index] = false;
        syncs[index] = 0; // nothing of it is waited for
        refreshPresent();
    }

    /** Where a namespace is that is there. */
    public IoPath storage(int nsid) {
        return of(nsid);
    }

    /** Whether one that leaves, to which no command is pending, has everything where it is safe. On the agent, again and again. */
    public boolean isReadyToLeave(int nsid) {
        return of(nsid).settle();
    }

    /** A storage goes, once it {@link #isReadyToLeave}. On the agent; whoever asked closes it. */
    public void detach(int nsid) {
        storages[nsid - 1] = null;
        refreshPresent();
    }

    private void refreshPresent() {
        present = Arrays.stream(storages).filter(Objects::nonNull).toArray(IoPath[]::new);
    }

    @Override
    public List<Namespace> namespaces() {
        return Arrays.stream(present)
                .map(storage -> storage.namespaces().getFirst())
                .toList();
    }

    @Override
    public int maxNsid() {
        return storages.length;
    }

    /** So many that one whose medium hangs does not keep commands from the others. */
    @Override
    public int maxPending() {
        return maxPending;
    }

    @Override
    public boolean hasVolatileCache() {
        return true;
    }

    /** A controller has one answer for all of its namespaces. */
    @Override
    public boolean offers(int opcode) {
        return opcode < Long.SIZE && (offered >>> opcode & 1) != 0;
    }

    @Override
    public boolean offersFused() {
        return fused;
    }

    /** The gate has seen that both are of one namespace. */
    @Override
    public boolean submitFused(IoCommand compare, IoCommand write) {
        return of(compare.nsid()).submitFused(compare, write);
    }

    @Override
    public int sglAlignmentBytes() {
        return sglAlignmentBytes;
    }

    @Override
    public NamespaceTraits traits(int nsid) {
        return of(nsid).traits(nsid);
    }

    private IoPath of(int nsid) {
        return storages[nsid - 1];
    }

    @Override
    public int submit(IoCommand command) {
        if (command.nsid() != Sqe.NSID_ALL) {
            return of(command.nsid()).submit(command);
        }
        waiting.add(command);
        if (flushing.isEmpty()) {
            beginRound();
        }
        return PENDING;
    }

    private void beginRound() {
        while (!waiting.isEmpty()) {
            flushing.add(waiting.remove());
        }
        for (int i = 0; i < storages.length; i++) {
            syncs[i] = storages[i] instanceof Synced synced ? synced.beginSync() : 0;
        }
    }

    @Override
    public int poll() {
        int work = 0;
        for (IoPath storage : present) {
            work += storage.poll();
        }
        if (flushing.isEmpty() && !waiting.isEmpty()) {
            beginRound(); // all that the last one served have been cancelled
        }
        int status = flushing.isEmpty() ? PENDING : roundStatus();
        if (status == PENDING) {
            return work;
        }
        while (!flushing.isEmpty()) {
            flushing.remove().complete(status);
            work++;
        }
        if (!waiting.isEmpty()) {
            beginRound();
        }
        return work;
    }

    private int roundStatus() {
        int status = Status.OK;
        for (int i = 0; i < storages.length; i++) {
            int one = storages[i] instanceof Synced synced ? synced.syncStatus(syncs[i]) : Status.OK;
            if (one == PENDING) {
                return PENDING;
            }
            status = one == Status.OK ? status : one;
        }
        return status;
    }

    @Override
    public boolean has(IoCommand command) {
        return command.nsid() == Sqe.NSID_ALL
                ? waiting.contains(command) || flushing.contains(command)
                : of(command.nsid()).has(command);
    }

    @Override
    public void cancel(IoCommand command) {
        if (command.nsid() != Sqe.NSID_ALL) {
            of(command.nsid()).cancel(command);
        } else if (waiting.remove(command) || flushing.remove(command)) {
            command.complete(Status.ABORTED_SQ_DELETION.code());
        }
    }

    /** One that has settled is not asked again: it would begin anew. */
    @Override
    public boolean settle() {
        boolean all = true;
        for (int i = 0; i < storages.length; i++) {
            settled[i] = settled[i] || storages[i] == null || storages[i].settle();
            all &= settled[i];
        }
        if (all) {
            Arrays.fill(settled, false);
        }
        return all;
    }

    @Override
    public void settleAbandoned() {
        Arrays.fill(settled, false);
        for (IoPath storage : present) {
            storage.settleAbandoned();
        }
    }

    @Override
    public void close() {
        for (IoPath storage : present) {
            storage.close();
        }
    }
}

package io.sluice.storage;

import io.sluice.controller.IoCommand;
import io.sluice.controller.IoPath;
import io.sluice.controller.Namespace;
import io.sluice.controller.NamespaceTraits;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;

/**
 * Several namespaces, each in a storage of its own: a command goes to that of its NSID. A Flush of all (NSID FFFFFFFFh) ends
 * when all have flushed what was completed before it; those that come meanwhile share the next round.
 */
public final class ManyStorages implements IoPath {
    /** Those of NSID 1, 2 and so on. */
    private final IoPath[] storages;

    private final int maxPending;

    /** Flushes of all that the round under way serves, and those that wait for the next one. */
    private final ArrayDeque<IoCommand> flushing;

    private final ArrayDeque<IoCommand> waiting;

    /** What the round waits for of each storage, as in {@link Synced#beginSync}. */
    private final long[] syncs;

    /** Which storages are done with a shutdown. */
    private final boolean[] settled;

    /** @param storages each with one namespace, of the identifiers 1, 2 and so on; closed with this */
    public ManyStorages(List<IoPath> storages) {
        this.storages = storages.toArray(IoPath[]::new);
        for (int i = 0; i < this.storages.length; i++) {
            List<Namespace> namespaces = this.storages[i].namespaces();
            if (namespaces.size() != 1 || namespaces.getFirst().nsid() != i + 1) {
                throw new IllegalArgumentException("storage " + i + " has " + namespaces);
            }
        }
        maxPending = storages.stream().mapToInt(IoPath::maxPending).sum();
        flushing = new ArrayDeque<>(maxPending);
        waiting = new ArrayDeque<>(maxPending);
        syncs = new long[this.storages.length];
        settled = new boolean[this.storages.length];
    }

    @Override
    public List<Namespace> namespaces() {
        return Arrays.stream(storages)
                .map(storage -> storage.namespaces().getFirst())
                .toList();
    }

    /** So many that one whose medium hangs does not keep commands from the others. */
    @Override
    public int maxPending() {
        return maxPending;
    }

    @Override
    public boolean hasVolatileCache() {
        return Arrays.stream(storages).anyMatch(IoPath::hasVolatileCache);
    }

    /** A controller has one answer for all of its namespaces. */
    @Override
    public boolean offers(int opcode) {
        return Arrays.stream(storages).allMatch(storage -> storage.offers(opcode));
    }

    @Override
    public boolean offersFused() {
        return Arrays.stream(storages).allMatch(IoPath::offersFused);
    }

    /** The gate has seen that both are of one namespace. */
    @Override
    public boolean submitFused(IoCommand compare, IoCommand write) {
        return of(compare.nsid()).submitFused(compare, write);
    }

    @Override
    public int sglAlignmentBytes() {
        boolean all = Arrays.stream(storages).allMatch(storage -> storage.sglAlignmentBytes() > 0);
        return all
                ? Arrays.stream(storages)
                        .mapToInt(IoPath::sglAlignmentBytes)
                        .max()
                        .orElse(0)
                : 0;
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
        for (IoPath storage : storages) {
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
            settled[i] = settled[i] || storages[i].settle();
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
        for (IoPath storage : storages) {
            storage.settleAbandoned();
        }
    }

    @Override
    public void close() {
        for (IoPath storage : storages) {
            storage.close();
        }
    }
}

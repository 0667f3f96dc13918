package io.sluice.storage;

import io.sluice.controller.IoCommand;
import io.sluice.controller.IoPath;
import io.sluice.controller.Namespace;
import io.sluice.controller.NamespaceTraits;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import io.sluice.storage.FaultPlan.Fault;
import java.util.List;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A storage that misbehaves by plan: commands are late, fail, hang, or are overtaken by later ones. What that means for who uses it is in
 * docs/faults.md.
 *
 * <pre>
 *   submit ─▶ plan ─┬─ none ──────────────────────────────────────▶ storage
 *                   ├─ failed ─▶ an error, and nothing is done
 *                   ├─ late, reordered ─▶ held ── time, or others ─▶ storage
 *                   └─ stuck ───────────▶ held ── cancel ──────────▶ Aborted due to SQ Deletion
 * </pre>
 *
 * <p>A command that is held has not been begun: its memory is not touched, and whoever asks for its end gets it at once.
 */
public final class FaultyStorage implements IoPath {
    /** Commands that may be held at once: the rest of the queue goes on. */
    static final int MAX_HELD = 64;

    /** Of those, the stuck ones: a drive that takes nothing any more would be another fault. */
    static final int MAX_STUCK = 32;

    /** How long a reordered command waits for others to overtake it. There may be none. */
    static final long REORDER_NANOS = 1_000_000;

    /** Held commands that go on in one step: each may move as much data as a cycle should. */
    private static final int MAX_RELEASES = 4;

    private static final int ABORTED = Status.ABORTED_SQ_DELETION.code();
    private static final int UNREADABLE = Status.UNRECOVERED_READ_ERROR.dnr();
    private static final int WRITE_FAULT = Status.WRITE_FAULT.dnr();
    private static final int FAILED_FUSED = Status.ABORTED_FAILED_FUSED.dnr();
    private static final Logger LOG = LoggerFactory.getLogger(FaultyStorage.class);

    /** A command that is held, or two that are fused. */
    private static final class Held {
        private IoCommand command;

        /** The Write of a fused Compare and Write, else null. */
        private IoCommand write;

        private boolean stuck;
        private long dueNanos;

        /** It also goes on when so many commands have been taken. */
        private long dueCount;

        /** Whether a fault has come up when it was handed on. */
        private boolean faulted;

        boolean isDue(long taken, long now) {
            return !stuck && (taken >= dueCount || now - dueNanos >= 0);
        }
    }

    private final IoPath storage;
    private final FaultPlan plan;
    private final LongSupplier nanoClock;

    /** In the order in which they came; those in use first. */
    private final Held[] held = new Held[MAX_HELD];

    private int heldCount;
    private int stuckCount;

    /** How many commands have been taken: the next one's number. */
    private long taken;

    private long lateCount;
    private long failedCount;
    private long hungCount;
    private long reorderedCount;

    /** @param storage closed with this */
    public FaultyStorage(IoPath storage, FaultPlan plan, LongSupplier nanoClock) {
        this.storage = storage;
        this.plan = plan;
        this.nanoClock = nanoClock;
        for (int i = 0; i < MAX_HELD; i++) {
            held[i] = new Held();
        }
    }

    @Override
    public List<Namespace> namespaces() {
        return storage.namespaces();
    }

    @Override
    public int maxNsid() {
        return storage.maxNsid();
    }

    @Override
    public int maxPending() {
        return storage.maxPending() + MAX_HELD;
    }

    @Override
    public boolean hasVolatileCache() {
        return storage.hasVolatileCache();
    }

    @Override
    public boolean offers(int opcode) {
        return storage.offers(opcode);
    }

    @Override
    public boolean offersFused() {
        return storage.offersFused();
    }

    @Override
    public int sglAlignmentBytes() {
        return storage.sglAlignmentBytes();
    }

    @Override
    public NamespaceTraits traits(int nsid) {
        return storage.traits(nsid);
    }

    // ---- commands

    @Override
    public int submit(IoCommand command) {
        Fault fault = next();
        if (fault == Fault.NONE) {
            int status = storage.submit(command);
            if (status != BUSY) {
                count(fault);
            }
            return status;
        }
        if (fault == Fault.FAILED) {
            count(fault);
            return failure(command.opcode());
        }
        return hold(fault, command, null) ? PENDING : BUSY;
    }

    @Override
    public boolean submitFused(IoCommand compare, IoCommand write) {
        Fault fault = next();
        if (fault == Fault.NONE) {
            boolean has = storage.submitFused(compare, write);
            if (has) {
                count(fault);
            }
            return has;
        }
        if (fault == Fault.FAILED) {
            count(fault);
            compare.complete(UNREADABLE);
            write.complete(FAILED_FUSED);
            return true;
        }
        return hold(fault, compare, write);
    }

    /** What becomes of the next command. One that comes again because there was no room meets the same. */
    private Fault next() {
        Fault fault = plan.faultOf(taken);
        return fault == Fault.STUCK && stuckCount == MAX_STUCK ? Fault.NONE : fault;
    }

    private void count(Fault fault) {
        taken++;
        switch (fault) {
            case LATE -> lateCount++;
            case FAILED -> failedCount++;
            case STUCK -> hungCount++;
            case REORDERED -> reorderedCount++;
            case NONE -> {}
        }
    }

    private static int failure(int opcode) {
        return switch (opcode) {
            case NvmOpcode.READ, NvmOpcode.COMPARE, NvmOpcode.VERIFY -> UNREADABLE;
            default -> WRITE_FAULT;
        };
    }

    private boolean hold(Fault fault, IoCommand command, IoCommand write) {
        if (heldCount == MAX_HELD) {
            return false;
        }
        Held one = held[heldCount++];
        one.command = command;
        one.write = write;
        one.faulted = false;
        one.stuck = fault == Fault.STUCK;
        one.dueCount = fault == Fault.REORDERED ? taken + 1 + plan.overtakingOf(taken) : Long.MAX_VALUE;
        one.dueNanos = nanoClock.getAsLong() + (fault == Fault.LATE ? plan.lateNanos() : REORDER_NANOS);
        stuckCount += one.stuck ? 1 : 0;
        count(fault);
        return true;
    }

    @Override
    public int poll() {
        int work = storage.poll();
        if (heldCount == stuckCount) {
            return work;
        }
        long now = nanoClock.getAsLong();
        int releases = 0;
        for (int i = 0; i < heldCount && releases < MAX_RELEASES; ) {
            if (held[i].isDue(taken, now) && release(i)) {
                releases++; // the next one is where this one was
            } else {
                i++;
            }
        }
        return work + releases;
    }

    /** Hands one on. Whether it is not held any more. */
    private boolean release(int index) {
        Held one = held[index];
        IoCommand command = one.command;
        IoCommand write = one.write;
        int status;
        try {
            status = write == null ? storage.submit(command) : fused(command, write);
        } catch (RuntimeException | Error fault) {
            afterFault(index);
            throw fault;
        }
        if (status == BUSY) {
            return false;
        }
        remove(index);
        if (status != PENDING) {
            command.complete(status);
        }
        return true;
    }

    private int fused(IoCommand compare, IoCommand write) {
        return storage.submitFused(compare, write) ? PENDING : BUSY;
    }

    /** The fault may have been told late, and be another guest's: so one may try again, as in the queue that it comes from. */
    private void afterFault(int index) {
        Held one = held[index];
        if (storage.has(one.command)) {
            remove(index);
        } else if (one.faulted || one.write != null) {
            end(index, Status.DATA_TRANSFER_ERROR.code());
        } else {
            one.faulted = true;
        }
    }

    /** Those that have not ended yet end with this. */
    private void end(int index, int status) {
        IoCommand command = held[index].command;
        IoCommand write = held[index].write;
        remove(index);
        if (command.isPending()) {
            command.complete(status);
        }
        if (write != null && write.isPending()) {
            write.complete(status);
        }
    }

    /** The others keep their order. */
    private void remove(int index) {
        Held one = held[index];
        stuckCount -= one.stuck ? 1 : 0;
        one.command = null;
        one.write = null;
        heldCount--;
        System.arraycopy(held, index + 1, held, index, heldCount - index);
        held[heldCount] = one;
    }

    private int indexOf(IoCommand command) {
        for (int i = 0; i < heldCount; i++) {
            if (held[i].command == command || held[i].write == command) {
                return i;
            }
        }
        return -1;
    }

    @Override
    public boolean adopt(IoCommand command) {
        return storage.adopt(command);
    }

    @Override
    public void adoptedAll() {
        storage.adoptedAll();
    }

    @Override
    public boolean has(IoCommand command) {
        return indexOf(command) >= 0 || storage.has(command);
    }

    @Override
    public void cancel(IoCommand command) {
        int index = indexOf(command);
        if (index >= 0) {
            end(index, ABORTED);
        } else {
            storage.cancel(command);
        }
    }

    @Override
    public long discardPage(long hostPage) {
        return storage.discardPage(hostPage);
    }

    @Override
    public void completionQueueChanged(int cqid, boolean exists) {
        storage.completionQueueChanged(cqid, exists);
    }

    @Override
    public String failure() {
        return storage.failure();
    }

    @Override
    public void endLost() {
        storage.endLost();
    }

    @Override
    public int whenUnreachable() {
        return storage.whenUnreachable();
    }

    @Override
    public boolean settle() {
        return storage.settle();
    }

    @Override
    public void settleAbandoned() {
        storage.settleAbandoned();
    }

    @Override
    public void close() {
        LOG.info(
                "of {} commands {} were late, {} failed, {} got stuck, and {} were overtaken, as was asked for",
                taken,
                lateCount,
                failedCount,
                hungCount,
                reorderedCount);
        storage.close();
    }
}

package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.dma.DmaReader;
import io.sluice.dma.GuestMemory;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** A guest with one I/O queue pair on a path of another room's, stepped by hand: what its tests need of a controller. */
public final class GuestQueues implements AutoCloseable {
    private static final long SQ_GPA = 0x10_0000;
    private static final long CQ_GPA = 0x12_0000;
    private static final long DATA_GPA = 0x20_0000;
    private static final int MAX_TRANSFER = 64 << 10;

    private final FakeGuest guest = new FakeGuest(4 << 20);
    private final Mapping bar0 = Mapping.anonymous(16 << 10, Mapping.PROT_READ | Mapping.PROT_WRITE);
    private final IoPath path;
    private final IoQueues queues;
    private final ControllerState state;
    private final int entries;
    private int tail;
    private int head;
    private int phase = 1;
    private int nextCid;

    /** Of completions, in their order. */
    public final List<Integer> statuses = new ArrayList<>();

    public final List<Integer> cids = new ArrayList<>();

    /** Before the controller hears of a command that has failed. */
    public Runnable onFailure = () -> {};

    /** @param dataView where the guest's data is for the path */
    public GuestQueues(IoPath path, int entries, Translator dataView) throws IOException {
        this.path = path;
        this.entries = entries;
        state = TestState.of(path);
        queues = new IoQueues(path, 4, MAX_TRANSFER, bar0.address(), vector -> {}, new Listener(), state);
        queues.enable(new Seen(guest, dataView), Memory.PAGE_BYTES);
        queues.memoryChanged(guest.epoch.current());
        create();
    }

    /** Creates the queue pair, as at the beginning and after a {@link #reset}. */
    public void create() {
        Memory.fill(guest.hva(CQ_GPA), (long) entries * Cqe.BYTES, (byte) 0);
        tail = 0;
        head = 0;
        phase = 1;
        assertTrue(queues.createCompletionQueue(1, entries, CQ_GPA, 0));
        assertTrue(queues.createSubmissionQueue(1, entries, SQ_GPA, 1));
    }

    /** Submits a command of one piece of memory; returns its identifier. */
    public int submit(int opcode, long slba, int blockCount) {
        long sqe = guest.hva(SQ_GPA) + (long) tail * Sqe.BYTES;
        int cid = nextCid++;
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, opcode, cid);
        Sqe.setNsid(sqe, 1);
        if (opcode == NvmOpcode.READ || opcode == NvmOpcode.WRITE) {
            Sqe.setPrp1(sqe, DATA_GPA);
        }
        Sqe.setSlba(sqe, slba);
        Sqe.setBlockCount(sqe, blockCount);
        ring();
        return cid;
    }

    /** Submits a deallocation of ranges, each a first block and a count. */
    public int deallocate(long[]... ranges) {
        long sqe = guest.hva(SQ_GPA) + (long) tail * Sqe.BYTES;
        int cid = nextCid++;
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, NvmOpcode.DATASET_MANAGEMENT, cid);
        Sqe.setNsid(sqe, 1);
        Sqe.setPrp1(sqe, DATA_GPA);
        Sqe.setDsm(sqe, ranges.length, Sqe.DSM_DEALLOCATE);
        for (int i = 0; i < ranges.length; i++) {
            DsmRange.set(guest.hva(DATA_GPA) + (long) i * DsmRange.BYTES, 0, ranges[i][1], ranges[i][0]);
        }
        ring();
        return cid;
    }

    private void ring() {
        tail = (tail + 1) % entries;
        Memory.putIntRelease(bar0.address() + Doorbells.sqTailDoorbell(1), tail);
    }

    /** A duty cycle, after which the guest takes its completions. */
    public int cycle() {
        try {
            return queues.doWork();
        } finally {
            take();
        }
    }

    private void take() {
        long word = word();
        while (Cqe.phase(word) == phase) {
            statuses.add(Cqe.status(word));
            cids.add(Cqe.cid(word));
            head = (head + 1) % entries;
            phase = head == 0 ? phase ^ 1 : phase;
            word = word();
        }
        Memory.putIntRelease(bar0.address() + Doorbells.cqHeadDoorbell(1), head);
    }

    private long word() {
        return Cqe.tail(guest.hva(CQ_GPA) + (long) head * Cqe.BYTES);
    }

    public boolean anyPending() {
        return queues.anyPending();
    }

    /** A step of a shutdown; whether it is done. */
    public boolean shutDown() {
        queues.finish();
        take();
        return !queues.anyPending() && path.settle();
    }

    /** A step of a controller reset; whether it is done. */
    public boolean reset() {
        return queues.reset() || (queues.finish() > 0 && queues.reset());
    }

    /** A step of the deletion of the submission queue; whether it is done. */
    public boolean deleteSubmissionQueue() {
        queues.finish();
        boolean done = queues.deleteSubmissionQueue(1);
        take();
        return done;
    }

    /** The client goes; whether the path has ended what it had of it. */
    public boolean leave() {
        reset();
        queues.endLost();
        return reset();
    }

    @Override
    public void close() {
        queues.close();
        state.close();
        path.close();
        bar0.close();
        guest.close();
    }

    private record Seen(FakeGuest guest, Translator deviceView) implements GuestMemory {
        @Override
        public Translator hostView() {
            return guest.hostView();
        }

        @Override
        public DmaReader register(String name, Runnable wake) {
            return guest.register(name, wake);
        }

        @Override
        public boolean damaged() {
            return guest.damaged();
        }
    }

    private final class Listener implements QueueListener {
        @Override
        public void invalidDoorbell(int qid, boolean cqHead, int value) {
            throw new AssertionError("doorbell " + qid + ": " + value);
        }

        @Override
        public void queueMemoryUnreachable(int qid, boolean completionQueue, long code) {
            throw new AssertionError("memory of queue " + qid + ": " + code);
        }

        @Override
        public void completionLost(int cqid, int sqid, int cid) {
            throw new AssertionError("completion of command " + cid);
        }

        @Override
        public int commandFailed(IoCommand command, int status) {
            onFailure.run();
            return status;
        }
    }
}

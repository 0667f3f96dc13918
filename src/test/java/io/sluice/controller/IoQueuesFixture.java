package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.dma.GuestMemory;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** I/O queues with a guest, a path, and a listener of a test's own: what tests of {@link IoQueues} share. */
abstract class IoQueuesFixture {
    static final int PAGE = Memory.PAGE_BYTES;
    static final long SQ_GPA = 0x10_0000;
    static final long CQ_GPA = 0x12_0000;
    static final long SQ2_GPA = 0x14_0000;
    static final long DATA_GPA = 0x20_0000;
    static final long LIST_GPA = 0x18_0000;
    static final int MAX_TRANSFER = 64 << 10;
    static final long BLOCKS = 1000;

    final List<String> told = new ArrayList<>();
    final List<Integer> raised = new ArrayList<>();
    final FakePath path = new FakePath();

    FakeGuest guest;
    Mapping bar0;
    IoQueues queues;
    private ControllerState state;
    int sqEntries;
    int cqEntries;
    int sqTail;
    int cqHead;

    @BeforeEach
    void open() throws Exception {
        guest = new FakeGuest(4 << 20);
        bar0 = Mapping.anonymous(16 << 10, Mapping.PROT_READ | Mapping.PROT_WRITE);
        state = TestState.of(path);
        queues = new IoQueues(path, 4, MAX_TRANSFER, bar0.address(), raised::add, new Listener(), state);
        queues.enable(guest, PAGE);
        queues.memoryChanged(guest.epoch.current());
    }

    @AfterEach
    void close() {
        queues.close();
        state.close();
        bar0.close();
        guest.close();
    }

    void reopen() {
        queues.close();
        state.close();
        try {
            state = TestState.of(path);
            queues = new IoQueues(path, 4, MAX_TRANSFER, bar0.address(), raised::add, new Listener(), state);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        queues.enable(guest, PAGE);
        queues.memoryChanged(guest.epoch.current());
    }

    void createPair(int sqEntries, int cqEntries, int vector) {
        assertTrue(queues.createCompletionQueue(1, cqEntries, CQ_GPA, vector));
        assertTrue(queues.createSubmissionQueue(1, sqEntries, SQ_GPA, 1));
        this.sqEntries = sqEntries;
        this.cqEntries = cqEntries;
    }

    /** Puts a command into the queue and rings; the returned entry may be changed before the next step. */
    long submit(int opcode, int cid, int nsid, long slba, int blockCount) {
        long sqe = guest.hva(SQ_GPA) + (long) sqTail * Sqe.BYTES;
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, opcode, cid);
        Sqe.setNsid(sqe, nsid);
        Sqe.setPrp1(sqe, DATA_GPA);
        Sqe.setPrp2(sqe, DATA_GPA + PAGE);
        Sqe.setSlba(sqe, slba);
        Sqe.setBlockCount(sqe, blockCount);
        sqTail = (sqTail + 1) % sqEntries;
        ring(Doorbells.sqTailDoorbell(1), sqTail);
        return sqe;
    }

    long submitDsm(int attributes, long[][] ranges) {
        long sqe = submit(NvmOpcode.DATASET_MANAGEMENT, 1, 1, 0, 1);
        Sqe.setDsm(sqe, ranges.length, attributes);
        for (int i = 0; i < ranges.length; i++) {
            DsmRange.set(guest.hva(DATA_GPA) + (long) i * DsmRange.BYTES, 0, ranges[i][1], ranges[i][0]);
        }
        return sqe;
    }

    void assertStatus(int expected, long sqe) {
        int index = cqHead;
        int opcode = Sqe.opcode(sqe);
        assertEquals(1, step());
        int status = Cqe.status(Cqe.tail(cqe(index)));
        assertEquals(Status.describe(expected), Status.describe(status), NvmOpcode.name(opcode));
        consume(1, cqEntries);
    }

    void ring(int doorbell, int value) {
        Memory.putIntRelease(bar0.address() + doorbell, value);
    }

    void consume(int count, int entries) {
        cqHead = (cqHead + count) % entries;
        ring(Doorbells.cqHeadDoorbell(1), cqHead);
    }

    long cqe(int index) {
        return guest.hva(CQ_GPA) + (long) index * Cqe.BYTES;
    }

    int step() {
        return queues.doWork();
    }

    final class Listener implements QueueListener {
        @Override
        public void invalidDoorbell(int qid, boolean cqHead, int value) {
            told.add("doorbell of " + (cqHead ? "CQ " : "SQ ") + qid + ": " + value);
        }

        @Override
        public void queueMemoryUnreachable(int qid, boolean completionQueue, long code) {
            told.add("memory of " + (completionQueue ? "CQ " : "SQ ") + qid + ": " + code);
        }

        @Override
        public void completionLost(int cqid, int sqid, int cid) {
            told.add("completion lost: CQ " + cqid + ", SQ " + sqid + ", command " + cid);
        }
    }

    static final class FakePath implements IoPath {
        static final int MAX_PENDING = 3;

        final List<IoCommand> submitted = new ArrayList<>();
        final ArrayDeque<IoCommand> held = new ArrayDeque<>();
        final List<IoCommand> cancelled = new ArrayList<>();
        int status = Status.OK;
        boolean readOnly;
        Runnable onSubmit = () -> {};
        /** When the path has it. */
        Runnable onSubmitted = () -> {};

        Runnable onPoll = () -> {};
        /** Cancelling this one fails. */
        IoCommand uncancellable;

        /** Guest address to the path's; null for host addresses. */
        Translator dataView;

        boolean plain;
        boolean fused;
        boolean busy;
        int sglAlignmentBytes;
        final List<String> queueChanges = new ArrayList<>();

        @Override
        public List<Namespace> namespaces() {
            return Arrays.asList(new Namespace(1, BLOCKS, 512, 0, 0, 0, readOnly));
        }

        @Override
        public int maxPending() {
            return MAX_PENDING;
        }

        @Override
        public boolean hasVolatileCache() {
            return true;
        }

        @Override
        public boolean offers(int opcode) {
            return !plain && (IoPath.super.offers(opcode) || (fused && opcode == NvmOpcode.COMPARE));
        }

        @Override
        public int sglAlignmentBytes() {
            return sglAlignmentBytes;
        }

        @Override
        public Translator dataView(GuestMemory memory) {
            return dataView == null ? memory.hostView() : dataView;
        }

        @Override
        public void completionQueueChanged(int cqid, boolean exists) {
            queueChanges.add((exists ? "+" : "-") + cqid);
        }

        @Override
        public int submit(IoCommand command) {
            onSubmit.run();
            submitted.add(command);
            if (status == PENDING) {
                held.add(command);
            }
            onSubmitted.run();
            return status;
        }

        @Override
        public boolean offersFused() {
            return fused;
        }

        @Override
        public boolean submitFused(IoCommand compare, IoCommand write) {
            onSubmit.run();
            if (busy) {
                return false;
            }
            for (IoCommand command : List.of(compare, write)) {
                submitted.add(command);
                if (status == PENDING) {
                    held.add(command);
                } else {
                    command.complete(status);
                }
            }
            onSubmitted.run();
            return true;
        }

        @Override
        public boolean has(IoCommand command) {
            return held.contains(command);
        }

        @Override
        public int poll() {
            onPoll.run();
            onPoll = () -> {};
            return 1;
        }

        @Override
        public void cancel(IoCommand command) {
            if (command == uncancellable) {
                throw new IllegalStateException("a path's bug");
            }
            cancelled.add(command);
        }

        @Override
        public void close() {}
    }
}

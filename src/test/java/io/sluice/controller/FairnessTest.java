package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What one duty cycle takes on when all queues are full, and from whom: bytes, slots and completion space run out. */
class FairnessTest {
    private static final int PAGE = Memory.PAGE_BYTES;
    private static final int ENTRIES = 64;
    private static final int MAX_QUEUES = 64;
    private static final int COMMANDS = 32;
    private static final int MIB = 1 << 20;
    private static final long SQ_GPA = 0;
    private static final long CQ_GPA = (long) MAX_QUEUES * PAGE;
    private static final long LIST_GPA = 2L * MAX_QUEUES * PAGE;
    private static final long DATA_GPA = 0x10_0000;

    private final CountingPath path = new CountingPath();
    private final FakeGuest guest;
    private final Mapping bar0;
    private final IoQueues queues;
    private final ControllerState state;

    FairnessTest() throws IOException {
        guest = new FakeGuest(4 << 20);
        bar0 = Mapping.anonymous(16 << 10, Mapping.PROT_READ | Mapping.PROT_WRITE);
        state = TestState.of(path);
        queues = new IoQueues(path, MAX_QUEUES, MIB, bar0.address(), vector -> {}, new NoFaults(), state);
        queues.enable(guest, PAGE);
        for (int i = 1; i < MIB / PAGE; i++) {
            Memory.putLong(guest.hva(LIST_GPA) + 8L * (i - 1), DATA_GPA + (long) i * PAGE);
        }
    }

    @AfterEach
    void close() {
        queues.close();
        state.close();
        bar0.close();
        guest.close();
    }

    @Test
    void shouldMoveNoMoreThanItsBytesAndOneCommandInACycleWhenAllQueuesAreFull() {
        createPairs(MAX_QUEUES);
        fill(MAX_QUEUES, MIB / 512);

        int cycles = 0;
        while (path.commands < MAX_QUEUES * COMMANDS) {
            long before = path.bytes;
            queues.doWork();
            long moved = path.bytes - before;
            assertTrue(moved > 0 && moved <= IoQueues.CYCLE_BYTES + MIB, moved + " bytes in cycle " + cycles);
            cycles++;
        }

        assertTrue(cycles >= MAX_QUEUES * COMMANDS / 5, "whatever else waits has its turn between two of " + cycles);
    }

    @Test
    void shouldServeAllQueuesAlikeWhenBytesRunOut() {
        createPairs(MAX_QUEUES);
        fill(MAX_QUEUES, MIB / 512);

        for (int cycle = 0; path.commands < MAX_QUEUES * COMMANDS; cycle++) {
            queues.doWork();
            // A cycle serves four queues in a row; the next one begins one further.
            assertTrue(spread(MAX_QUEUES) <= 4, "cycle " + cycle + ": " + Arrays.toString(path.byQueue));
        }
    }

    @Test
    void shouldGiveShortCommandsTheirTurnWhenAnotherQueueIsFullOfLongOnes() {
        createPairs(2);
        put(1, COMMANDS, MIB / 512);
        put(2, COMMANDS, 8);

        queues.doWork();

        assertEquals(1, path.byQueue[1]);
        assertEquals(IoQueues.BATCH, path.byQueue[2]);
    }

    @Test
    void shouldServeAllQueuesAlikeWhenSlotsRunOut() {
        createPairs(4);
        fill(4, 1);
        path.holds = true;

        for (int cycle = 0; path.commands < 4 * COMMANDS; cycle++) {
            queues.doWork();
            assertTrue(spread(4) <= CountingPath.MAX_PENDING, "cycle " + cycle + ": " + Arrays.toString(path.byQueue));
            path.endAll();
            assertTrue(cycle < 4 * COMMANDS, "nothing goes on: " + Arrays.toString(path.byQueue));
        }
    }

    @Test
    void shouldServeAllQueuesOfACompletionQueueWhenItsSpaceRunsOut() {
        assertTrue(queues.createCompletionQueue(1, 2, CQ_GPA, 0));
        for (int qid = 1; qid <= 3; qid++) {
            assertTrue(queues.createSubmissionQueue(qid, ENTRIES, sqGpa(qid), 1));
        }
        fill(3, 1);

        int head = 0;
        for (int cycle = 0; cycle < 60; cycle++) {
            assertEquals(1, queues.doWork());
            head = 1 - head;
            ring(Doorbells.cqHeadDoorbell(1), head);
        }

        for (int qid = 1; qid <= 3; qid++) {
            assertTrue(path.byQueue[qid] >= 15, Arrays.toString(path.byQueue));
        }
    }

    // ---- help

    private static long sqGpa(int qid) {
        return SQ_GPA + (qid - 1L) * PAGE;
    }

    private void createPairs(int count) {
        for (int qid = 1; qid <= count; qid++) {
            assertTrue(queues.createCompletionQueue(qid, ENTRIES, CQ_GPA + (qid - 1L) * PAGE, 0));
            assertTrue(queues.createSubmissionQueue(qid, ENTRIES, sqGpa(qid), qid));
        }
    }

    private void fill(int count, int blocks) {
        for (int qid = 1; qid <= count; qid++) {
            put(qid, COMMANDS, blocks);
        }
    }

    private void put(int qid, int commands, int blocks) {
        for (int i = 0; i < commands; i++) {
            long sqe = guest.hva(sqGpa(qid)) + (long) i * Sqe.BYTES;
            Sqe.clear(sqe);
            Sqe.setCommand(sqe, NvmOpcode.WRITE, qid);
            Sqe.setNsid(sqe, 1);
            Sqe.setBlockCount(sqe, blocks);
            Sqe.setPrp1(sqe, DATA_GPA);
            Sqe.setPrp2(sqe, LIST_GPA);
        }
        ring(Doorbells.sqTailDoorbell(qid), commands);
    }

    private void ring(int doorbell, int value) {
        Memory.putIntRelease(bar0.address() + doorbell, value);
    }

    /** How far the queue that has had most is ahead of the one that has had least, of those that have commands left. */
    private int spread(int count) {
        int[] some = Arrays.copyOfRange(path.byQueue, 1, count + 1);
        int most = Arrays.stream(some).max().orElseThrow();
        int least = Arrays.stream(some).min().orElseThrow();
        return most - least;
    }

    /** Moves nothing, and counts what it would. A command's identifier is its queue's. */
    private static final class CountingPath implements IoPath {
        static final int MAX_PENDING = 3;

        final int[] byQueue = new int[MAX_QUEUES + 1];
        final ArrayDeque<IoCommand> held = new ArrayDeque<>();
        boolean holds;
        long bytes;
        int commands;

        @Override
        public List<Namespace> namespaces() {
            return List.of(new Namespace(1, 1 << 20, 512, 0, 0, 0, false));
        }

        @Override
        public int maxPending() {
            return MAX_PENDING;
        }

        @Override
        public boolean hasVolatileCache() {
            return false;
        }

        @Override
        public int submit(IoCommand command) {
            commands++;
            bytes += command.byteCount();
            command.spend(command.byteCount());
            byQueue[Sqe.cid(command.sqeAddress())]++;
            if (holds) {
                held.add(command);
            }
            return holds ? PENDING : Status.OK;
        }

        void endAll() {
            while (!held.isEmpty()) {
                held.poll().complete(Status.OK);
            }
        }

        @Override
        public int poll() {
            return 0;
        }

        @Override
        public void cancel(IoCommand command) {
            throw new AssertionError("nothing is cancelled here");
        }

        @Override
        public void close() {}
    }

    private static final class NoFaults extends NoQueueFaults {
        @Override
        public int commandFailed(IoCommand command, int status) {
            throw new AssertionError(Status.describe(status));
        }
    }
}

package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.sluice.mem.Memory;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import io.sluice.storage.FaultPlan;
import io.sluice.storage.FaultyStorage;
import io.sluice.storage.MemoryStorage;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Faults by plan, in virtual time: a command ends when the clock says so, and not before. */
class FaultyStorageTest {
    private static final int BLOCKS = 2048;
    private static final long HOUR_NANOS = TimeUnit.HOURS.toNanos(1);

    private StorageRig rig;
    private long now;

    private void open(String faults, long seed) throws Exception {
        MemoryStorage storage = new MemoryStorage(new Namespace(1, BLOCKS, 512, 0, 0, 0, false));
        rig = new StorageRig(new FaultyStorage(storage, FaultPlan.parse(faults, seed), () -> now));
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private void steps(int count) {
        for (int i = 0; i < count; i++) {
            rig.step();
        }
    }

    @Test
    void shouldDoALateCommandWhenItsTimeHasCome() throws Exception {
        open("late=1:5ms", 1);
        Memory.fill(rig.buffer(0), 512, (byte) 7);
        int write = rig.submit(NvmOpcode.WRITE, 3, 1, 0);
        steps(1);
        now += 4_999_999;
        steps(10);
        assertFalse(rig.hasEnded(write));
        Memory.fill(rig.buffer(0), 512, (byte) 8); // the data is taken when the command is begun, not before
        now++;
        rig.assertEnds(Status.SUCCESS, write);

        int read = rig.submit(NvmOpcode.READ, 3, 1, 1);
        steps(10);
        assertFalse(rig.hasEnded(read));
        now += 5_000_000;
        rig.assertEnds(Status.SUCCESS, read);
        assertEquals(8, Memory.getByte(rig.buffer(1)));
    }

    @Test
    void shouldFailCommandsWithoutDoingThem() throws Exception {
        open("fail=1", 1);
        rig.assertEnds(Status.UNRECOVERED_READ_ERROR, rig.submit(NvmOpcode.READ, 0, 1, 0));
        rig.assertEnds(Status.UNRECOVERED_READ_ERROR, rig.submit(NvmOpcode.COMPARE, 0, 1, 0));
        rig.assertEnds(Status.UNRECOVERED_READ_ERROR, rig.submit(NvmOpcode.VERIFY, 0, 1, 0));
        rig.assertEnds(Status.WRITE_FAULT, rig.submit(NvmOpcode.WRITE, 0, 1, 0));
        rig.assertEnds(Status.WRITE_FAULT, rig.submit(NvmOpcode.WRITE_ZEROES, 0, 1, 0));
        rig.assertEnds(Status.WRITE_FAULT, rig.deallocate(new long[] {0, 1}));
        rig.assertEnds(Status.WRITE_FAULT, rig.copy(0, false, new long[] {8, 1}));
        rig.assertEnds(Status.WRITE_FAULT, rig.flush());
        int fused = rig.compareAndWrite(0, 1, 0, 0);
        rig.assertEnds(Status.UNRECOVERED_READ_ERROR, fused);
        rig.assertEnds(Status.ABORTED_FAILED_FUSED, fused + 1);
    }

    @Test
    void shouldLeaveBlocksAsTheyWereWhenAWriteFails() throws Exception {
        open("fail=0.5", 1);
        byte[] model = new byte[BLOCKS * 512];
        int failures = 0;
        for (int i = 0; i < 500; i++) {
            int block = i * 37 % BLOCKS;
            Memory.fill(rig.buffer(0), 512, (byte) i);
            int status = rig.await(rig.submit(NvmOpcode.WRITE, block, 1, 0));
            if (Status.isSuccess(status)) {
                Arrays.fill(model, block * 512, block * 512 + 512, (byte) i);
            } else {
                assertTrue(Status.WRITE_FAULT.is(status));
                failures++;
            }
        }
        assertTrue(failures > 150 && failures < 350, failures + " of 500");
        for (int block = 0; block < BLOCKS; block++) {
            Memory.fill(rig.buffer(1), 512, (byte) 0x5a);
            if (Status.isSuccess(rig.await(rig.submit(NvmOpcode.READ, block, 1, 1)))) {
                assertEquals(model[block * 512], Memory.getByte(rig.buffer(1)));
            }
        }
    }

    @Test
    void shouldEndStuckCommandsWithTheirQueueOnly() throws Exception {
        open("stuck=1", 1);
        int read = rig.submit(NvmOpcode.READ, 0, 1, 0);
        int flush = rig.flush();
        int fused = rig.compareAndWrite(0, 1, 0, 0);
        now += HOUR_NANOS;
        steps(100);
        assertFalse(rig.hasEnded(read) || rig.hasEnded(flush) || rig.hasEnded(fused) || rig.hasEnded(fused + 1));
        assertTrue(rig.queues.deleteSubmissionQueue(1));
        for (int cid : new int[] {read, flush, fused, fused + 1}) {
            rig.assertEnds(Status.ABORTED_SQ_DELETION, cid);
        }
    }

    @Test
    void shouldLetGoOfStuckCommandsAtAReset() throws Exception {
        open("stuck=1", 1);
        rig.submit(NvmOpcode.WRITE, 0, 1, 0);
        rig.compareAndWrite(0, 1, 0, 0);
        steps(10);
        assertTrue(rig.queues.anyPending());
        assertTrue(rig.queues.reset());
        assertFalse(rig.queues.anyPending());
    }

    @Test
    void shouldGoOnWithOthersWhenManyAreStuck() throws Exception {
        open("stuck=1", 1);
        int[] cids = new int[100];
        for (int i = 0; i < cids.length; i++) {
            cids[i] = rig.submit(NvmOpcode.READ, i, 1, 0);
        }
        steps(100);
        int ended = 0;
        for (int cid : cids) {
            ended += rig.hasEnded(cid) ? 1 : 0;
        }
        assertEquals(cids.length - 32, ended);

        assertTrue(rig.queues.deleteSubmissionQueue(1));
        steps(1); // takes their completions
        rig.reopenQueue();
        int again = rig.submit(NvmOpcode.READ, 0, 1, 0);
        steps(10);
        assertFalse(rig.hasEnded(again), "there is room for stuck ones again");
    }

    @Test
    void shouldEndAReorderedCommandThatIsAloneSoon() throws Exception {
        open("reorder=1", 1);
        int read = rig.submit(NvmOpcode.READ, 0, 1, 0);
        steps(10);
        assertFalse(rig.hasEnded(read));
        now += 1_000_000;
        rig.assertEnds(Status.SUCCESS, read);
    }

    /** The order in which commands end, with their statuses, of a run that is the same each time. */
    private List<String> run(String faults, long seed) throws Exception {
        now = 0;
        open(faults, seed);
        List<String> ends = new ArrayList<>();
        Random random = new Random(5);
        List<Integer> waiting = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
            for (int n = random.nextInt(4); n > 0 && waiting.size() < 100; n--) {
                int opcode = random.nextBoolean() ? NvmOpcode.READ : NvmOpcode.WRITE;
                waiting.add(rig.submit(opcode, random.nextInt(BLOCKS), 1, 0));
            }
            rig.step();
            now += 100_000;
            for (int cid : List.copyOf(waiting)) {
                if (rig.hasEnded(cid)) {
                    waiting.remove(Integer.valueOf(cid));
                    ends.add(i + ": " + cid + " " + rig.await(cid));
                }
            }
        }
        rig.close();
        return ends;
    }

    @Test
    void shouldRepeatItselfWithTheSameSeed() throws Exception {
        String faults = "late=0.1:2ms,fail=0.1,stuck=0.01,reorder=0.3";
        List<String> once = run(faults, 11);
        assertEquals(once, run(faults, 11));
        assertNotEquals(once, run(faults, 12));
        open(faults, 11); // for the end
    }

    @Test
    void shouldLetLaterCommandsOvertakeAndDoEachOnce() throws Exception {
        open("reorder=0.5", 3);
        Memory.fill(rig.buffer(0), 512, (byte) 1);
        int[] cids = new int[60];
        for (int i = 0; i < cids.length; i++) {
            cids[i] = rig.submit(NvmOpcode.WRITE, i, 1, 0);
        }
        int overtaken = 0;
        for (int step = 0; step < 20; step++) {
            rig.step();
            boolean laterHasEnded = false;
            for (int i = cids.length - 1; i >= 0; i--) {
                overtaken += laterHasEnded && !rig.hasEnded(cids[i]) ? 1 : 0;
                laterHasEnded |= rig.hasEnded(cids[i]);
            }
        }
        assertTrue(overtaken > 0, "nothing was overtaken");
        now += 1_000_000;
        for (int cid : cids) {
            rig.assertEnds(Status.SUCCESS, cid); // the rig fails if one ends twice
        }
    }

    @Test
    void shouldNotTouchTheMemoryOfALateCommandThatWasCancelled() throws Exception {
        open("late=1:1s", 1);
        byte[] before = StorageRig.filled(512, 0x33);
        Memory.copyIn(before, 0, rig.buffer(0), 512);
        int read = rig.submit(NvmOpcode.READ, 0, 1, 0);
        steps(3);
        assertTrue(rig.queues.deleteSubmissionQueue(1));
        rig.assertEnds(Status.ABORTED_SQ_DELETION, read);
        now += HOUR_NANOS;
        steps(3);
        byte[] after = new byte[512];
        Memory.copyOut(rig.buffer(0), after, 0, 512);
        assertArrayEquals(before, after);
    }

    @Test
    void shouldAllocateNothingPerCommand() throws Exception {
        open("late=0.1:20us,fail=0.1,reorder=0.2", 1);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long self = Thread.currentThread().threadId();
        long allocated = Long.MAX_VALUE;

        // When the JIT is done depends on how busy the machine is: the state is steady once a batch allocates nothing.
        for (int batch = 0; batch < 500 && allocated > 0; batch++) {
            long before = threads.getThreadAllocatedBytes(self);
            for (int i = 0; i < 10_000; i++) {
                int cid = rig.submit((i & 1) == 0 ? NvmOpcode.READ : NvmOpcode.WRITE, i % 1000, 1, 0);
                while (!rig.hasEnded(cid)) {
                    rig.step();
                    now += 10_000;
                }
            }
            allocated = threads.getThreadAllocatedBytes(self) - before;
        }

        assertEquals(0, allocated, "bytes for 10,000 commands");
    }

    /** One that is forgotten would have a path's default answer, in the place of the storage's. */
    @Test
    void shouldHandOnAllThatAPathCanBeAskedButWhereAGuestsMemoryIs() throws Exception {
        open("fail=0", 1);
        Set<String> memory = Set.of("deviceMemory", "dataView", "bounceArea"); // a storage moves data at host addresses
        Set<String> own = Arrays.stream(FaultyStorage.class.getDeclaredMethods())
                .map(Method::getName)
                .collect(Collectors.toSet());
        for (Method asked : IoPath.class.getDeclaredMethods()) {
            if (!asked.isSynthetic() && !memory.contains(asked.getName())) {
                assertTrue(own.contains(asked.getName()), asked + " is not handed on");
            }
        }
    }
}

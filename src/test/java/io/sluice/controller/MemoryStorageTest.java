package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.sluice.mem.Memory;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Storage in memory behind real queues, against an array as the model of what it must hold. */
class MemoryStorageTest extends MemoryStorageFixture {
    MemoryStorageTest() throws Exception {}

    @Test
    void shouldReadAsZeroesBeforeAnythingIsWritten() throws Exception {
        open(64L << 30, 4096);
        Memory.fill(guest.hva(DATA_GPA), PAGE, (byte) 0x55);

        assertEquals(Status.OK, transfer(NvmOpcode.READ, (64L << 30) / 4096 - 1, 1));

        byte[] data = new byte[PAGE];
        Memory.copyOut(guest.hva(DATA_GPA), data, 0, PAGE);
        assertArrayEquals(new byte[PAGE], data);
    }

    @Test
    void shouldHoldWhatAModelHoldsUnderRandomCommands() throws Exception {
        for (int blockBytes : new int[] {512, 4096}) {
            long seed = Long.getLong("sluice.seed", System.nanoTime());
            System.out.println("MemoryStorageTest seed " + seed + " (repeat with -Dsluice.seed=" + seed + ")");
            runRandom(new Random(seed), blockBytes);
            queues.close();
            storage.close();
            tail = 0;
            Memory.fill(guest.hva(CQ_GPA), (long) ENTRIES * Cqe.BYTES, (byte) 0);
        }
        open(1 << 20, 512);
    }

    private void runRandom(Random random, int blockBytes) throws Exception {
        int bytes = 8 << 20;
        open(bytes, blockBytes);
        byte[] model = new byte[bytes];
        for (int i = 0; i < 500; i++) {
            int blocks = 1 + random.nextInt(random.nextBoolean() ? 8 : MAX_TRANSFER / blockBytes);
            int slba = random.nextInt(bytes / blockBytes - blocks + 1);
            int from = slba * blockBytes;
            int to = from + blocks * blockBytes;
            switch (random.nextInt(5)) {
                case 0, 1 -> {
                    byte[] data = new byte[to - from];
                    random.nextBytes(data);
                    Memory.copyIn(data, 0, guest.hva(DATA_GPA), data.length);
                    assertEquals(Status.OK, transfer(NvmOpcode.WRITE, slba, blocks));
                    System.arraycopy(data, 0, model, from, data.length);
                }
                case 2 -> {
                    assertEquals(Status.OK, transfer(NvmOpcode.WRITE_ZEROES, slba, blocks));
                    Arrays.fill(model, from, to, (byte) 0);
                }
                case 3 -> {
                    deallocate(slba, blocks);
                    Arrays.fill(model, from, to, (byte) 0);
                }
                default -> {
                    assertEquals(Status.OK, transfer(NvmOpcode.READ, slba, blocks));
                    byte[] data = new byte[to - from];
                    Memory.copyOut(guest.hva(DATA_GPA), data, 0, data.length);
                    assertArrayEquals(Arrays.copyOfRange(model, from, to), data);
                }
            }
        }
    }

    /** NVMe 1.4, 6.16: Unrecovered Read Error until the blocks are written; others are as they were. */
    @Test
    void shouldFailReadsOfUncorrectableBlocksUntilEachIsWritten() throws Exception {
        open(1 << 20, 512);
        Memory.fill(guest.hva(DATA_GPA), PAGE, (byte) 0xaa);
        assertEquals(Status.OK, transfer(NvmOpcode.WRITE, 8, 8));

        assertEquals(Status.OK, transfer(NvmOpcode.WRITE_UNCORRECTABLE, 10, 3));

        for (int opcode : new int[] {NvmOpcode.READ, NvmOpcode.COMPARE, NvmOpcode.VERIFY}) {
            assertEquals(Status.UNRECOVERED_READ_ERROR.dnr(), status(transfer(opcode, 8, 8)), NvmOpcode.name(opcode));
            assertEquals(Status.OK, transfer(opcode, 8, 2), NvmOpcode.name(opcode));
            assertEquals(Status.OK, transfer(opcode, 13, 3), NvmOpcode.name(opcode));
        }
        assertEquals(3, queues.counters().mediaErrors());
        assertEquals(Status.OK, transfer(NvmOpcode.WRITE, 10, 1));
        assertEquals(Status.OK, transfer(NvmOpcode.WRITE_ZEROES, 11, 1));
        assertEquals(Status.UNRECOVERED_READ_ERROR.dnr(), status(transfer(NvmOpcode.READ, 8, 8)));
        deallocate(12, 1);
        assertEquals(Status.OK, transfer(NvmOpcode.READ, 8, 8));
        assertBlock(11, (byte) 0);
        assertBlock(13, (byte) 0xaa);
    }

    /** NVM Command Set 1.0, 1.4.2.7 and 1.4.2.8. */
    @Test
    void shouldCountComparesAsReadsAndVerifiesAsDataReadOnly() throws Exception {
        open(1 << 20, 512);
        transfer(NvmOpcode.COMPARE, 0, 2);
        transfer(NvmOpcode.VERIFY, 0, 100);
        transfer(NvmOpcode.WRITE_UNCORRECTABLE, 500, 7);
        assertEquals(1, queues.counters().readCommands());
        assertEquals(102 * 512, queues.counters().readBytes());
        assertEquals(0, queues.counters().writeCommands());
        assertEquals(0, queues.counters().writeBytes());
    }

    @Test
    void shouldZeroEveryRangeOfALongDeallocationInBoundedSteps() throws Exception {
        open(64 << 20, 512);
        for (int mib = 0; mib < 64; mib++) {
            Memory.fill(guest.hva(DATA_GPA), MAX_TRANSFER, (byte) 0xaa);
            assertEquals(Status.OK, transfer(NvmOpcode.WRITE, mib * 2048L, 2048));
        }
        long ranges = guest.hva(DATA_GPA);
        DsmRange.set(ranges, 0, 30 * 2048 + 1, 1);
        DsmRange.set(ranges + 16, 0, 0, 0);
        DsmRange.set(ranges + 32, 0, 31 * 2048, 33 * 2048);
        long sqe = command(NvmOpcode.DATASET_MANAGEMENT);
        Sqe.setDsm(sqe, 3, Sqe.DSM_DEALLOCATE);

        int steps = 0;
        int completions = tail;
        ring();
        while (Cqe.phase(Cqe.tail(cqe(completions))) == phaseBefore(completions)) {
            queues.doWork();
            steps++;
            assertTrue(steps < 200, "the command does not end");
        }

        assertTrue(steps > 14, "61 MiB were zeroed in " + steps + " steps");
        completed();
        assertBlock(0, (byte) 0xaa);
        assertBlock(1, (byte) 0);
        assertBlock(30 * 2048 + 1, (byte) 0);
        assertBlock(30 * 2048 + 2, (byte) 0xaa);
        assertBlock(33 * 2048 - 1, (byte) 0xaa);
        assertBlock(33 * 2048, (byte) 0);
        assertBlock(64 * 2048 - 1, (byte) 0);
    }

    @Test
    void shouldTakeOtherCommandsWhileAsManyLongDeallocationsAsTheQueueHoldsAreInFlight() throws Exception {
        open(4L << 40, 4096);
        DsmRange.set(guest.hva(DATA_GPA), 0, 0xffff_ffffL >>> 3, 0);
        for (int i = 0; i < ENTRIES - 2; i++) {
            Sqe.setDsm(command(NvmOpcode.DATASET_MANAGEMENT), 1, Sqe.DSM_DEALLOCATE);
            ring();
        }
        long sqe = command(NvmOpcode.READ);
        Sqe.setBlockCount(sqe, 1);
        ring();
        for (int i = 0; i < 4; i++) {
            queues.doWork();
        }

        assertTrue(queues.anyPending());
        int last = 0;
        while (Cqe.cid(Cqe.tail(cqe(last))) != ENTRIES - 2) {
            last++;
            assertTrue(last < ENTRIES, "the read has not ended");
        }
        assertEquals(ENTRIES - 2 - MemoryStorage.MAX_DEALLOCATIONS, last, "deallocations that were left as they are");
        queues.reset();
    }

    @Test
    void shouldStopAZeroingThatIsCancelled() throws Exception {
        open(64 << 20, 512);
        Memory.fill(guest.hva(DATA_GPA), MAX_TRANSFER, (byte) 0xaa);
        assertEquals(Status.OK, transfer(NvmOpcode.WRITE, 62 * 2048L, 2048));
        DsmRange.set(guest.hva(DATA_GPA), 0, 64 * 2048, 0);
        long sqe = command(NvmOpcode.DATASET_MANAGEMENT);
        Sqe.setDsm(sqe, 1, Sqe.DSM_DEALLOCATE);
        ring();
        queues.doWork();

        assertTrue(queues.deleteSubmissionQueue(1));

        assertEquals(Status.ABORTED_SQ_DELETION.code(), Cqe.status(Cqe.tail(cqe((tail + ENTRIES - 1) % ENTRIES))));
    }

    @Test
    void shouldAllocateNothingPerCommandInSteadyState() throws Exception {
        open(1 << 20, 512);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long self = Thread.currentThread().threadId();
        long allocated = Long.MAX_VALUE;

        // When the JIT is done depends on how busy the machine is: the state is steady once a batch allocates nothing.
        for (int batch = 0; batch < 200 && allocated > 0; batch++) {
            long before = threads.getThreadAllocatedBytes(self);
            for (int i = 0; i < 10_000; i++) {
                transferQuietly(i);
            }
            allocated = threads.getThreadAllocatedBytes(self) - before;
        }

        assertEquals(0, allocated, "bytes for 10,000 commands");
    }

    private void transferQuietly(int i) {
        long sqe = command((i & 1) == 0 ? NvmOpcode.READ : NvmOpcode.WRITE);
        Sqe.setSlba(sqe, i % 1000);
        Sqe.setBlockCount(sqe, 1 + (i & 15));
        Sqe.setPrp2(sqe, DATA_GPA + PAGE);
        ring();
        queues.doWork();
        Memory.putIntRelease(bar0.address() + Doorbells.cqHeadDoorbell(1), tail);
    }
}

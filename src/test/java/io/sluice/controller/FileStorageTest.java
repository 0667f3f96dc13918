package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.mem.Memory;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import io.sluice.storage.BackingFile;
import io.sluice.storage.FileStorage;
import io.sluice.storage.ScriptedFile;
import java.lang.management.ManagementFactory;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Storage in a file behind a real queue, against an array as the model of what it must hold. */
@Timeout(300) // a hang, not a measure
class FileStorageTest {
    private static final int BYTES = 8 << 20;
    private static final int[] OPCODES = {
        NvmOpcode.READ, NvmOpcode.WRITE, NvmOpcode.READ, NvmOpcode.FLUSH, NvmOpcode.WRITE, NvmOpcode.VERIFY
    };

    @TempDir
    private Path folder;

    private Path path;
    private ScriptedFile file;
    private final Semaphore wakes = new Semaphore(0);
    private StorageRig rig;

    private void open(long bytes, int blockBytes) throws Exception {
        path = folder.resolve("disk.img");
        file = new ScriptedFile(BackingFile.open(path, OptionalLong.of(bytes), OptionalInt.of(blockBytes), false));
        rig = new StorageRig(new FileStorage(
                new Namespace(1, bytes / blockBytes, blockBytes, 0, 0, 0, false), file, wakes::release));
    }

    @AfterEach
    void close() {
        if (rig != null) {
            rig.close();
        }
    }

    private void reopen(long bytes, int blockBytes) throws Exception {
        rig.close();
        rig = null;
        open(bytes, blockBytes);
    }

    @Test
    void shouldReadAsZeroesBeforeAnythingIsWritten() throws Exception {
        open(64L << 30, 4096);
        assertArrayEquals(new byte[4096], rig.read((64L << 30) / 4096 - 1, 1));
    }

    @Test
    void shouldHoldWhatAModelHoldsUnderRandomCommandsAlsoAfterAStop() throws Exception {
        for (int blockBytes : new int[] {512, 4096}) {
            long seed = Long.getLong("sluice.seed", System.nanoTime());
            System.out.println("FileStorageTest seed " + seed + " (repeat with -Dsluice.seed=" + seed + ")");
            open(BYTES, blockBytes);
            byte[] model = new byte[BYTES];
            for (int i = 0; i < 300; i++) {
                change(new Random(seed + i), blockBytes, model);
                if (i % 100 == 99) {
                    assertArrayEquals(model, Files.readAllBytes(path));
                    reopen(BYTES, blockBytes);
                }
            }
            close();
            rig = null;
            Files.delete(path);
        }
    }

    private void change(Random random, int blockBytes, byte[] model) {
        int blocks = 1 + random.nextInt(random.nextBoolean() ? 8 : StorageRig.MAX_TRANSFER / blockBytes);
        int slba = random.nextInt(BYTES / blockBytes - blocks + 1);
        int from = slba * blockBytes;
        int to = from + blocks * blockBytes;
        switch (random.nextInt(7)) {
            case 0, 1 -> {
                byte[] data = new byte[to - from];
                random.nextBytes(data);
                rig.write(slba, blocks, data);
                System.arraycopy(data, 0, model, from, data.length);
            }
            case 2 -> {
                rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.WRITE_ZEROES, slba, blocks, 0));
                Arrays.fill(model, from, to, (byte) 0);
            }
            case 3 -> {
                rig.assertEnds(Status.SUCCESS, rig.deallocate(new long[] {slba, blocks}));
                Arrays.fill(model, from, to, (byte) 0);
            }
            case 4 -> {
                int source = random.nextInt(BYTES / blockBytes - blocks + 1);
                if (Math.abs(source - slba) < blocks) {
                    return; // what an overlap leaves is not specified
                }
                rig.assertEnds(Status.SUCCESS, rig.copy(slba, random.nextBoolean(), new long[] {source, blocks}));
                System.arraycopy(model, source * blockBytes, model, from, to - from);
            }
            case 5 -> {
                boolean same = random.nextBoolean();
                Memory.copyIn(model, from, rig.buffer(0), to - from);
                long last = rig.buffer(0) + to - from - 1;
                Memory.putByte(last, (byte) (Memory.getByte(last) ^ (same ? 0 : 1)));
                Status expected = same ? Status.SUCCESS : Status.COMPARE_FAILURE;
                rig.assertEnds(expected, rig.submit(NvmOpcode.COMPARE, slba, blocks, 0));
            }
            default -> assertArrayEquals(Arrays.copyOfRange(model, from, to), rig.read(slba, blocks));
        }
    }

    @Test
    void shouldWriteZeroesItselfWhereTheFileSystemCannotMakeThem() throws Exception {
        open(BYTES, 512);
        file.script((call, offset) -> {
            if (call.equals("punch") || call.equals("zero")) {
                throw new LinuxException(call, "", Errno.EOPNOTSUPP);
            }
        });
        rig.write(0, 2048, StorageRig.filled(1 << 20, 0x77));

        rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.WRITE_ZEROES, 1, 2046, 0));
        rig.assertEnds(Status.SUCCESS, rig.deallocate(new long[] {0, 1}));

        assertArrayEquals(StorageRig.filled(512, 0x77), rig.read(0, 1), "a hint that cannot be followed");
        assertArrayEquals(new byte[2046 * 512], rig.read(1, 2046));
        assertArrayEquals(StorageRig.filled(512, 0x77), rig.read(2047, 1));
    }

    @Test
    void shouldGiveRoomBackWhenDeallocatedInSeveralRangesOfAnySize() throws Exception {
        open(4L << 40, 512);
        long last = (4L << 40) / 512 - 8;
        rig.write(0, 8, StorageRig.filled(4096, 1));
        rig.write(last, 8, StorageRig.filled(4096, 2));
        rig.write(16, 8, StorageRig.filled(4096, 3));
        long most = 0xffff_ffffL;

        rig.assertEnds(
                Status.SUCCESS, rig.deallocate(new long[] {0, 8}, new long[] {5, 0}, new long[] {24, most}, new long[] {
                    last + 8 - most, most
                }));

        assertArrayEquals(new byte[4096], rig.read(0, 8));
        assertArrayEquals(new byte[4096], rig.read(last, 8));
        assertArrayEquals(StorageRig.filled(4096, 3), rig.read(16, 8));
    }

    @Test
    void shouldGoOnAfterShortReadsAndWrites() throws Exception {
        open(BYTES, 512);
        file.takeAtMost(3);
        Random random = new Random(1);
        byte[] data = new byte[StorageRig.MAX_TRANSFER];
        random.nextBytes(data);
        Memory.copyIn(data, 0, rig.buffer(StorageRig.SCATTERED), data.length);

        rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.WRITE, 8, 2048, StorageRig.SCATTERED));
        Memory.fill(rig.buffer(StorageRig.SCATTERED), data.length, (byte) 0);
        rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.READ, 8, 2048, StorageRig.SCATTERED));

        byte[] back = new byte[data.length];
        Memory.copyOut(rig.buffer(StorageRig.SCATTERED), back, 0, back.length);
        assertArrayEquals(data, back);
        byte[] stored = Files.readAllBytes(path);
        assertArrayEquals(
                Arrays.copyOfRange(data, data.length - 4096, data.length),
                Arrays.copyOfRange(stored, 4096 + 4096, 4096 + 8192),
                "the second page of the command is the buffer's last");
    }

    // ---- what is durable

    @Test
    void shouldSyncForAFlushOnceForAllThatWaitAndNotBeforeTheyWereSubmitted() throws Exception {
        open(BYTES, 512);
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch open = new CountDownLatch(1);
        file.hang("sync", entered, open);
        int first = rig.flush();
        rig.step();
        ScriptedFile.await(entered);
        rig.write(0, 8, StorageRig.filled(4096, 9));
        int second = rig.flush();
        int third = rig.flush();
        rig.step();
        assertFalse(rig.hasEnded(first));

        open.countDown();
        rig.assertEnds(Status.SUCCESS, first);
        rig.assertEnds(Status.SUCCESS, second);
        rig.assertEnds(Status.SUCCESS, third);

        assertEquals(List.of("write", "sync", "sync"), file.calls());
    }

    @Test
    void shouldWriteDurablyWhenForced() throws Exception {
        open(BYTES, 512);
        rig.assertEnds(Status.SUCCESS, rig.submitForced(NvmOpcode.WRITE, 0, 8, 0));
        rig.assertEnds(Status.SUCCESS, rig.submitForced(NvmOpcode.WRITE_ZEROES, 0, 8, 0));
        rig.assertEnds(Status.SUCCESS, rig.submitForced(NvmOpcode.READ, 0, 8, 0));
        assertEquals(List.of("write durably", "zero", "sync", "sync", "read"), file.calls());
    }

    @Test
    void shouldSyncAfterAForcedWriteWhereTheFileSystemCannotSayItOfOne() throws Exception {
        open(BYTES, 512);
        file.fail("write durably", Errno.EOPNOTSUPP);
        rig.assertEnds(Status.SUCCESS, rig.submitForced(NvmOpcode.WRITE, 0, 8, 0));
        rig.assertEnds(Status.SUCCESS, rig.submitForced(NvmOpcode.WRITE, 0, 8, 0));
        assertEquals(List.of("write", "sync", "write", "sync"), file.calls());
    }

    @Test
    void shouldSettleWithASyncThatBeganAfterwards() throws Exception {
        open(BYTES, 512);
        rig.write(0, 8, StorageRig.filled(4096, 9));
        while (!rig.path.settle()) {
            assertTrue(wakes.tryAcquire(60, TimeUnit.SECONDS), "nobody wakes the poller");
        }
        assertEquals(List.of("write", "sync"), file.calls());
    }

    // ---- what goes wrong

    @Test
    void shouldTellTheGuestWhatWentWrong() throws Exception {
        open(BYTES, 512);
        file.fail("write", Errno.ENOSPC);
        rig.assertEnds(Status.CAPACITY_EXCEEDED, rig.submit(NvmOpcode.WRITE, 0, 8, 0));
        file.fail("write", Errno.EDQUOT);
        rig.assertEnds(Status.CAPACITY_EXCEEDED, rig.submit(NvmOpcode.WRITE, 0, 8, 0));
        file.fail("write", Errno.EIO);
        rig.assertEnds(Status.WRITE_FAULT, rig.submit(NvmOpcode.WRITE, 0, 8, 0));
        file.fail("read", Errno.EIO);
        rig.assertEnds(Status.UNRECOVERED_READ_ERROR, rig.submit(NvmOpcode.READ, 0, 8, 0));
        file.fail("punch", Errno.EIO);
        rig.assertEnds(Status.WRITE_FAULT, rig.deallocate(new long[] {0, 8}));
        file.fail("nothing", 0);
        rig.write(0, 8, StorageRig.filled(4096, 9));
        rig.assertEnds(Status.SUCCESS, rig.flush());
        assertArrayEquals(StorageRig.filled(4096, 9), rig.read(0, 8));
    }

    @Test
    void shouldPromiseNothingAnyMoreAfterAFlushHasFailed() throws Exception {
        open(BYTES, 512);
        rig.write(0, 8, StorageRig.filled(4096, 9));
        file.fail("sync", Errno.EIO);
        rig.assertEnds(Status.WRITE_FAULT, rig.flush());
        file.fail("nothing", 0);
        rig.assertEnds(Status.WRITE_FAULT, rig.flush());
        rig.assertEnds(Status.WRITE_FAULT, rig.submit(NvmOpcode.WRITE, 0, 8, 0));
        assertArrayEquals(StorageRig.filled(4096, 9), rig.read(0, 8));
    }

    @Test
    void shouldReportMemoryThatIsGone() throws Exception {
        open(BYTES, 512);
        rig.write(0, 8, StorageRig.filled(4096, 9));
        file.fail("read", Errno.EFAULT);
        rig.assertEnds(Status.DATA_TRANSFER_ERROR, rig.submit(NvmOpcode.READ, 0, 8, 0));
        file.fail("write", Errno.EFAULT);
        rig.assertEnds(Status.DATA_TRANSFER_ERROR, rig.submit(NvmOpcode.WRITE, 0, 8, 0));
        file.fail("nothing", 0);
        rig.assertEnds(Status.SUCCESS, rig.flush());
    }

    @Test
    void shouldLetTheKernelFindThatMemoryIsGone() throws Exception {
        open(BYTES, 512);
        rig.write(0, 8, StorageRig.filled(4096, 9));
        rig.takeMemoryFrom(0);
        rig.assertEnds(Status.DATA_TRANSFER_ERROR, rig.submit(NvmOpcode.READ, 0, 8, 0));
        rig.assertEnds(Status.DATA_TRANSFER_ERROR, rig.submit(NvmOpcode.WRITE, 0, 8, 0));
        rig.assertEnds(Status.DATA_TRANSFER_ERROR, rig.submitForced(NvmOpcode.WRITE, 0, 8, 0));
        rig.assertEnds(Status.SUCCESS, rig.flush());
        assertArrayEquals(StorageRig.filled(4096, 9), rig.read(0, 8));
    }

    @Test
    void shouldNeitherHideNorMakeUpForAFileThatWasCut() throws Exception {
        open(BYTES, 512);
        rig.write(0, 8, StorageRig.filled(4096, 9));
        rig.write(16, 8, StorageRig.filled(4096, 9));
        try (var channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            channel.truncate(4096);
        }

        rig.assertEnds(Status.UNRECOVERED_READ_ERROR, rig.submit(NvmOpcode.READ, 16, 8, 0));
        rig.assertEnds(Status.WRITE_FAULT, rig.submit(NvmOpcode.WRITE, 16, 8, 0));
        rig.assertEnds(Status.WRITE_FAULT, rig.flush());

        assertArrayEquals(StorageRig.filled(4096, 9), rig.read(0, 8));
        assertEquals(4096, Files.size(path));
    }

    @Test
    void shouldNotMakeACutFileLongAgainByTheNextWrite() throws Exception {
        open(BYTES, 512);
        try (var channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            channel.truncate(4096);
        }
        rig.assertEnds(Status.WRITE_FAULT, rig.submit(NvmOpcode.WRITE, 16, 8, 0));
        assertEquals(4096, Files.size(path));
    }

    // ---- order, and commands that hang

    @Test
    void shouldPutOffWhatOverlapsAWriteInFlightAndNothingElse() throws Exception {
        open(BYTES, 512);
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch open = new CountDownLatch(1);
        file.hang("write", entered, open);
        Memory.fill(rig.buffer(0), 4096, (byte) 7);
        int write = rig.submit(NvmOpcode.WRITE, 8, 8, 0);
        rig.step();
        ScriptedFile.await(entered);
        rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.READ, 0, 8, 1));
        rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.READ, 16, 8, 1));
        int overlapping = rig.submit(NvmOpcode.READ, 15, 1, 1);
        for (int i = 0; i < 100; i++) {
            rig.step();
            LockSupport.parkNanos(100_000); // if it had been begun it would have ended
        }
        assertFalse(rig.hasEnded(overlapping));

        open.countDown();

        rig.assertEnds(Status.SUCCESS, write);
        rig.assertEnds(Status.SUCCESS, overlapping);
        assertEquals(7, Memory.getByte(rig.buffer(1)));
    }

    @Test
    void shouldKeepMemoryOnlyOfWhatHangsWhenTheControllerIsReset() throws Exception {
        open(BYTES, 512);
        CountDownLatch entered = new CountDownLatch(4);
        CountDownLatch open = new CountDownLatch(1);
        file.hang("read", entered, open);
        for (int i = 0; i < 20; i++) {
            rig.submit(NvmOpcode.READ, 8L * i, 8, 0);
        }
        rig.step();
        ScriptedFile.await(entered);
        assertTrue(rig.queues.anyPendingBefore(Long.MAX_VALUE));

        assertFalse(rig.queues.reset(), "the kernel may still write to memory");
        open.countDown();
        while (!rig.queues.reset()) {
            rig.path.poll();
            Thread.onSpinWait();
        }

        assertEquals(4, file.calls().size(), "what had not begun was not done");
        assertFalse(rig.queues.anyPending());
    }

    @Test
    void shouldEndFlushesThatHangWhenTheControllerIsReset() throws Exception {
        open(BYTES, 512);
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch open = new CountDownLatch(1);
        file.hang("sync", entered, open);
        rig.flush();
        rig.flush();
        rig.step();
        ScriptedFile.await(entered);

        assertTrue(rig.queues.reset(), "no memory of the guest's is in it");
        open.countDown();
    }

    @Test
    void shouldTakeCommandsAgainAfterMoreThanItHasRoomForWereWithdrawn() throws Exception {
        open(BYTES, 512);
        CountDownLatch entered = new CountDownLatch(4);
        CountDownLatch open = new CountDownLatch(1);
        file.hang("read", entered, open);
        for (int i = 0; i < 200; i++) {
            rig.submit(NvmOpcode.READ, 8L * i, 8, 0);
        }
        while (entered.getCount() > 0) {
            rig.step();
        }
        assertFalse(rig.queues.deleteSubmissionQueue(1));
        open.countDown();
        while (!rig.queues.deleteSubmissionQueue(1)) {
            rig.step();
        }
        rig.reopenQueue();
        assertArrayEquals(new byte[4096], rig.read(0, 8));
    }

    @Test
    void shouldWakeThePollerForEachEnd() throws Exception {
        open(BYTES, 512);
        for (int i = 0; i < 100; i++) {
            wakes.drainPermits();
            int cid = rig.submit(NvmOpcode.READ, 0, 8, 0);
            rig.step();
            while (!rig.hasEnded(cid)) {
                assertTrue(wakes.tryAcquire(60, TimeUnit.SECONDS), "nobody wakes the poller");
                rig.step();
            }
        }
    }

    @Test
    void shouldAllocateNothingPerCommandOnThePoller() throws Exception {
        open(1 << 20, 512);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long self = Thread.currentThread().threadId();
        long allocated = Long.MAX_VALUE;

        // When the JIT is done depends on how busy the machine is: the state is steady once a batch allocates nothing.
        for (int batch = 0; batch < 1500 && allocated > 0; batch++) {
            long before = threads.getThreadAllocatedBytes(self);
            for (int i = 0; i < 1_000; i++) {
                int opcode = OPCODES[i % OPCODES.length];
                int cid = rig.submit(opcode, i % 1000, 1 + (i & 15), 0);
                while (!rig.hasEnded(cid)) {
                    rig.step();
                }
            }
            allocated = threads.getThreadAllocatedBytes(self) - before;
        }

        assertEquals(0, allocated, "bytes for 1,000 commands");
    }
}

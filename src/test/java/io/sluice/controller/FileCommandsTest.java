package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.mem.Memory;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import io.sluice.storage.ScriptedFile;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Compare, Verify, Copy, and Compare and Write of a drive in a file: failures, order, what is durable, and cancellation. */
@Timeout(300) // a hang, not a measure
class FileCommandsTest {
    private static final int BYTES = 64 << 20;
    private static final byte[] ONES = StorageRig.filled(4096, 1);
    private static final byte[] TWOS = StorageRig.filled(4096, 2);

    @TempDir
    private Path folder;

    private final StorageFiles files = new StorageFiles();
    private final CountDownLatch open = new CountDownLatch(1);
    private ScriptedFile file;
    private StorageRig rig;

    @BeforeEach
    void openFile() throws Exception {
        rig = new StorageRig(files.open(folder, new Namespace(1, BYTES / 512, 512, 0, 0, 0, false)));
        file = files.file();
        rig.write(0, 8, ONES);
    }

    @AfterEach
    void close() {
        open.countDown();
        rig.close();
    }

    /** Lets calls at one place of the file hang. Returns what says that one does. */
    private CountDownLatch hang(String hanging, long lba) {
        CountDownLatch entered = new CountDownLatch(1);
        file.script((call, offset) -> {
            if (call.equals(hanging) && offset == lba * 512) {
                entered.countDown();
                ScriptedFile.await(open);
            }
        });
        return entered;
    }

    private void await(CountDownLatch entered) throws LinuxException {
        rig.step();
        ScriptedFile.await(entered);
    }

    private void assertPutOff(int cid) {
        for (int i = 0; i < 100; i++) {
            rig.step();
            LockSupport.parkNanos(100_000); // if it had been begun it would have ended
        }
        assertFalse(rig.hasEnded(cid));
    }

    // ---- failures

    @Test
    void shouldTellWhichPartOfACopyFailed() {
        file.fail("read", Errno.EIO);
        rig.assertEnds(Status.UNRECOVERED_READ_ERROR, rig.copy(100, false, new long[] {0, 8}));
        file.fail("write", Errno.EIO);
        rig.assertEnds(Status.WRITE_FAULT, rig.copy(100, false, new long[] {0, 8}));
        file.fail("write", Errno.ENOSPC);
        rig.assertEnds(Status.CAPACITY_EXCEEDED, rig.copy(100, false, new long[] {0, 8}));
        file.script((call, offset) -> {
            if (call.equals("write") && offset >= 104 * 512) {
                throw new LinuxException(call, "of a test", Errno.ENOSPC);
            }
        });
        int cid = rig.copy(100, false, new long[] {0, 4}, new long[] {4, 4});
        rig.assertEnds(Status.CAPACITY_EXCEEDED, cid);
        assertEquals(1, rig.result(cid));
        assertArrayEquals(StorageRig.filled(2048, 1), rig.read(100, 4), "what was copied before");
    }

    @Test
    void shouldFailComparesAndVerifiesOfBlocksThatCannotBeRead() throws Exception {
        file.fail("read", Errno.EIO);
        rig.assertEnds(Status.UNRECOVERED_READ_ERROR, rig.submit(NvmOpcode.VERIFY, 0, 8, 0));
        rig.assertEnds(Status.UNRECOVERED_READ_ERROR, rig.submit(NvmOpcode.COMPARE, 0, 8, 0));
        file.fail("nothing", 0);
        rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.VERIFY, 8, 8, 0));
        try (var channel = FileChannel.open(folder.resolve("disk.img"), StandardOpenOption.WRITE)) {
            channel.truncate(4096);
        }
        rig.assertEnds(Status.UNRECOVERED_READ_ERROR, rig.submit(NvmOpcode.VERIFY, 8, 8, 0));
        rig.assertEnds(Status.UNRECOVERED_READ_ERROR, rig.submit(NvmOpcode.COMPARE, 8, 8, 0));
        rig.assertEnds(Status.WRITE_FAULT, rig.copy(0, false, new long[] {8, 8}));
    }

    @Test
    void shouldLetTheKernelFindThatComparedMemoryIsGone() {
        rig.takeMemoryFrom(2);
        rig.assertEnds(Status.DATA_TRANSFER_ERROR, rig.submit(NvmOpcode.COMPARE, 0, 8, 2));
        int cid = rig.compareAndWrite(0, 8, 2, 0);
        rig.assertEnds(Status.DATA_TRANSFER_ERROR, cid);
        rig.assertEnds(Status.ABORTED_FAILED_FUSED, cid + 1);
        cid = rig.compareAndWrite(0, 8, 0, 2);
        rig.assertEnds(Status.SUCCESS, cid);
        rig.assertEnds(Status.DATA_TRANSFER_ERROR, cid + 1);
        assertArrayEquals(ONES, rig.read(0, 8));
    }

    @Test
    void shouldTellWhichOfTwoFusedCommandsFailed() {
        Memory.copyIn(TWOS, 0, rig.buffer(2), TWOS.length);
        file.fail("read", Errno.EIO);
        int cid = rig.compareAndWrite(0, 8, 0, 2);
        rig.assertEnds(Status.UNRECOVERED_READ_ERROR, cid);
        rig.assertEnds(Status.ABORTED_FAILED_FUSED, cid + 1);
        file.fail("write", Errno.ENOSPC);
        cid = rig.compareAndWrite(0, 8, 0, 2);
        rig.assertEnds(Status.SUCCESS, cid);
        rig.assertEnds(Status.CAPACITY_EXCEEDED, cid + 1);
        file.fail("nothing", 0);
        assertArrayEquals(ONES, rig.read(0, 8));
    }

    // ---- what is durable

    @Test
    void shouldSyncAfterAForcedCopyAndBeforeAForcedCompare() {
        rig.assertEnds(Status.SUCCESS, rig.copy(100, true, new long[] {0, 4}, new long[] {4, 4}));
        rig.assertEnds(Status.SUCCESS, rig.submitForced(NvmOpcode.COMPARE, 0, 8, 0));
        rig.assertEnds(Status.SUCCESS, rig.submitForced(NvmOpcode.VERIFY, 0, 8, 0));
        assertEquals(
                List.of("write", "read", "write", "read", "write", "sync", "sync", "read", "sync", "read"),
                file.calls());
    }

    // ---- order

    @Test
    void shouldPutOffWritesToWhatACopyReadsAndAllToWhatItWrites() throws Exception {
        CountDownLatch entered = hang("write", 1000);
        int copy = rig.copy(1000, false, new long[] {0, 8}, new long[] {64, 8});
        await(entered);
        rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.READ, 0, 8, 1));
        rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.WRITE, 8, 8, 0));
        rig.assertEnds(Status.SUCCESS, rig.copy(2000, false, new long[] {60, 8}));
        rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.READ, 1016, 8, 1));
        int write = rig.submit(NvmOpcode.WRITE, 71, 1, 0);
        assertPutOff(write);
        open.countDown();
        rig.assertEnds(Status.SUCCESS, copy);
        rig.assertEnds(Status.SUCCESS, write);
    }

    @Test
    void shouldPutOffAReadOfWhatACopyWrites() throws Exception {
        CountDownLatch entered = hang("write", 1000);
        int copy = rig.copy(1000, false, new long[] {0, 8}, new long[] {64, 8});
        await(entered);
        int read = rig.submit(NvmOpcode.READ, 1015, 1, 1);
        assertPutOff(read);
        open.countDown();
        rig.assertEnds(Status.SUCCESS, copy);
        rig.assertEnds(Status.SUCCESS, read);
    }

    @Test
    void shouldPutOffACopyFromBlocksThatAreBeingWritten() throws Exception {
        CountDownLatch entered = hang("write", 16);
        int write = rig.submit(NvmOpcode.WRITE, 16, 8, 0);
        await(entered);
        int copy = rig.copy(1000, false, new long[] {0, 8}, new long[] {23, 1});
        assertPutOff(copy);
        open.countDown();
        rig.assertEnds(Status.SUCCESS, write);
        rig.assertEnds(Status.SUCCESS, copy);
        assertArrayEquals(StorageRig.filled(512, 1), rig.read(1008, 1));
    }

    @Test
    void shouldPutOffWritesBetweenACompareAndItsWrite() throws Exception {
        Memory.copyIn(TWOS, 0, rig.buffer(2), TWOS.length);
        CountDownLatch entered = hang("write", 0);
        int fused = rig.compareAndWrite(0, 8, 0, 2);
        await(entered);
        int write = rig.submit(NvmOpcode.WRITE, 7, 1, 0);
        assertPutOff(write);
        open.countDown();
        rig.assertEnds(Status.SUCCESS, fused);
        rig.assertEnds(Status.SUCCESS, fused + 1);
        rig.assertEnds(Status.SUCCESS, write);
        assertArrayEquals(StorageRig.filled(512, 2), rig.read(6, 1));
        assertArrayEquals(StorageRig.filled(512, 1), rig.read(7, 1));
    }

    // ---- the end of a queue

    @Test
    void shouldEndALongCopyAfterTheStepThatItIsAt() throws Exception {
        CountDownLatch entered = hang("write", 65_536);
        int copy = rig.copy(65_536, false, new long[] {0, 32_768}, new long[] {32_768, 32_768});
        await(entered);
        assertFalse(rig.queues.deleteSubmissionQueue(1));
        open.countDown();
        while (!rig.queues.deleteSubmissionQueue(1)) {
            rig.step();
        }
        rig.assertEnds(Status.ABORTED_SQ_DELETION, copy);
        int chunksOfAStep = 16;
        assertEquals(
                1 + chunksOfAStep, Collections.frequency(file.calls(), "write"), "one before, and those of a step");
    }

    @Test
    void shouldEndFusedCommandsThatNobodyHasBegunWithTheirQueue() throws Exception {
        CountDownLatch entered = new CountDownLatch(4);
        file.hang("read", entered, open);
        int[] reads = new int[4];
        for (int i = 0; i < reads.length; i++) {
            reads[i] = rig.submit(NvmOpcode.READ, 8L * i, 8, 0);
        }
        await(entered);
        int fused = rig.compareAndWrite(100, 8, 0, 2);
        rig.step();
        assertFalse(rig.queues.deleteSubmissionQueue(1));
        assertTrue(rig.hasEnded(fused) && rig.hasEnded(fused + 1), "they wait for a worker");
        rig.assertEnds(Status.ABORTED_SQ_DELETION, fused);
        rig.assertEnds(Status.ABORTED_SQ_DELETION, fused + 1);
        open.countDown();
        while (!rig.queues.deleteSubmissionQueue(1)) {
            rig.step();
        }
        rig.reopenQueue();
        rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.READ, 100, 8, 0));
        assertFalse(file.calls().stream().skip(1).anyMatch(call -> call.equals("write")));
    }

    @Test
    void shouldTakeMoreCopiesThanMayBePending() {
        int[] cids = new int[20];
        for (int i = 0; i < cids.length; i++) {
            cids[i] = rig.copy(1000 + 8L * i, false, new long[] {0, 8});
        }
        for (int cid : cids) {
            rig.assertEnds(Status.SUCCESS, cid);
        }
        assertArrayEquals(ONES, rig.read(1000 + 8 * 19, 8));
    }
}

package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Errno;
import io.sluice.mem.Memory;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import io.sluice.storage.BackingFile;
import io.sluice.storage.FileStorage;
import io.sluice.storage.ManyStorages;
import io.sluice.storage.MemoryStorage;
import io.sluice.storage.NoopStorage;
import io.sluice.storage.ScriptedFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Three namespaces: in memory, and in two files. */
@Timeout(120) // a hang, not a measure
class ManyStoragesTest {
    private static final int BLOCKS = 2048;
    private static final int MAX_NSID = 16;

    @TempDir
    private Path folder;

    private final Semaphore wakes = new Semaphore(0);
    private final CountDownLatch entered = new CountDownLatch(1);
    private final CountDownLatch open = new CountDownLatch(1);
    private ScriptedFile second;
    private ScriptedFile third;
    private StorageRig rig;

    @BeforeEach
    void openAll() throws IOException {
        second = file("second.img");
        third = file("third.img");
        rig = new StorageRig(new ManyStorages(
                List.of(
                        new MemoryStorage(namespace(1)),
                        new FileStorage(namespace(2), second, wakes::release),
                        new FileStorage(namespace(3), third, wakes::release)),
                MAX_NSID));
    }

    private static Namespace namespace(int nsid) {
        return new Namespace(nsid, BLOCKS, 512, 0, nsid, 0, false);
    }

    private ScriptedFile file(String name) throws IOException {
        return new ScriptedFile(
                BackingFile.open(folder.resolve(name), OptionalLong.of(BLOCKS * 512L), OptionalInt.empty(), false));
    }

    @AfterEach
    void close() {
        open.countDown();
        rig.close();
    }

    @Test
    void shouldGiveEachCommandToItsOwnNamespace() {
        for (int nsid = 1; nsid <= 3; nsid++) {
            Memory.fill(rig.buffer(0), 512, (byte) nsid);
            rig.assertEnds(Status.SUCCESS, rig.submitTo(nsid, NvmOpcode.WRITE, 7, 1, 0));
        }
        for (int nsid = 1; nsid <= 3; nsid++) {
            rig.assertEnds(Status.SUCCESS, rig.submitTo(nsid, NvmOpcode.READ, 7, 1, 1));
            assertEquals(nsid, Memory.getByte(rig.buffer(1)));
        }
        assertEquals(3, rig.path.namespaces().size());
        rig.assertEnds(Status.INVALID_FIELD, rig.submitTo(4, NvmOpcode.READ, 7, 1, 1));
        rig.assertEnds(Status.INVALID_FIELD, rig.submitTo(MAX_NSID, NvmOpcode.READ, 7, 1, 1));
        rig.assertEnds(Status.INVALID_NAMESPACE_OR_FORMAT, rig.submitTo(MAX_NSID + 1, NvmOpcode.READ, 7, 1, 1));
    }

    @Test
    void shouldFlushAllNamespacesAndNotEndBeforeTheLast() throws Exception {
        third.hang("sync", entered, open);
        int flush = rig.flushAll();
        rig.step();
        ScriptedFile.await(entered);
        while (second.calls().isEmpty()) {
            rig.step();
        }
        int later = rig.flushAll();
        rig.step();
        assertFalse(rig.hasEnded(flush));

        open.countDown();

        rig.assertEnds(Status.SUCCESS, flush);
        rig.assertEnds(Status.SUCCESS, later);
        assertEquals(List.of("sync", "sync"), second.calls());
        assertEquals(List.of("sync", "sync"), third.calls());
    }

    @Test
    void shouldFailAFlushOfAllWhereOneFails() {
        second.fail("sync", Errno.EIO);
        rig.assertEnds(Status.WRITE_FAULT, rig.flushAll());
        rig.assertEnds(Status.WRITE_FAULT, rig.flushAll());
        assertEquals(List.of("sync", "sync"), third.calls());
    }

    @Test
    void shouldGoOnWithOthersWhileOneHangs() throws Exception {
        second.hang("read", entered, open);
        int hanging = rig.submitTo(2, NvmOpcode.READ, 0, 1, 0);
        rig.step();
        ScriptedFile.await(entered);
        rig.assertEnds(Status.SUCCESS, rig.submitTo(3, NvmOpcode.WRITE, 0, 1, 1));
        rig.assertEnds(Status.SUCCESS, rig.submitTo(1, NvmOpcode.READ, 0, 1, 1));
        rig.assertEnds(Status.SUCCESS, rig.flushAll());
        assertFalse(rig.hasEnded(hanging));
        open.countDown();
        rig.assertEnds(Status.SUCCESS, hanging);
    }

    @Test
    void shouldEndFlushesOfAllWhenTheControllerIsReset() throws Exception {
        third.hang("sync", entered, open);
        rig.flushAll();
        rig.flushAll();
        rig.step();
        ScriptedFile.await(entered);
        assertTrue(rig.queues.reset());
        open.countDown();
    }

    @Test
    void shouldSettleEachOnce() throws Exception {
        while (!rig.path.settle()) {
            assertTrue(wakes.tryAcquire(60, TimeUnit.SECONDS), "nobody wakes the poller");
        }
        assertEquals(List.of("sync"), second.calls());
        assertEquals(List.of("sync"), third.calls());
    }

    /** What all of them can do. */
    @Test
    void shouldOfferInADriveOfMemoryAndFilesWhatBothCanDo() {
        for (int nsid = 1; nsid <= 3; nsid++) {
            rig.assertEnds(Status.SUCCESS, rig.submitTo(nsid, NvmOpcode.COMPARE, 0, 8, 0));
            rig.assertEnds(Status.SUCCESS, rig.submitTo(nsid, NvmOpcode.VERIFY, 0, 8, 0));
            rig.assertEnds(Status.SUCCESS, rig.submitTo(nsid, NvmOpcode.WRITE_UNCORRECTABLE, 50, 8, 0));
            rig.assertEnds(Status.UNRECOVERED_READ_ERROR, rig.submitTo(nsid, NvmOpcode.READ, 57, 1, 0));
            assertEquals(128, rig.path.traits(nsid).copy().ranges());
        }
        rig.assertEnds(Status.SUCCESS, rig.copy(100, false, new long[] {0, 8}));
        int fused = rig.compareAndWrite(0, 8, 0, 0);
        rig.assertEnds(Status.SUCCESS, fused);
        rig.assertEnds(Status.SUCCESS, fused + 1);
    }

    @Test
    void shouldRefuseTwoOfOneIdentifierAndOneBeyondTheLargest() throws IOException {
        try (MemoryStorage other = new MemoryStorage(namespace(2))) {
            assertThrows(IllegalArgumentException.class, () -> new ManyStorages(List.of(other, other), MAX_NSID));
            assertThrows(IllegalArgumentException.class, () -> new ManyStorages(List.of(other), 1));
        }
    }

    private ManyStorages drive() {
        return (ManyStorages) rig.path;
    }

    @Test
    void shouldTakeAStorageThatComesLaterAndLetItGoAgain() throws Exception {
        FileStorage later = new FileStorage(namespace(7), file("later.img"), wakes::release);
        assertEquals("", drive().refusal(later));
        drive().attach(later);
        assertThrows(IllegalStateException.class, () -> drive().attach(later));
        rig.queues.renewNamespaces();
        Memory.fill(rig.buffer(0), 512, (byte) 77);
        rig.assertEnds(Status.SUCCESS, rig.submitTo(7, NvmOpcode.WRITE, BLOCKS - 1, 1, 0));
        rig.assertEnds(Status.SUCCESS, rig.submitTo(7, NvmOpcode.READ, BLOCKS - 1, 1, 1));
        assertEquals(77, Memory.getByte(rig.buffer(1)));
        rig.assertEnds(Status.LBA_OUT_OF_RANGE, rig.submitTo(7, NvmOpcode.READ, BLOCKS, 1, 1));

        rig.queues.limitNamespace(7, 0);
        rig.assertEnds(Status.INVALID_FIELD, rig.submitTo(7, NvmOpcode.READ, 0, 1, 1));
        while (!drive().isReadyToLeave(7)) {
            assertTrue(wakes.tryAcquire(60, TimeUnit.SECONDS), "nobody wakes the poller");
        }
        drive().detach(7);
        later.close();
        rig.queues.renewNamespaces();
        rig.assertEnds(Status.INVALID_FIELD, rig.submitTo(7, NvmOpcode.READ, 0, 1, 1));
        rig.assertEnds(Status.SUCCESS, rig.submitTo(3, NvmOpcode.READ, 0, 1, 1));
        assertEquals(3, rig.path.namespaces().size());
    }

    @Test
    void shouldFlushAllWhileOneComesAndOneGoes() throws Exception {
        rig.assertEnds(Status.SUCCESS, rig.flushAll());
        rig.assertEnds(Status.SUCCESS, rig.flushAll());
        third.hang("sync", entered, open);
        int flush = rig.flushAll();
        rig.step();
        ScriptedFile.await(entered);
        IoPath gone = drive().storage(2);
        drive().detach(2);
        FileStorage next = new FileStorage(namespace(2), file("next.img"), wakes::release);
        drive().attach(next);
        rig.queues.renewNamespaces();
        rig.step();
        assertFalse(rig.hasEnded(flush));

        open.countDown();

        rig.assertEnds(Status.SUCCESS, flush); // the new one has flushed nothing yet, and is not waited for
        rig.assertEnds(Status.SUCCESS, rig.flushAll());
        gone.close();
    }

    @Test
    void shouldRefuseAStorageThatOffersLessThanTheGuestWasTold() throws IOException {
        try (ManyStorages memory = new ManyStorages(List.of(new MemoryStorage(namespace(1))), MAX_NSID)) {
            String refusal = memory.refusal(new NoopStorage(namespace(2)));
            assertTrue(refusal.contains("has no Write Uncorrectable, which the drive offers its guest"), refusal);
        }
    }

    /** A block device has no place for marks; a file does, and may come to a drive in memory. */
    @Test
    void shouldOfferWriteUncorrectableWhereThereIsAPlaceForMarks() throws IOException {
        ScriptedFile likeADevice = file("device.img");
        likeADevice.keepNoMarks();
        try (ManyStorages memory = new ManyStorages(List.of(new MemoryStorage(namespace(1))), MAX_NSID);
                FileStorage inFile = new FileStorage(namespace(2), file("later.img"), wakes::release);
                FileStorage onDevice = new FileStorage(namespace(2), likeADevice, wakes::release)) {
            assertEquals("", memory.refusal(inFile));
            String refusal = memory.refusal(onDevice);
            assertTrue(refusal.contains("has no Write Uncorrectable, which the drive offers its guest"), refusal);
        }
    }
}

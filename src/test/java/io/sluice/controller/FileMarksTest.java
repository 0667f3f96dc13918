package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Errno;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import io.sluice.storage.FileStorage;
import io.sluice.storage.ScriptedFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Write Uncorrectable of a drive in a file: NVMe 1.4, 6.16. */
@Timeout(300) // a hang, not a measure
class FileMarksTest {
    private static final int BYTES = 8 << 20;
    private static final int[] READING = {NvmOpcode.READ, NvmOpcode.COMPARE, NvmOpcode.VERIFY};
    private static final byte[] ONES = StorageRig.filled(4096, 1);

    @TempDir
    private Path folder;

    private final StorageFiles files = new StorageFiles();
    private ScriptedFile file;
    private StorageRig rig;
    private Path beside;

    @BeforeEach
    void openFile() throws Exception {
        beside = folder.resolve("disk.img.uncorrectable");
        open(512);
        rig.write(8, 8, ONES);
    }

    private void open(int blockBytes) throws IOException {
        rig = new StorageRig(files.open(folder, new Namespace(1, BYTES / blockBytes, blockBytes, 0, 0, 0, false)));
        file = files.file();
    }

    @AfterEach
    void close() {
        rig.close();
    }

    /** As after a kill: nothing is flushed or saved at the end. */
    private void reopen(int blockBytes) throws Exception {
        rig.close();
        open(blockBytes);
    }

    private void spoil(long slba, int blocks) {
        rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.WRITE_UNCORRECTABLE, slba, blocks, 0));
    }

    private void assertBad(long slba, int blocks) {
        for (int opcode : READING) {
            rig.assertEnds(Status.UNRECOVERED_READ_ERROR, rig.submit(opcode, slba, blocks, 2));
        }
    }

    private void assertGood(long slba, int blocks) {
        rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.VERIFY, slba, blocks, 0));
        rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.READ, slba, blocks, 2));
        rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.COMPARE, slba, blocks, 2));
    }

    @Test
    void shouldFailReadsOfUncorrectableBlocksUntilEachIsWritten() throws Exception {
        spoil(10, 4);
        for (int life = 0; life < 2; life++) {
            assertBad(8, 8);
            assertBad(10, 1);
            assertBad(13, 1);
            assertGood(8, 2);
            assertGood(14, 2);
            reopen(512);
        }
        rig.write(10, 1, StorageRig.filled(512, 2));
        rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.WRITE_ZEROES, 11, 1, 0));
        rig.assertEnds(Status.SUCCESS, rig.copy(12, false, new long[] {8, 1}));
        for (int life = 0; life < 2; life++) {
            assertBad(8, 8);
            assertGood(8, 5);
            reopen(512);
        }
        rig.assertEnds(Status.SUCCESS, rig.deallocate(new long[] {8, 8}));
        assertFalse(Files.exists(beside), "nothing is marked any more");
        for (int life = 0; life < 2; life++) {
            assertArrayEquals(new byte[4096], rig.read(8, 8));
            reopen(512);
        }
    }

    @Test
    void shouldSaveMarksAfterWhatWasWrittenIsSafeAndBeforeTheCommandEnds() {
        List<String> before = file.calls();
        spoil(10, 4);
        rig.write(12, 1, StorageRig.filled(512, 2));
        rig.write(12, 1, StorageRig.filled(512, 2));
        List<String> after = file.calls();
        assertEquals(
                List.of("sync", "marks", "write", "sync", "marks", "write"),
                after.subList(before.size(), after.size()));
    }

    @Test
    void shouldNotEndBeforeMarksAreSaved() throws Exception {
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch open = new CountDownLatch(1);
        file.hang("marks", entered, open);
        int mark = rig.submit(NvmOpcode.WRITE_UNCORRECTABLE, 10, 1, 0);
        rig.step();
        ScriptedFile.await(entered);
        int write = rig.submit(NvmOpcode.WRITE, 10, 1, 0);
        rig.step();
        assertFalse(rig.hasEnded(mark));
        assertFalse(rig.hasEnded(write));
        open.countDown();
        rig.assertEnds(Status.SUCCESS, mark);
        rig.assertEnds(Status.SUCCESS, write);
        assertGood(10, 1);
    }

    @Test
    void shouldFailWhatChangesMarksThatCannotBeSavedAndNothingElse() throws Exception {
        spoil(10, 1);
        file.fail("marks", Errno.ENOSPC);
        rig.assertEnds(Status.WRITE_FAULT, rig.submit(NvmOpcode.WRITE_UNCORRECTABLE, 20, 1, 0));
        rig.assertEnds(Status.WRITE_FAULT, rig.submit(NvmOpcode.WRITE, 10, 1, 0));
        rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.WRITE, 30, 1, 0));
        rig.assertEnds(Status.SUCCESS, rig.flush());
        reopen(512);
        assertBad(10, 1);
        assertGood(20, 1);
    }

    /** The next sync saves what could not be saved before. */
    @Test
    void shouldSaveMarksLater() throws Exception {
        file.fail("marks", Errno.EIO);
        rig.assertEnds(Status.WRITE_FAULT, rig.submit(NvmOpcode.WRITE_UNCORRECTABLE, 20, 1, 0));
        file.fail("nothing", 0);
        rig.assertEnds(Status.SUCCESS, rig.flush());
        reopen(512);
        assertBad(20, 1);
    }

    @Test
    void shouldCopyRangesUpToOneThatCannotBeRead() throws Exception {
        spoil(15, 1);
        spoil(100, 8);
        int copy = rig.copy(100, false, new long[] {8, 4}, new long[] {12, 4});
        rig.assertEnds(Status.UNRECOVERED_READ_ERROR, copy);
        assertEquals(1, rig.result(copy));
        for (int life = 0; life < 2; life++) {
            assertArrayEquals(StorageRig.filled(2048, 1), rig.read(100, 4));
            assertBad(104, 4);
            reopen(512);
        }
    }

    @Test
    void shouldNotCompareAndWriteWhatCannotBeRead() {
        spoil(15, 1);
        int cid = rig.compareAndWrite(8, 8, 0, 0);
        rig.assertEnds(Status.UNRECOVERED_READ_ERROR, cid);
        rig.assertEnds(Status.ABORTED_FAILED_FUSED, cid + 1);
        assertBad(15, 1);
    }

    /** Where no holes can be made, nothing is deallocated. */
    @Test
    void shouldKeepMarksOfWhatIsNotDeallocated() {
        spoil(10, 1);
        file.fail("punch", Errno.EOPNOTSUPP);
        rig.assertEnds(Status.SUCCESS, rig.deallocate(new long[] {8, 8}));
        assertBad(10, 1);
    }

    @Test
    void shouldMarkWhatIsTouchedWhereBlocksAreOfAnotherSize() throws Exception {
        spoil(15, 2);
        reopen(4096);
        assertGood(0, 1);
        assertBad(1, 1);
        assertBad(2, 1);
        assertGood(3, 1);
    }

    @Test
    void shouldForgetMarksBehindAnEndThatComesNearer() throws Exception {
        spoil(100, 8);
        FileStorage storage = (FileStorage) rig.path;
        storage.setBlockCount(104);
        storage.giveBack(104 * 512);
        storage.makeRoom(BYTES);
        storage.setBlockCount(BYTES / 512);
        rig.assertEnds(Status.SUCCESS, rig.flush());
        for (int life = 0; life < 2; life++) {
            assertBad(100, 4);
            assertGood(104, 4);
            reopen(512);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 8, 12, 16, 24, 32, 35})
    void shouldRefuseAFileOfMarksThatIsDamaged(int at) throws Exception {
        spoil(100, 8);
        rig.close();
        byte[] good = Files.readAllBytes(beside);
        byte[] damaged = good.clone();
        damaged[at] ^= 0x40;
        Files.write(beside, damaged);
        assertRefused();
        Files.write(beside, Arrays.copyOf(good, good.length - 1));
        assertRefused();
        Files.write(beside, Arrays.copyOf(good, good.length + 1));
        assertRefused();
        Files.write(beside, new byte[0]);
        assertRefused();
        Files.write(beside, good);
        open(512);
        assertBad(100, 8);
    }

    private void assertRefused() {
        String refusal = assertThrows(IOException.class, () -> open(512)).getMessage();
        assertTrue(refusal.startsWith(beside + " is ") && refusal.contains("or remove it"), refusal);
    }

    /** Marks of a file that somebody has removed are not those of the next one of its name. */
    @Test
    void shouldForgetMarksOfAFileThatIsMadeAnew() throws Exception {
        spoil(100, 8);
        rig.close();
        Files.delete(folder.resolve("disk.img"));
        open(512);
        assertGood(100, 8);
    }

    @Test
    void shouldHoldWhatAModelHoldsUnderRandomCommandsAndRestarts() throws Exception {
        long seed = Long.getLong("sluice.seed", System.nanoTime());
        System.out.println("FileMarksTest seed " + seed);
        Random random = new Random(seed);
        boolean[] bad = new boolean[256];
        for (int i = 0; i < 600; i++) {
            int blocks = 1 + random.nextInt(16);
            int slba = random.nextInt(bad.length - blocks);
            int kind = random.nextInt(4);
            switch (kind) {
                case 0 -> spoil(slba, blocks);
                case 1 -> rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.WRITE, slba, blocks, 0));
                case 2 -> rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.WRITE_ZEROES, slba, blocks, 0));
                default -> rig.assertEnds(Status.SUCCESS, rig.deallocate(new long[] {slba, blocks}));
            }
            Arrays.fill(bad, slba, slba + blocks, kind == 0);
            if (i % 50 == 49) {
                reopen(512);
            }
            int at = random.nextInt(bad.length);
            int cid = rig.submit(NvmOpcode.READ, at, 1, 2);
            rig.assertEnds(bad[at] ? Status.UNRECOVERED_READ_ERROR : Status.SUCCESS, cid);
        }
    }
}

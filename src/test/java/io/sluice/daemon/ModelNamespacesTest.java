package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.controller.Namespace;
import io.sluice.device.Loopback;
import io.sluice.dma.IovaAllocator;
import io.sluice.host.DmaArea;
import io.sluice.host.DriverOptions;
import io.sluice.host.NamespaceChange;
import io.sluice.host.NamespaceInfo;
import io.sluice.host.QueuePair;
import io.sluice.mem.Memory;
import io.sluice.nvme.Status;
import io.sluice.storage.BackingFile;
import io.sluice.storage.FileStorage;
import io.sluice.storage.ManyStorages;
import io.sluice.storage.ScriptedFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Namespaces come, go and change their size under a driver that uses the drive. */
@Timeout(120) // a hang, not a measure
class ModelNamespacesTest {
    private static final int BLOCK = 512;
    private static final long MIB = 1 << 20;

    @TempDir
    private Path folder;

    private SoftwareModel model;
    private NvmeSession session;
    private DmaArea area;
    private final List<NamespaceChange> heard = new ArrayList<>();

    @BeforeEach
    void start() throws IOException {
        start(memory(1), memory(2));
    }

    private void start(Medium... media) throws IOException {
        drive(SoftwareModel.start("LIVE", new DriveOptions(List.of(media), "LIVE-1", 2)));
    }

    private void drive(SoftwareModel started) throws IOException {
        model = started;
        session = NvmeSession.start(
                new Loopback(model.function()),
                List.of(new IovaAllocator.Range(0, 0xffff_ffff_ffffL)),
                DriverOptions.polled(2, 32),
                () -> {});
        session.driver().listenForNamespaces(heard::add);
        session.driver().supervise(System.nanoTime()); // asks for events, of which there are none before
        area = session.driver().allocate("data", 64L * BLOCK);
    }

    private void restart(Medium... media) throws IOException {
        stop();
        start(media);
    }

    @AfterEach
    void stop() {
        session.close();
        model.close();
    }

    private static Medium memory(long mib) {
        return new Medium.Memory(mib * MIB, BLOCK);
    }

    private Medium file(String name, long mib) {
        return new Medium.File(folder.resolve(name), OptionalLong.of(mib * MIB), OptionalInt.of(BLOCK), false);
    }

    /** The driver's own supervision hears of events. */
    private NamespaceChange awaitChange() throws InterruptedException {
        while (heard.isEmpty()) {
            session.driver().supervise(System.nanoTime());
            Thread.sleep(1);
        }
        return heard.removeFirst();
    }

    private int run(int queue, BooleanSupplier submission) throws IOException {
        QueuePair pair = session.driver().queuePairs().get(queue);
        assertTrue(submission.getAsBoolean());
        pair.ring();
        long[] ended = {-1};
        while (ended[0] < 0) {
            pair.poll((token, status, dw0) -> ended[0] = status, 1);
        }
        return (int) ended[0];
    }

    private int write(int nsid, long lba, int fill) throws IOException {
        Memory.fill(area.address(), BLOCK, (byte) fill);
        return run(0, () -> session.driver().queuePairs().get(0).write(nsid, lba, 1, area.iova(), BLOCK, 0));
    }

    private int read(int nsid, long lba) throws IOException {
        Memory.fill(area.address(), BLOCK, (byte) 0xee);
        return run(0, () -> session.driver().queuePairs().get(0).read(nsid, lba, 1, area.iova(), BLOCK, 0));
    }

    private static void assertEnds(Status expected, int status) {
        assertEquals(expected, Status.of(status), () -> Status.describe(status));
    }

    private void assertReads(int fill, int nsid, long lba) throws IOException {
        assertEquals(Status.OK, read(nsid, lba));
        byte[] found = new byte[BLOCK];
        byte[] expected = new byte[BLOCK];
        Arrays.fill(expected, (byte) fill);
        for (int i = 0; i < BLOCK; i++) {
            found[i] = Memory.getByte(area.address() + i);
        }
        assertArrayEquals(expected, found);
    }

    @Test
    void shouldTellTheHostOfANamespaceThatComesAndOneThatGoes() throws Exception {
        model.namespaces().attach(5, memory(3));

        NamespaceInfo come = awaitChange().after();
        assertEquals(5, come.nsid());
        assertEquals(3 * MIB / BLOCK, come.blockCount());
        assertEquals(Status.OK, write(5, 3 * MIB / BLOCK - 1, 55));
        assertReads(55, 5, 3 * MIB / BLOCK - 1);
        assertEnds(Status.LBA_OUT_OF_RANGE, read(5, 3 * MIB / BLOCK));

        model.namespaces().detach(2);
        assertEquals(2, awaitChange().before().nsid());
        assertEnds(Status.INVALID_FIELD, read(2, 0));
        assertEquals(
                List.of(1, 5),
                model.namespaces().list().stream()
                        .map(namespace -> namespace.nsid())
                        .toList());
        assertEquals(
                List.of(1, 5),
                session.driver().namespaces().stream().map(NamespaceInfo::nsid).toList());

        model.namespaces().attach(2, memory(1));
        assertEquals(2, awaitChange().after().nsid());
        assertReads(0, 2, 0);
    }

    @Test
    void shouldKeepAFileThatGoesAsItWas() throws Exception {
        Path path = folder.resolve("kept.img");
        restart(file("first.img", 1));
        model.namespaces().attach(2, file("kept.img", 1));
        assertEquals(Status.OK, write(2, 3, 33));
        IOException locked =
                assertThrows(IOException.class, () -> model.namespaces().attach(3, file("kept.img", 1)));
        assertTrue(locked.getMessage().contains("is locked by"), locked.getMessage());

        model.namespaces().detach(2);

        byte[] content = Files.readAllBytes(path);
        assertEquals(MIB, content.length);
        assertEquals(33, content[3 * BLOCK]);
        model.namespaces().attach(4, file("kept.img", 1));
        assertReads(33, 4, 3);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldKeepWhatIsInsideWhateverSizesANamespaceHas(boolean inFile) throws Exception {
        if (inFile) {
            restart(file("first.img", 1), file("second.img", 2));
        }
        long seed = System.nanoTime();
        System.out.println("ModelNamespacesTest, in a file: " + inFile + ", seed " + seed);
        Random random = new Random(seed);
        int blocks = (int) (2 * MIB / BLOCK);
        int[] expected = new int[8 * blocks];
        AtomicBoolean stop = new AtomicBoolean();
        AtomicBoolean failed = new AtomicBoolean();
        Thread load = Thread.ofPlatform().start(() -> loadFirstNamespace(stop, failed));
        for (int round = 0; round < 100; round++) {
            int next = 1 + random.nextInt(expected.length);
            model.namespaces().resize(2, (long) next * BLOCK);
            Arrays.fill(expected, Math.min(next, blocks), expected.length, 0);
            blocks = next;
            assertEnds(Status.LBA_OUT_OF_RANGE, read(2, blocks));
            for (int i = 0; i < 8; i++) {
                int at = i == 0 ? blocks - 1 : random.nextInt(blocks);
                assertReads(expected[at], 2, at);
                expected[at] = 1 + random.nextInt(100);
                assertEquals(Status.OK, write(2, at, expected[at]));
            }
        }
        stop.set(true);
        load.join();
        assertFalse(failed.get(), "the other namespace");
        for (int at = 0; at < blocks; at++) {
            if (expected[at] != 0) {
                assertReads(expected[at], 2, at);
            }
        }
    }

    /** Writes and reads of namespace 1, all of which must end well, by the second queue. */
    private void loadFirstNamespace(AtomicBoolean stop, AtomicBoolean failed) {
        QueuePair pair = session.driver().queuePairs().get(1);
        long iova = area.iova() + 32L * BLOCK;
        try {
            for (int i = 0; !stop.get(); i++) {
                long lba = i % (MIB / BLOCK);
                boolean write = i % 2 == 0;
                int status = run(
                        1, () -> write ? pair.write(1, lba, 1, iova, BLOCK, 0) : pair.read(1, lba, 1, iova, BLOCK, 0));
                failed.compareAndSet(false, status != Status.OK);
            }
        } catch (IOException e) {
            failed.set(true);
        }
    }

    @Test
    void shouldTellTheHostOfANewSize() throws Exception {
        model.namespaces().resize(2, 5 * MIB);
        assertEquals(5 * MIB / BLOCK, awaitChange().after().blockCount());
        model.namespaces().resize(2, MIB);
        assertEquals(MIB / BLOCK, awaitChange().after().blockCount());
    }

    private void assertRefused(String expected, Executable change) {
        IOException refusal = assertThrows(IOException.class, change);
        assertTrue(refusal.getMessage().contains(expected), refusal.getMessage());
    }

    @Test
    void shouldRefuseWhatCannotBe() throws Exception {
        ModelNamespaces namespaces = model.namespaces();
        assertRefused("identifiers are 1 to 16", () -> namespaces.attach(0, memory(1)));
        assertRefused("identifiers are 1 to 16", () -> namespaces.attach(17, memory(1)));
        assertRefused("namespace 2 of LIVE is there already: detach it first", () -> namespaces.attach(2, memory(1)));
        assertRefused("there is no namespace 3 in LIVE", () -> namespaces.detach(3));
        assertRefused("there is no namespace 3 in LIVE", () -> namespaces.resize(3, MIB));
        assertRefused("cannot have 513 bytes: it has whole blocks of 512 bytes", () -> namespaces.resize(2, 513));
        assertRefused("cannot have 0 bytes", () -> namespaces.resize(2, 0));
        assertRefused("cannot have -512 bytes", () -> namespaces.resize(2, -512));
        assertRefused(
                "does not exist; give a size",
                () -> namespaces.attach(
                        3, new Medium.File(folder.resolve("none"), OptionalLong.empty(), OptionalInt.empty(), false)));
        assertRefused(
                "which the drive offers its guest. Take a drive of its own",
                () -> namespaces.attach(3, new Medium.Nothing(MIB, BLOCK)));
        assertRefused("mremap", () -> namespaces.resize(2, 1L << 60));
        assertEquals(Status.OK, read(2, 0));
        assertEquals(2, namespaces.list().size());
        assertEquals(2 * MIB, namespaces.list().getLast().bytes());
        assertTrue(heard.isEmpty());
    }

    @Test
    void shouldDetachAllAndGoOn() throws Exception {
        model.namespaces().detach(1);
        model.namespaces().detach(2);
        assertEquals(List.of(), model.namespaces().list());
        assertEnds(Status.INVALID_FIELD, read(1, 0));
        assertEquals(
                Status.OK, run(0, () -> session.driver().queuePairs().get(0).flush(-1, 0)));
        model.namespaces().attach(1, memory(1));
        assertReads(0, 1, 0);
    }

    /** Namespace 1 in a file, whose last block's reads hang until the latch is at zero. */
    private CountDownLatch restartOnAHangingFile(CountDownLatch open) throws IOException {
        stop();
        CountDownLatch entered = new CountDownLatch(1);
        ScriptedFile file = new ScriptedFile(
                BackingFile.open(folder.resolve("hang.img"), OptionalLong.of(2 * MIB), OptionalInt.empty(), false));
        file.script((call, offset) -> {
            if (call.equals("read") && offset == 2 * MIB - BLOCK) {
                entered.countDown();
                ScriptedFile.await(open);
            }
        });
        FileStorage storage = new FileStorage(new Namespace(1, 2 * MIB / BLOCK, BLOCK, 0, 1, 0, false), file, () -> {});
        drive(SoftwareModel.start("LIVE", new ManyStorages(List.of(storage), 2)));
        return entered;
    }

    /** A read of the last block, by the second queue, on a thread of its own; how it ends. */
    private AtomicInteger readTheEnd(CountDownLatch entered) throws Exception {
        AtomicInteger ended = new AtomicInteger(-1);
        QueuePair pair = session.driver().queuePairs().get(1);
        long iova = area.iova() + 32L * BLOCK;
        Thread.ofPlatform().start(() -> {
            try {
                ended.set(run(1, () -> pair.read(1, 2 * MIB / BLOCK - 1, 1, iova, BLOCK, 0)));
            } catch (IOException e) {
                ended.set(-2);
            }
        });
        entered.await();
        return ended;
    }

    @Test
    void shouldCutNothingThatACommandStillReads() throws Exception {
        CountDownLatch open = new CountDownLatch(1);
        AtomicInteger ended = readTheEnd(restartOnAHangingFile(open));
        AtomicBoolean resized = new AtomicBoolean();
        Thread resizing = Thread.ofPlatform().start(() -> {
            try {
                model.namespaces().resize(1, MIB);
                resized.set(true);
            } catch (IOException e) {
                resized.set(false);
            }
        });
        while (!Status.LBA_OUT_OF_RANGE.is(read(1, MIB / BLOCK))) {
            Thread.sleep(1); // the change has not begun
        }
        for (int i = 0; i < 100; i++) {
            assertEquals(Status.OK, read(1, i));
        }
        assertFalse(resized.get());
        assertEquals(2 * MIB, Files.size(folder.resolve("hang.img")));

        open.countDown();

        resizing.join();
        assertTrue(resized.get());
        assertEquals(MIB, Files.size(folder.resolve("hang.img")));
        while (ended.get() == -1) {
            Thread.sleep(1);
        }
        assertEquals(Status.OK, ended.get());
    }

    @Test
    void shouldLeaveANamespaceAsItWasWhoseCommandsDoNotEnd() throws Exception {
        CountDownLatch open = new CountDownLatch(1);
        AtomicInteger ended = readTheEnd(restartOnAHangingFile(open));
        model.namespaces().patienceMillis = 50;

        assertRefused(
                "namespace 1 of LIVE: commands of the guest's have not ended within 50 ms, so it stays as it was",
                () -> model.namespaces().detach(1));
        assertRefused("have not ended within 50 ms", () -> model.namespaces().resize(1, MIB));

        assertEquals(Status.OK, read(1, MIB / BLOCK));
        assertEquals(2 * MIB, model.namespaces().list().getFirst().bytes());
        assertTrue(heard.isEmpty());
        open.countDown();
        while (ended.get() == -1) {
            Thread.sleep(1);
        }
        assertEquals(Status.OK, ended.get());
        model.namespaces().detach(1);
        assertEnds(Status.INVALID_FIELD, read(1, 0));
    }
}

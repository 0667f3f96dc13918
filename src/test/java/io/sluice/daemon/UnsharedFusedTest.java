package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.controller.IoPath;
import io.sluice.controller.Namespace;
import io.sluice.device.PciFunction;
import io.sluice.host.DriverOptions;
import io.sluice.linux.Errno;
import io.sluice.linux.Fd;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.linux.SocketOptions;
import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import io.sluice.vfiouser.DmaAccess;
import io.sluice.vfiouser.client.DmaAnswerer;
import io.sluice.vfiouser.client.OpenClient;
import io.sluice.vfiouser.client.VfioUserClient;
import io.sluice.vfiouser.server.ServerLimits;
import io.sluice.vfiouser.server.VfioUserServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Compare and Write, fused, behind a real socket, by a client that shares some of its memory and keeps the rest to itself: at a model,
 * and at a volume of one. After each test the next client is served.
 */
@Timeout(120)
class UnsharedFusedTest {
    private static final long QUEUES = 0x10_0000;
    private static final long SHARED = 0x2000_0000_0000L;
    private static final long UNSHARED = 0x3000_0000_0000L;
    private static final long LISTS = 0x1_0000;
    private static final int PAGE = RawController.PAGE;
    private static final int BLOCK = MediatedRig.BLOCK_BYTES;
    private static final int BLOCKS = 4096;
    private static final int MOST_BLOCKS = 2048;
    private static final int COMPARE_FAILURE = Status.COMPARE_FAILURE.code();
    private static final int FAILED = Status.ABORTED_FAILED_FUSED.dnr();
    private static final int TRANSFER_ERROR = Status.DATA_TRANSFER_ERROR.code();

    @TempDir
    Path folder;

    private final long seed = Long.getLong("sluice.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private AutoCloseable drive;
    private VfioUserServer server;
    private OpenClient client;
    private RawController raw;
    private RawQueue queue;
    private Fd unsharedFile;
    private Mapping unshared;

    /** Requests for what is at these addresses are not answered, or with an error. */
    private volatile LongPredicate withheld = gpa -> false;

    private volatile boolean refuses;
    private final AtomicInteger caught = new AtomicInteger();

    private void start(boolean mediated) throws IOException {
        IoPath storage = new MemoryStorage(new Namespace(1, BLOCKS, BLOCK, 0, 0, 0, false));
        PciFunction function;
        if (mediated) {
            MediatedRig rig = new MediatedRig(storage, DriverOptions.polled(2, 64));
            drive = rig;
            function = rig.share(BLOCKS).getFirst();
        } else {
            SoftwareModel model = SoftwareModel.start("FUSED", storage);
            drive = model;
            function = model.function();
        }
        server = new VfioUserServer(folder.resolve("s"), SocketOptions.PRIVATE, function, ServerLimits.DEFAULT);
        connect();
    }

    private void connect() throws IOException {
        client = OpenClient.connect(server.socket(), VfioUserClient.DEFAULT_TIMEOUT, this::between);
        raw = new RawController(client.client(), QUEUES, SHARED);
        unsharedFile = Memfd.create("unshared", RawController.MEMORY_BYTES);
        unshared = Mapping.shared(unsharedFile, 0, RawController.MEMORY_BYTES, Mapping.PROT_READ | Mapping.PROT_WRITE);
        raw.enablePci();
        raw.mapQueues();
        raw.mapData();
        mapUnshared();
        bringUp();
    }

    private void mapUnshared() throws IOException {
        client.mapUnshared(unsharedFile, 0, RawController.MEMORY_BYTES, UNSHARED);
    }

    private void bringUp() throws IOException {
        raw.enable();
        raw.createQueues();
        queue = new RawQueue(raw);
    }

    private void disconnect() {
        raw.close();
        unshared.close();
        unsharedFile.close();
    }

    private DmaAnswerer between(DmaAnswerer memory) {
        return (command, channel) -> {
            ByteBuffer start = ByteBuffer.allocate(DmaAccess.BYTES);
            start.put(command.body().duplicate().limit(DmaAccess.BYTES)).flip();
            if (!withheld.test(DmaAccess.decode(start, "a request").address())) {
                memory.answer(command, channel);
                return;
            }
            if (refuses) {
                channel.send(command.header().errorReply(Errno.EFAULT));
            }
            caught.incrementAndGet();
        };
    }

    @AfterEach
    void proveNoHarm() throws Exception {
        try {
            disconnect();
            withheld = gpa -> false;
            connect();
            assertServes();
            disconnect();
        } finally {
            server.close();
            drive.close();
        }
    }

    /** The drive has the same value in all of some blocks, before and after. */
    private void assertServes() throws IOException {
        fill(UNSHARED, 0x77);
        assertEquals(Status.OK, transfer(NvmOpcode.WRITE, UNSHARED));
        fill(UNSHARED + 4L * PAGE, 0x78);
        assertPair(UNSHARED, UNSHARED + 4L * PAGE, Status.OK, Status.OK);
        assertEquals(Status.OK, transfer(NvmOpcode.READ, SHARED));
        assertEquals(0x78, Memory.getByte(here(SHARED) + 2 * PAGE - 1));
    }

    private long here(long gpa) {
        return gpa >= UNSHARED ? unshared.address() + gpa - UNSHARED : raw.dataAddress(gpa - SHARED);
    }

    private void fill(long gpa, int value) {
        Memory.fill(here(gpa), 2L * PAGE, (byte) value);
    }

    // ---- commands of two pages

    private long prepare(int opcode, long gpa, int fuse) {
        long sqe = queue.next(opcode);
        Sqe.setFuse(sqe, fuse);
        Sqe.setSlba(sqe, 40);
        Sqe.setBlockCount(sqe, 2 * PAGE / BLOCK);
        Sqe.setPrp1(sqe, gpa);
        Sqe.setPrp2(sqe, gpa + PAGE);
        return sqe;
    }

    private int transfer(int opcode, long gpa) {
        prepare(opcode, gpa, Sqe.FUSE_NONE);
        return queue.run() & ~Status.MORE;
    }

    private void submitPair(long compared, long written) {
        prepare(NvmOpcode.COMPARE, compared, Sqe.FUSE_FIRST);
        prepare(NvmOpcode.WRITE, written, Sqe.FUSE_SECOND);
        queue.ring();
    }

    private void assertPair(long compared, long written, int first, int second) {
        submitPair(compared, written);
        assertEnds(first, second);
    }

    private void assertEnds(int first, int second) {
        assertEquals(Status.describe(first), Status.describe(queue.await() & ~Status.MORE), "Compare");
        assertEquals(Status.describe(second), Status.describe(queue.await() & ~Status.MORE), "Write");
    }

    // ---- what is in the blocks

    /** Each page of either is shared or not, at random, and the lists are in memory of either kind. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldWriteWhatIsAsComparedAndNothingElse(boolean mediated) throws Exception {
        System.out.println("UnsharedFusedTest seed " + seed);
        start(mediated);
        byte[] blocks = new byte[BLOCKS * BLOCK];
        for (int round = 0; round < 200; round++) {
            int count = 1 + random.nextInt(random.nextBoolean() ? 16 : MOST_BLOCKS / 8);
            int slba = random.nextInt(BLOCKS - count);
            boolean same = random.nextInt(3) > 0;
            byte[] compared = new byte[count * BLOCK];
            System.arraycopy(blocks, slba * BLOCK, compared, 0, compared.length);
            compared[random.nextInt(compared.length)] ^= (byte) (same ? 0 : 1);
            byte[] written = new byte[count * BLOCK];
            random.nextBytes(written);
            place(NvmOpcode.COMPARE, Sqe.FUSE_FIRST, slba, compared, 0);
            place(NvmOpcode.WRITE, Sqe.FUSE_SECOND, slba, written, 1);
            queue.ring();
            assertEnds(same ? Status.OK : COMPARE_FAILURE, same ? Status.OK : FAILED);
            System.arraycopy(written, 0, blocks, slba * BLOCK, same ? written.length : 0);
            assertArrayEquals(blocks, readAll(blocks.length), "seed " + seed + ", round " + round);
        }
    }

    /** Scatters the data over both memories, in one half of each. */
    private void place(int opcode, int fuse, int slba, byte[] data, int half) {
        long sqe = queue.next(opcode);
        Sqe.setFuse(sqe, fuse);
        Sqe.setSlba(sqe, slba);
        Sqe.setBlockCount(sqe, data.length / BLOCK);
        int pages = Math.ceilDiv(data.length, PAGE);
        long list = (random.nextBoolean() ? SHARED : UNSHARED) + RawController.MEMORY_BYTES - (1L + half) * PAGE;
        for (int i = 0; i < pages; i++) {
            long gpa = (random.nextBoolean() ? SHARED : UNSHARED) + half * 0x8_0000L + (long) i * PAGE;
            Memory.copyIn(data, i * PAGE, here(gpa), Math.min(PAGE, data.length - i * PAGE));
            if (i == 0) {
                Sqe.setPrp1(sqe, gpa);
            } else if (pages == 2) {
                Sqe.setPrp2(sqe, gpa);
            } else {
                Memory.putLong(here(list) + 8L * (i - 1), gpa);
                Sqe.setPrp2(sqe, list);
            }
        }
    }

    private byte[] readAll(int bytes) {
        byte[] all = new byte[bytes];
        int step = 0x8_0000;
        for (int at = 0; at < bytes; at += step) {
            long sqe = queue.next(NvmOpcode.READ);
            Sqe.setSlba(sqe, at / BLOCK);
            Sqe.setBlockCount(sqe, step / BLOCK);
            Sqe.setPrp1(sqe, SHARED);
            Sqe.setPrp2(sqe, QUEUES + LISTS);
            for (int i = 1; i < step / PAGE; i++) {
                Memory.putLong(raw.queueAddress(LISTS) + 8L * (i - 1), SHARED + (long) i * PAGE);
            }
            queue.assertEndsIn(Status.OK);
            Memory.copyOut(here(SHARED), all, at, step);
        }
        return all;
    }

    // ---- a client that does not answer, or says no; 1 is about the Compare's data, 2 about that of the Write

    private static boolean isOf(long gpa, int which) {
        boolean second = gpa >= UNSHARED + 4L * PAGE;
        return gpa >= UNSHARED && (which & (second ? 2 : 1)) != 0;
    }

    /** Has a pair under way of which something is never answered; the blocks it is of have been written. */
    private void submitWithheld(int which) throws IOException {
        fill(SHARED, 0x11);
        assertEquals(Status.OK, transfer(NvmOpcode.WRITE, SHARED));
        fill(UNSHARED, 0x11);
        fill(UNSHARED + 4L * PAGE, 0x22);
        caught.set(0);
        withheld = gpa -> isOf(gpa, which);
        submitPair(UNSHARED, UNSHARED + 4L * PAGE);
        long start = System.nanoTime();
        while (caught.get() == 0) {
            assertTrue(System.nanoTime() - start < RawController.PATIENCE_NANOS, "nothing is asked for");
            Thread.onSpinWait();
        }
    }

    private void assertUntouched() {
        withheld = gpa -> false;
        assertEquals(Status.OK, transfer(NvmOpcode.READ, SHARED));
        assertEquals(0x11, Memory.getByte(here(SHARED)));
        assertEquals(0x11, Memory.getByte(here(SHARED) + 2 * PAGE - 1));
    }

    @ParameterizedTest
    @CsvSource({"1,false", "2,false", "3,false", "1,true", "2,true", "3,true"})
    void shouldWriteNothingWhenDataIsRefused(int which, boolean mediated) throws Exception {
        start(mediated);
        refuses = true;
        submitWithheld(which);
        int first = queue.await() & ~Status.MORE;
        int second = queue.await() & ~Status.MORE;
        assertTrue(first == TRANSFER_ERROR || second == TRANSFER_ERROR, "one of them has failed on its own");
        assertTrue(first == ((which & 1) == 0 ? FAILED : TRANSFER_ERROR) || (which == 3 && first == FAILED));
        assertTrue(second == ((which & 2) == 0 ? FAILED : TRANSFER_ERROR) || (which == 3 && second == FAILED));
        assertUntouched();
    }

    @ParameterizedTest
    @CsvSource({"1,false", "2,false", "1,true", "2,true"})
    void shouldEndBothWhenDataIsUnmapped(int which, boolean mediated) throws Exception {
        start(mediated);
        submitWithheld(which);
        assertEquals(0, client.unmap(UNSHARED, RawController.MEMORY_BYTES));
        assertEnds(TRANSFER_ERROR, TRANSFER_ERROR);
        assertUntouched();
        withheld = gpa -> false;
        mapUnshared();
        assertServes();
    }

    @ParameterizedTest
    @CsvSource({"1,false", "2,false", "1,true", "2,true"})
    void shouldEndBothWhenTheirQueueIsDeleted(int which, boolean mediated) throws Exception {
        start(mediated);
        submitWithheld(which);
        AdminSqe.setDeleteQueue(raw.adminSqe(AdminOpcode.DELETE_IO_SQ), 1);
        assertEquals(Status.OK, raw.runAdmin());
        assertEnds(Status.ABORTED_SQ_DELETION.code(), Status.ABORTED_SQ_DELETION.code());
        raw.disable();
        bringUp();
        assertUntouched();
    }

    @ParameterizedTest
    @CsvSource({"1,false", "2,false", "1,true", "2,true"})
    void shouldBeResetOrDisabledWhileAPairWaits(int which, boolean mediated) throws Exception {
        start(mediated);
        submitWithheld(which);
        raw.disable();
        withheld = gpa -> false;
        bringUp();
        assertUntouched();
        submitWithheld(which);
        raw.device.reset();
        withheld = gpa -> false;
        raw.enablePci();
        bringUp();
        assertUntouched();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldServeTheNextClientAfterOneWhosePairWaits(boolean mediated) throws Exception {
        start(mediated);
        submitWithheld(2);
        client.kill();
        // proveNoHarm connects the next one.
    }
}

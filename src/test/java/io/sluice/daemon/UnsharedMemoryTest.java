package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Errno;
import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Cns;
import io.sluice.nvme.CommandEffectsLog;
import io.sluice.nvme.Csts;
import io.sluice.nvme.IdentifyController;
import io.sluice.nvme.LogPage;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.vfiouser.Command;
import io.sluice.vfiouser.DmaAccess;
import io.sluice.vfiouser.Header;
import io.sluice.vfiouser.Message;
import io.sluice.vfiouser.MessageChannel;
import io.sluice.vfiouser.client.DmaAnswerer;
import io.sluice.vfiouser.client.VfioUserClient;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A client that shares none of its memory, at a model behind a real socket: the controller has all of it by DMA_READ and DMA_WRITE,
 * which the client answers as a test says. After each test the next client is served.
 */
@Timeout(120)
class UnsharedMemoryTest {
    private static final long QUEUES = 0x10_0000;
    private static final long DATA = 0x2000_0000_0000L;
    private static final int PAGE = RawController.PAGE;
    private static final int BLOCK_BYTES = 512;
    private static final int DRIVE_BYTES = 4 << 20;
    private static final int TRANSFER_ERROR = Status.DATA_TRANSFER_ERROR.code();
    private static final long LIST = RawController.MEMORY_BYTES - 2L * PAGE;

    @TempDir
    Path folder;

    private final long seed = Long.getLong("sluice.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private ModelDaemon model;
    private RawController raw;
    private RawQueue queue;

    /** Answers what {@link #picked} picks. */
    private volatile DmaAnswerer instead;

    /** Which requests {@link #instead} gets. */
    private volatile Picked picked = (header, access) -> false;

    /** Requests that it got. */
    private final AtomicInteger caught = new AtomicInteger();

    @FunctionalInterface
    private interface Picked {
        boolean test(Header header, DmaAccess access);
    }

    @BeforeEach
    void start() throws Exception {
        model = ModelDaemon.start(new ModelOptions(
                folder.resolve("s"),
                0600,
                Optional.empty(),
                Optional.empty(),
                DRIVE_BYTES,
                BLOCK_BYTES,
                "UNSHARED",
                false));
        connect();
    }

    private void connect() throws IOException {
        raw = new RawController(
                VfioUserClient.connectUnshared(model.socket(), VfioUserClient.DEFAULT_TIMEOUT, this::between),
                QUEUES,
                DATA);
        raw.enablePci();
        raw.mapQueues();
        raw.mapData();
        bringUp();
    }

    private void bringUp() throws IOException {
        raw.enable();
        raw.createQueues();
        queue = new RawQueue(raw);
    }

    private DmaAnswerer between(DmaAnswerer memory) {
        return (command, channel) -> {
            Header header = command.header();
            ByteBuffer body = command.body().duplicate();
            ByteBuffer start = ByteBuffer.allocate(DmaAccess.BYTES);
            start.put(body.limit(DmaAccess.BYTES)).flip();
            if (picked.test(header, DmaAccess.decode(start, "a request"))) {
                instead.answer(command, channel);
                caught.incrementAndGet();
            } else {
                memory.answer(command, channel);
            }
        };
    }

    @AfterEach
    void proveNoHarm() throws Exception {
        try {
            raw.close();
            picked = (header, access) -> false;
            connect();
            assertServes();
            raw.close();
        } finally {
            model.close();
        }
    }

    private void assertServes() {
        transfer(NvmOpcode.WRITE, 100, pattern(5 * PAGE), 0);
        assertArrayEquals(pattern(5 * PAGE), transfer(NvmOpcode.READ, 100, new byte[5 * PAGE], 40));
    }

    private static byte[] pattern(int bytes) {
        byte[] data = new byte[bytes];
        new Random(bytes).nextBytes(data);
        return data;
    }

    // ---- what requests are about

    private static boolean isRead(Header header) {
        return header.command() == Command.DMA_READ.code();
    }

    private static boolean isData(DmaAccess access) {
        return access.address() >= DATA;
    }

    private static boolean isAt(DmaAccess access, long offset, long bytes) {
        return access.address() >= QUEUES + offset && access.address() < QUEUES + offset + bytes;
    }

    /** Which of the controller's requests a test keeps from being answered. */
    enum Held {
        ADMIN_ENTRIES,
        ADMIN_COMPLETIONS,
        ENTRIES,
        COMPLETIONS,
        LISTS,
        DATA_IN,
        DATA_OUT;

        boolean holds(Header header, DmaAccess access) {
            return switch (this) {
                case ADMIN_ENTRIES -> isAt(access, 0, PAGE);
                case ADMIN_COMPLETIONS -> isAt(access, RawController.ADMIN_CQ, PAGE);
                case ENTRIES -> isAt(access, RawController.IO_SQ, 4 * PAGE);
                case COMPLETIONS -> isAt(access, RawController.IO_CQ, PAGE);
                case LISTS -> isAt(access, LIST, PAGE);
                case DATA_IN -> isRead(header) && isData(access);
                case DATA_OUT -> !isRead(header) && isData(access);
            };
        }
    }

    private void answer(Picked which, DmaAnswerer how) {
        caught.set(0);
        instead = how;
        picked = which;
    }

    private static void never(Message command, MessageChannel channel) {}

    /** Has commands of all kinds under way, of which something is never answered. */
    private void submitWith(Held held) throws IOException {
        answer(held::holds, UnsharedMemoryTest::never);
        for (int i = 0; i < 8; i++) {
            prepare(i % 2 == 0 ? NvmOpcode.READ : NvmOpcode.WRITE, 0, 5 * PAGE, 8 * i);
        }
        queue.ring();
        AdminSqe.setIdentify(raw.adminSqe(AdminOpcode.IDENTIFY), Cns.CONTROLLER, 0);
        Sqe.setPrp1(raw.queueAddress(0), DATA);
        raw.advanceAdmin();
        long start = System.nanoTime();
        while (caught.get() == 0) {
            assertTrue(System.nanoTime() - start < RawController.PATIENCE_NANOS, held + " is not asked for");
            LockSupport.parkNanos(10_000);
        }
    }

    private static void assertAnswered(String what, long start) {
        long nanos = System.nanoTime() - start;
        assertTrue(nanos < RawController.DEADLINE_NANOS, what + " was answered after " + nanos / 1_000_000 + " ms");
    }

    // ---- commands

    /** The next entry: a transfer by a PRP list, to or from a page of the data memory on. */
    private void prepare(int opcode, long slba, int bytes, int page) {
        long sqe = queue.next(opcode);
        Sqe.setSlba(sqe, slba);
        Sqe.setBlockCount(sqe, bytes / BLOCK_BYTES);
        Sqe.setPrp1(sqe, DATA + (long) page * PAGE);
        Sqe.setPrp2(sqe, QUEUES + LIST);
        for (int i = 1; i < Math.ceilDiv(bytes, PAGE); i++) {
            long entry = DATA + (long) (page + i) * PAGE;
            if (bytes <= 2 * PAGE) {
                Sqe.setPrp2(sqe, entry);
            } else {
                Memory.putLong(raw.queueAddress(LIST) + 8L * (i - 1), entry);
            }
        }
    }

    private byte[] transfer(int opcode, long slba, byte[] data, int page) {
        long address = raw.dataAddress((long) page * PAGE);
        Memory.copyIn(data, 0, address, data.length);
        prepare(opcode, slba, data.length, page);
        queue.assertEndsIn(Status.OK);
        byte[] found = new byte[data.length];
        Memory.copyOut(address, found, 0, data.length);
        return found;
    }

    @Test
    void shouldHoldWhatIsWrittenAndNothingElse() {
        System.out.println("UnsharedMemoryTest seed " + seed);
        byte[] drive = new byte[DRIVE_BYTES];
        for (int round = 0; round < 300; round++) {
            int blocks = 1 + random.nextInt(random.nextBoolean() ? 16 : 1 << 11);
            int slba = random.nextInt(DRIVE_BYTES / BLOCK_BYTES - blocks);
            int page = random.nextInt((int) (RawController.MEMORY_BYTES / PAGE) - blocks / 8 - 1);
            byte[] data = new byte[blocks * BLOCK_BYTES];
            random.nextBytes(data);
            if (random.nextBoolean()) {
                transfer(NvmOpcode.WRITE, slba, data, page);
                System.arraycopy(data, 0, drive, slba * BLOCK_BYTES, data.length);
            } else {
                byte[] expected = new byte[data.length];
                System.arraycopy(drive, slba * BLOCK_BYTES, expected, 0, data.length);
                assertArrayEquals(expected, transfer(NvmOpcode.READ, slba, data, page), "seed " + seed + ", " + round);
            }
        }
    }

    // ---- a client that never answers

    @ParameterizedTest
    @EnumSource(Held.class)
    void shouldAnswerAnUnmapWhileRequestsAreUnanswered(Held held) throws Exception {
        submitWith(held);
        long start = System.nanoTime();

        raw.unmapData();
        assertAnswered("the unmap of the data", start);
        start = System.nanoTime();
        raw.unmapQueues();
        assertAnswered("the unmap of the queues", start);
    }

    @ParameterizedTest
    @EnumSource(Held.class)
    void shouldAnswerAResetWhileRequestsAreUnanswered(Held held) throws Exception {
        submitWith(held);
        long start = System.nanoTime();

        raw.device.reset();

        assertAnswered("the reset", start);
        assertEquals(0, raw.read(Registers.CSTS));
        answer((header, access) -> false, UnsharedMemoryTest::never);
        raw.enablePci();
        bringUp();
        assertServes();
    }

    @ParameterizedTest
    @EnumSource(Held.class)
    void shouldBeDisabledWhileRequestsAreUnanswered(Held held) throws Exception {
        submitWith(held);
        long start = System.nanoTime();

        raw.disable();

        assertAnswered("CC.EN = 0", start);
        answer((header, access) -> false, UnsharedMemoryTest::never);
        bringUp();
        assertServes();
    }

    @ParameterizedTest
    @EnumSource(Held.class)
    void shouldServeTheNextClientAfterOneThatHasNotAnswered(Held held) throws Exception {
        submitWith(held);
        // proveNoHarm disconnects it.
    }

    /** More often than there are requests at a time: what is called off is not in the way of what comes. */
    @Test
    void shouldGoOnAfterManyResetsWithRequestsUnanswered() throws Exception {
        for (int i = 0; i < 100; i++) {
            submitWith(Held.DATA_IN);
            raw.disable();
            answer((header, access) -> false, UnsharedMemoryTest::never);
            bringUp();
        }
        assertServes();
    }

    /** A deletion of a queue ends the commands in it. */
    @ParameterizedTest
    @EnumSource(names = {"LISTS", "DATA_IN", "DATA_OUT"})
    void shouldDeleteAQueueWhoseCommandsWait(Held held) throws Exception {
        answer(held::holds, UnsharedMemoryTest::never);
        prepare(held == Held.DATA_OUT ? NvmOpcode.READ : NvmOpcode.WRITE, 0, 5 * PAGE, 0);
        queue.ring();
        long start = System.nanoTime();
        while (caught.get() == 0) {
            assertTrue(System.nanoTime() - start < RawController.PATIENCE_NANOS, held + " is not asked for");
        }

        AdminSqe.setDeleteQueue(raw.adminSqe(AdminOpcode.DELETE_IO_SQ), 1);
        assertEquals(Status.OK, raw.runAdmin());

        assertTrue(Status.ABORTED_SQ_DELETION.is(queue.await()));
    }

    // ---- a client that answers with something else

    enum Wrong {
        ERRNO,
        SHORT,
        LONG,
        OTHER_ADDRESS,
        OTHER_COMMAND,
        NO_BODY;

        void answer(Message command, MessageChannel channel) throws IOException {
            Header header = command.header();
            DmaAccess access =
                    new DmaAccess(command.body().getLong(0), command.body().getLong(8));
            int data = isRead(header) ? (int) access.count() : 0;
            Header reply = header.reply(DmaAccess.BYTES + data);
            switch (this) {
                case ERRNO -> channel.send(header.errorReply(Errno.EFAULT));
                case SHORT -> send(channel, header.reply(DmaAccess.BYTES + data / 2), access, data / 2);
                case LONG -> send(channel, header.reply(DmaAccess.BYTES + data + 8), access, data + 8);
                case OTHER_ADDRESS -> send(channel, reply, new DmaAccess(access.address() ^ 1, access.count()), data);
                case OTHER_COMMAND ->
                    channel.send(
                            new Header(header.id(), Command.REGION_READ.code(), Header.BYTES, Header.TYPE_REPLY, 0));
                case NO_BODY -> channel.send(header.reply(4), out -> out.putInt(0), List.of());
            }
        }

        private static void send(MessageChannel channel, Header header, DmaAccess access, int data) throws IOException {
            channel.send(
                    header,
                    out -> {
                        access.encode(out);
                        out.put(new byte[data]);
                    },
                    List.of());
        }
    }

    @ParameterizedTest
    @EnumSource(Wrong.class)
    void shouldFailTheOneCommandWhoseDataIsAnsweredWrongly(Wrong wrong) throws Exception {
        for (Held held : List.of(Held.LISTS, Held.DATA_IN, Held.DATA_OUT)) {
            answer(held::holds, wrong::answer);
            int opcode = held == Held.DATA_OUT ? NvmOpcode.READ : NvmOpcode.WRITE;
            // A reply to a write has nothing that could be too short.
            prepare(opcode, 0, 5 * PAGE, 0);
            int expected = held == Held.DATA_OUT && wrong == Wrong.SHORT ? Status.OK : TRANSFER_ERROR;
            int status = queue.run();
            assertEquals(Status.describe(expected), Status.describe(status), held + ", " + wrong);
            picked = (header, access) -> false;
            assertServes();
        }
    }

    /** QEMU's replies to writes have had no body at all. */
    @Test
    void shouldTakeAReplyToAWriteThatHasNoBody() throws Exception {
        DmaAnswerer memory = (command, channel) -> channel.send(command.header().reply(0));
        answer(Held.DATA_OUT::holds, memory);
        prepare(NvmOpcode.READ, 0, 5 * PAGE, 0);
        queue.assertEndsIn(Status.OK);
    }

    @Test
    void shouldFailTheOneAdminCommandWhoseDataIsRefused() throws Exception {
        answer(Held.DATA_OUT::holds, Wrong.ERRNO::answer);
        long sqe = raw.adminSqe(AdminOpcode.IDENTIFY);
        AdminSqe.setIdentify(sqe, Cns.CONTROLLER, 0);
        Sqe.setPrp1(sqe, DATA);

        assertTrue(Status.DATA_TRANSFER_ERROR.is(raw.runAdmin()));

        picked = (header, access) -> false;
        assertServes();
    }

    /** Doorbells in memory that is not shared would have to be fetched again and again. */
    @Test
    void shouldNotOfferDoorbellBuffersInMemoryThatIsNotShared() throws Exception {
        long sqe = raw.adminSqe(AdminOpcode.IDENTIFY);
        AdminSqe.setIdentify(sqe, Cns.CONTROLLER, 0);
        Sqe.setPrp1(sqe, DATA);
        assertEquals(Status.OK, raw.runAdmin());
        assertEquals(0, IdentifyController.OACS.get(raw.dataAddress(0)));

        sqe = raw.adminSqe(AdminOpcode.DOORBELL_BUFFER_CONFIG);
        Sqe.setPrp1(sqe, DATA);
        Sqe.setPrp2(sqe, DATA + PAGE);
        assertTrue(Status.INVALID_OPCODE.is(raw.runAdmin()));

        sqe = raw.adminSqe(AdminOpcode.GET_LOG_PAGE);
        AdminSqe.setGetLogPage(sqe, Sqe.NSID_ALL, LogPage.COMMAND_EFFECTS, 0, CommandEffectsLog.BYTES, false);
        Sqe.setPrp1(sqe, DATA);
        assertEquals(Status.OK, raw.runAdmin());
        assertEquals(0, effects(AdminOpcode.DOORBELL_BUFFER_CONFIG));
        assertEquals(CommandEffectsLog.SUPPORTED, effects(AdminOpcode.KEEP_ALIVE));
        assertServes();
    }

    private long effects(int opcode) {
        return CommandEffectsLog.admin(opcode).get(raw.dataAddress(0));
    }

    /** A client that refuses to have its queue written or read fails its controller, not the server. */
    @ParameterizedTest
    @EnumSource(names = {"ENTRIES", "COMPLETIONS"})
    void shouldFailAControllerWhoseQueueIsRefused(Held held) throws Exception {
        answer(held::holds, Wrong.ERRNO::answer);
        queue.flush();
        long start = System.nanoTime();
        while (!Csts.fatal(raw.read(Registers.CSTS))) {
            assertTrue(System.nanoTime() - start < RawController.PATIENCE_NANOS, "the controller does not fail");
            LockSupport.parkNanos(1_000_000);
        }
        picked = (header, access) -> false;
        raw.disable();
        bringUp();
        assertServes();
    }

    /** Each reply twice, and one to a request that was never made. */
    @Test
    void shouldThrowAwayRepliesThatNobodyWaitsFor() throws Exception {
        answer((header, access) -> isRead(header) && isData(access), (command, channel) -> {
            DmaAccess access =
                    new DmaAccess(command.body().getLong(0), command.body().getLong(8));
            byte[] data = new byte[(int) access.count()];
            Memory.copyOut(raw.dataAddress(access.address() - DATA), data, 0, data.length);
            Header header = command.header();
            for (int id :
                    new int[] {header.id() ^ 0x8000, header.id() ^ 0x4000, header.id(), header.id(), header.id()}) {
                Header reply = new Header(
                        id,
                        header.command(),
                        header.reply(DmaAccess.BYTES + data.length).messageBytes(),
                        1,
                        0);
                channel.send(
                        reply,
                        out -> {
                            access.encode(out);
                            out.put(data);
                        },
                        List.of());
            }
        });
        for (int i = 0; i < 50; i++) {
            assertServes();
        }
        assertTrue(caught.get() > 50, "replies were sent again: " + caught.get());
    }

    /** What is answered when the command has gone does nothing to those that come. */
    @Test
    void shouldThrowAwayRepliesThatComeAfterAReset() throws Exception {
        for (int i = 0; i < 20; i++) {
            Queue<Header> late = new ConcurrentLinkedQueue<>();
            AtomicReference<MessageChannel> open = new AtomicReference<>();
            answer(Held.DATA_IN::holds, (command, channel) -> {
                late.add(command.header());
                open.set(channel);
            });
            prepare(NvmOpcode.WRITE, 0, 5 * PAGE, 0);
            queue.ring();
            long start = System.nanoTime();
            while (caught.get() == 0) {
                assertTrue(System.nanoTime() - start < RawController.PATIENCE_NANOS, "data is not asked for");
            }
            raw.disable();
            picked = (header, access) -> false;
            bringUp();
            for (Header header : late) {
                open.get().send(header.errorReply(Errno.EIO));
            }
            assertServes();
        }
    }

    /** A client that answers at last, after its commands have ended otherwise, has not had its memory written meanwhile. */
    @Test
    void shouldNotAskForMemoryThatHasBeenUnmapped() throws Exception {
        submitWith(Held.DATA_IN);
        raw.unmapData();
        AtomicInteger asked = new AtomicInteger();
        answer(
                (header, access) -> {
                    asked.addAndGet(isData(access) ? 1 : 0);
                    return false;
                },
                UnsharedMemoryTest::never);
        int failed = 0;
        for (int i = 0; i < 8; i++) {
            failed += Status.isSuccess(queue.await()) ? 0 : 1;
        }
        assertTrue(failed >= 4, "of four writes without data and four reads, which may have ended before: " + failed);
        raw.awaitAdmin();
        assertEquals(0, asked.get(), "requests for data after the unmap was answered");
        raw.mapData();
    }
}

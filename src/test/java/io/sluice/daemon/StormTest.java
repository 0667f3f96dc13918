package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.controller.Namespace;
import io.sluice.linux.SocketOptions;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import io.sluice.vfiouser.client.VfioUserClient;
import io.sluice.vfiouser.server.ServerLimits;
import io.sluice.vfiouser.server.VfioUserServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Memory, controller and client taken away under a load that does not stop for it, on a storage that is slow to complete and
 * slow to cancel. The server runs in this process: an access to memory that it has let go of ends the JVM, and so the test;
 * an access to memory that it has given back shows in a pattern.
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class StormTest {
    private static final long QUEUES = 0x10_0000;
    private static final long[] DATA = {0x4000_0000L, 0x2000_0000_0000L, 0xffff_ffff_f000L - RawController.MEMORY_BYTES
    };
    private static final long DRIVE_BLOCKS = (64L << 30) / 512;
    /** Where no memory is mapped. */
    private static final long NOWHERE = 0x7f_0000_0000L;

    private static final byte UNTOUCHED = 0x5a;
    /** A reply is due within 2 s. One near that has waited for a deadline of ours, and not for the 50 ms of the storage. */
    private static final long LIMIT_NANOS = RawController.DEADLINE_NANOS * 3 / 4;

    @TempDir
    Path folder;

    private final long seed = Long.getLong("sluice.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final byte[] pattern = new byte[(int) RawController.MEMORY_BYTES];
    private final byte[] found = new byte[(int) RawController.MEMORY_BYTES];

    private long actionsDone;
    private long commandsEnded;
    private long slowestReplyNanos;
    private String slowestReply = "none";

    /** Whether the client shares its memory; else the server has it by messages. */
    private boolean shared;

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void shouldEndEveryCommandOnceAndTouchNothingThatWasTakenAway(boolean sharesMemory) throws Exception {
        shared = sharesMemory;
        int actions = Integer.getInteger("sluice.storm.actions", 250);
        System.out.println("StormTest seed " + seed + (shared ? "" : ", memory not shared") + ", " + actions
                + " actions (repeat with -Dsluice.seed=, more with -Dsluice.storm.actions=)");
        Arrays.fill(pattern, UNTOUCHED);
        Path socket = folder.resolve("s");
        Namespace namespace = new Namespace(1, DRIVE_BLOCKS, 512, 0, 0, 0, false);
        DelayingStorage storage = new DelayingStorage(new MemoryStorage(namespace), random.nextLong());
        try (SoftwareModel model = SoftwareModel.start("STORM", storage);
                VfioUserServer server =
                        new VfioUserServer(socket, SocketOptions.PRIVATE, model.function(), ServerLimits.DEFAULT)) {
            storm(server.socket(), 1);
            long descriptors = descriptors();
            while (actionsDone < actions) {
                storm(server.socket(), actions);
            }
            assertTrue(descriptors() <= descriptors, "descriptors leak: " + descriptors + ", then " + descriptors());
        }
        System.out.printf(
                "%d actions, %d commands ended, slowest reply %.1f ms (%s)%n",
                actionsDone, commandsEnded, slowestReplyNanos / 1e6, slowestReply);
        assertTrue(commandsEnded > actions, "there was no load: " + commandsEnded);
        assertTrue(slowestReplyNanos < LIMIT_NANOS, slowestReply + " took " + slowestReplyNanos + " ns");
    }

    /** After a moment for the server, which cleans up when the client has gone. */
    private static long descriptors() throws IOException {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(500));
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.count();
        }
    }

    /** One connection, until it is cut. */
    private void storm(Path socket, int actions) throws Exception {
        long data = DATA[random.nextInt(DATA.length)];
        try (RawController raw = new RawController(connect(socket), QUEUES, data);
                StormLoad load = new StormLoad(raw, DRIVE_BLOCKS, random.nextLong())) {
            raw.mapQueues();
            mapHalf(raw, 0);
            mapHalf(raw, 1);
            bringUp(raw, load);
            boolean connected = true;
            while (connected && actionsDone < actions) {
                load.await(1 + random.nextInt(200));
                connected = act(raw, load, random.nextInt(18));
                actionsDone++;
            }
            commandsEnded += load.stop();
            // Whether or not anything is in flight.
            paintAll(raw);
            timed("disconnect", raw.device::close);
        }
    }

    private VfioUserClient connect(Path socket) throws IOException {
        return shared
                ? VfioUserClient.connect(socket)
                : VfioUserClient.connectUnshared(socket, VfioUserClient.DEFAULT_TIMEOUT, memory -> memory);
    }

    private static void bringUp(RawController raw, StormLoad load) throws IOException {
        load.pause();
        raw.enablePci();
        raw.enableMsix();
        raw.enable();
        load.start();
    }

    /** Returns whether the client stays. */
    private boolean act(RawController raw, StormLoad load, int action) throws Exception {
        switch (action) {
            case 0, 1, 2 -> takeHalfAway(raw, load, random.nextInt(2));
            case 3, 4 -> takeDataAway(raw, load);
            case 5, 6, 7 -> {
                load.blind();
                timed("disable", raw::disable);
                assertQuiet(raw);
                bringUp(raw, load);
            }
            case 8, 9 -> {
                load.blind();
                timed("reset", raw.device::reset);
                assertQuiet(raw);
                bringUp(raw, load);
            }
            case 10, 11 -> takeQueuesAway(raw, load);
            case 12, 13 -> timed("interrupts", load::churnInterrupts);
            case 14, 15, 16 -> moveDoorbells(raw, load);
            default -> {
                return false;
            }
        }
        return true;
    }

    /** Doorbell Buffer Config under load, also such as must be refused, and leaves the doorbells where they are. */
    private void moveDoorbells(RawController raw, StormLoad load) throws IOException {
        int pair = random.nextInt(StormLoad.SHADOWS);
        long shadow = raw.queueIova + StormLoad.shadowOffset(pair);
        long eventIdx = raw.queueIova + StormLoad.eventIdxOffset(pair);
        int kind = random.nextInt(6);
        long sqe = raw.adminSqe(AdminOpcode.DOORBELL_BUFFER_CONFIG);
        Sqe.setPrp1(
                sqe,
                switch (kind) {
                    case 0 -> shadow + Long.BYTES;
                    case 1 -> eventIdx;
                    default -> shadow;
                });
        Sqe.setPrp2(sqe, kind == 2 ? NOWHERE : eventIdx);
        int good = kind > 2 ? Status.OK : Status.INVALID_FIELD.dnr();
        int expected = shared ? good : Status.INVALID_OPCODE.dnr();
        assertEquals(
                Status.describe(expected),
                Status.describe(raw.runAdmin() & ~Status.MORE),
                "Doorbell Buffer Config " + kind + ", seed " + seed);
        load.await(50);
        checkAlive(raw);
    }

    private static void mapHalf(RawController raw, int half) throws IOException {
        long offset = half * StormLoad.HALF_BYTES;
        raw.device.mapDma(
                raw.dataFile(),
                offset,
                StormLoad.HALF_BYTES,
                raw.dataIova + offset,
                Translator.READ | Translator.WRITE);
    }

    private void unmapHalf(RawController raw, int half) throws Exception {
        long iova = raw.dataIova + half * StormLoad.HALF_BYTES;
        timed("unmap", () -> raw.device.unmapDma(iova, StormLoad.HALF_BYTES));
    }

    /** Commands go on coming for both halves; the file stays mapped for the other one. */
    private void takeHalfAway(RawController raw, StormLoad load, int half) throws Exception {
        long start = raw.dataAddress(half * StormLoad.HALF_BYTES);
        load.dataMayBeMissing(true);
        unmapHalf(raw, half);
        paint(start, StormLoad.HALF_BYTES);
        load.await(50);
        assertUntouched("data", start, StormLoad.HALF_BYTES);
        mapHalf(raw, half);
        load.dataMayBeMissing(false);
        checkAlive(raw);
    }

    private void takeDataAway(RawController raw, StormLoad load) throws Exception {
        load.dataMayBeMissing(true);
        unmapHalf(raw, 0);
        unmapHalf(raw, 1);
        paint(raw.dataAddress(0), RawController.MEMORY_BYTES);
        load.await(50);
        assertUntouched("data", raw.dataAddress(0), RawController.MEMORY_BYTES);
        mapHalf(raw, 1);
        mapHalf(raw, 0);
        load.dataMayBeMissing(false);
        checkAlive(raw);
    }

    /** The queues go while they are in use, which may fail the controller; then it is reset. */
    private void takeQueuesAway(RawController raw, StormLoad load) throws Exception {
        load.blind();
        timed("unmap of queues", raw::unmapQueues);
        paintQueues(raw);
        LockSupport.parkNanos(random.nextInt((int) DelayingStorage.MAX_DELAY_NANOS));
        timed("read", () -> raw.read(Registers.CSTS));
        assertQueuesUntouched(raw);
        timed("disable", raw::disable);
        assertQuiet(raw);
        raw.mapQueues();
        bringUp(raw, load);
    }

    private void checkAlive(RawController raw) throws IOException {
        int csts = raw.read(Registers.CSTS);
        assertFalse(Csts.fatal(csts), "the controller failed, CSTS 0x" + Integer.toHexString(csts));
    }

    private interface Action {
        void run() throws Exception;
    }

    private void timed(String what, Action action) throws Exception {
        long start = System.nanoTime();
        action.run();
        long nanos = System.nanoTime() - start;
        if (nanos > slowestReplyNanos) {
            slowestReplyNanos = nanos;
            slowestReply = what + ", action " + actionsDone;
        }
    }

    /** After this, nothing that was in flight may arrive. */
    private void assertQuiet(RawController raw) {
        paintAll(raw);
        boolean thorough = random.nextInt(8) == 0;
        LockSupport.parkNanos(thorough ? DelayingStorage.MAX_DELAY_NANOS : 300_000);
        assertQueuesUntouched(raw);
        assertUntouched("data", raw.dataAddress(0), RawController.MEMORY_BYTES);
    }

    private void paintAll(RawController raw) {
        paintQueues(raw);
        paint(raw.dataAddress(0), RawController.MEMORY_BYTES);
    }

    /** What the controller writes to: the load writes to the rest. */
    private static void paintQueues(RawController raw) {
        paint(raw.queueAddress(RawController.ADMIN_CQ), RawController.PAGE);
        for (int i = 0; i < StormLoad.QUEUES; i++) {
            paint(raw.queueAddress(StormLoad.cqOffset(i)), StormLoad.CQ_BYTES);
        }
        for (int i = 0; i < StormLoad.SHADOWS; i++) {
            paint(raw.queueAddress(StormLoad.eventIdxOffset(i)), RawController.PAGE);
        }
    }

    private void assertQueuesUntouched(RawController raw) {
        assertUntouched("admin queue", raw.queueAddress(RawController.ADMIN_CQ), RawController.PAGE);
        for (int i = 0; i < StormLoad.QUEUES; i++) {
            assertUntouched("queue " + (i + 1), raw.queueAddress(StormLoad.cqOffset(i)), StormLoad.CQ_BYTES);
        }
        for (int i = 0; i < StormLoad.SHADOWS; i++) {
            assertUntouched("EventIdx", raw.queueAddress(StormLoad.eventIdxOffset(i)), RawController.PAGE);
        }
    }

    private static void paint(long address, long bytes) {
        Memory.fill(address, bytes, UNTOUCHED);
    }

    private void assertUntouched(String what, long address, long bytes) {
        Memory.copyOut(address, found, 0, (int) bytes);
        int at = Arrays.mismatch(found, 0, (int) bytes, pattern, 0, (int) bytes);
        assertEquals(-1, at, () -> what + " memory was written after it was taken away, at " + at + ", seed " + seed);
    }
}

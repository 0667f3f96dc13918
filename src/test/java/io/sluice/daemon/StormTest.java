package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.vfiouser.client.VfioUserClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Memory, controller and client taken away with I/O in flight, again and again. The server runs in this process: an access to
 * memory that it has let go of ends the JVM, and so the test.
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class StormTest {
    private static final long LOW_QUEUES = 0x10_0000;
    private static final long LOW_DATA = 0x4000_0000;
    private static final long VIRTUAL = 0x2000_0000_0000L;
    private static final long HIGHEST = 0xffff_ffff_f000L;
    private static final int DRIVE_BYTES = 8 << 20;
    private static final byte UNTOUCHED = 0x5a;

    @TempDir
    Path folder;

    private long actionsDone;
    private long commandsEnded;
    private long slowestReplyNanos;

    @Test
    void shouldEndEveryCommandOnceAndTouchNothingThatWasTakenAway() throws Exception {
        long seed = Long.getLong("sluice.seed", System.nanoTime());
        int actions = Integer.getInteger("sluice.storm.actions", 500);
        System.out.println("StormTest seed " + seed + ", " + actions
                + " actions (repeat with -Dsluice.seed=, more with -Dsluice.storm.actions=)");
        Random random = new Random(seed);
        ModelOptions options = new ModelOptions(
                folder.resolve("s"), 0600, Optional.empty(), Optional.empty(), DRIVE_BYTES, 512, "STORM", false);
        try (ModelDaemon model = ModelDaemon.start(options)) {
            storm(model, random, 1);
            long descriptors = descriptors();
            while (actionsDone < actions) {
                storm(model, random, actions);
            }
            assertTrue(descriptors() <= descriptors, "descriptors leak: " + descriptors + ", then " + descriptors());
        }
        System.out.printf(
                "%d actions, %d commands ended, slowest reply %.1f ms%n",
                actionsDone, commandsEnded, slowestReplyNanos / 1e6);
        assertTrue(commandsEnded > actions, "there was no load: " + commandsEnded);
        assertTrue(slowestReplyNanos < RawController.DEADLINE_NANOS, slowestReplyNanos + " ns");
    }

    /** After a moment for the server, which cleans up when the client has gone. */
    private static long descriptors() throws IOException {
        spin(TimeUnit.MILLISECONDS.toNanos(500));
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.count();
        }
    }

    /** One connection, until it is cut. */
    private void storm(ModelDaemon model, Random random, int actions) throws Exception {
        long data = new long[] {LOW_DATA, VIRTUAL, HIGHEST - RawController.MEMORY_BYTES}[random.nextInt(3)];
        try (RawController raw = new RawController(VfioUserClient.connect(model.socket()), LOW_QUEUES, data)) {
            start(raw);
            try (Load load = new Load(raw, random.nextLong())) {
                boolean connected = true;
                while (connected && actionsDone < actions) {
                    load.await(1 + random.nextInt(200));
                    connected = act(raw, load, random.nextInt(12));
                    actionsDone++;
                }
                if (!connected) {
                    load.stop();
                    paint(raw);
                    timed(raw.device::close);
                    paint(raw);
                    assertUntouched(raw);
                }
            }
        }
    }

    private void start(RawController raw) throws IOException {
        raw.enablePci();
        raw.mapQueues();
        raw.mapData();
        raw.enable();
        raw.createQueues();
    }

    /** Returns whether the client stays. */
    private boolean act(RawController raw, Load load, int action) throws Exception {
        switch (action) {
            case 0, 1, 2, 3, 4 -> takeDataAway(raw, load);
            case 5, 6 -> {
                load.pause();
                timed(raw::disable);
                assertQuiet(raw);
                raw.enable();
                raw.createQueues();
                load.restart();
            }
            case 7, 8 -> {
                load.pause();
                timed(raw.device::reset);
                assertQuiet(raw);
                raw.enablePci();
                raw.enable();
                raw.createQueues();
                load.restart();
            }
            case 9, 10 -> takeQueuesAway(raw, load);
            default -> {
                return false;
            }
        }
        return true;
    }

    /** Commands go on coming while their data is not there. */
    private void takeDataAway(RawController raw, Load load) throws Exception {
        load.expectDataToBeMissing(true);
        timed(raw::unmapData);
        paintData(raw);
        load.await(50);
        assertDataUntouched(raw);
        timed(raw::mapData);
        load.await(RawController.IO_ENTRIES); // those that were refused have ended by then
        load.expectDataToBeMissing(false);
    }

    /** The queues go while they are in use; then the controller is reset. */
    private void takeQueuesAway(RawController raw, Load load) throws Exception {
        load.pause();
        timed(raw::unmapQueues);
        paint(raw);
        raw.ring(Doorbells.sqTailDoorbell(1), 77);
        timed(() -> raw.read(Registers.CSTS));
        assertUntouched(raw);
        timed(raw::disable);
        timed(raw::mapQueues);
        raw.enable();
        raw.createQueues();
        load.restart();
    }

    private interface Action {
        void run() throws Exception;
    }

    private void timed(Action action) throws Exception {
        long start = System.nanoTime();
        action.run();
        slowestReplyNanos = Math.max(slowestReplyNanos, System.nanoTime() - start);
    }

    /** After this, nothing that was in flight may arrive. */
    private static void assertQuiet(RawController raw) {
        paint(raw);
        spin(300_000);
        assertUntouched(raw);
    }

    private static void paint(RawController raw) {
        Memory.fill(raw.queueAddress(0), RawController.LISTS, UNTOUCHED);
        paintData(raw);
    }

    private static void paintData(RawController raw) {
        Memory.fill(raw.dataAddress(0), RawController.MEMORY_BYTES, UNTOUCHED);
    }

    private static void assertUntouched(RawController raw) {
        byte[] queues = new byte[(int) RawController.LISTS];
        Memory.copyOut(raw.queueAddress(0), queues, 0, queues.length);
        for (int i = 0; i < queues.length; i++) {
            assertEquals(UNTOUCHED, queues[i], "queue memory was written at " + i);
        }
        assertDataUntouched(raw);
    }

    private static void assertDataUntouched(RawController raw) {
        byte[] data = new byte[(int) RawController.MEMORY_BYTES];
        byte[] wanted = new byte[data.length];
        Arrays.fill(wanted, UNTOUCHED);
        Memory.copyOut(raw.dataAddress(0), data, 0, data.length);
        assertEquals(-1, Arrays.mismatch(wanted, data), "data memory was written after it was taken away");
    }

    private static void spin(long nanos) {
        long start = System.nanoTime();
        while (System.nanoTime() - start < nanos) {
            Thread.onSpinWait();
        }
    }

    /** Keeps the I/O queue full from a thread of its own, and counts how each command ends. */
    private final class Load implements AutoCloseable {
        private final RawController raw;
        private final Random random;
        private final Thread thread;
        private final BitSet outstanding = new BitSet();
        private volatile boolean running = true;
        private volatile boolean paused;
        private volatile boolean restarted = true;
        private volatile boolean idle;
        private volatile boolean dataMayBeMissing;
        private final AtomicLong ended = new AtomicLong();
        private volatile Throwable failure;
        private int tail;
        private int head;
        private int phase;

        Load(RawController raw, long seed) {
            this.raw = raw;
            this.random = new Random(seed);
            this.thread = Thread.ofPlatform().name("load").start(this::run);
        }

        private void run() {
            try {
                while (running) {
                    if (paused) {
                        idle = true;
                        Thread.onSpinWait();
                        continue;
                    }
                    if (restarted) {
                        begin();
                    }
                    submit();
                    reap();
                }
            } catch (Throwable e) {
                failure = e;
            }
            idle = true;
        }

        private void begin() {
            restarted = false;
            outstanding.clear();
            tail = 0;
            head = 0;
            phase = 1;
        }

        private void submit() {
            int batch = random.nextInt(16);
            for (int i = 0; i < batch && outstanding.cardinality() < RawController.IO_ENTRIES - 1; i++) {
                int cid = outstanding.nextClearBit(0);
                outstanding.set(cid);
                write(raw.queueAddress(RawController.IO_SQ) + (long) tail * Sqe.BYTES, cid);
                tail = (tail + 1) % RawController.IO_ENTRIES;
            }
            raw.ring(Doorbells.sqTailDoorbell(1), tail);
        }

        private void write(long sqe, int cid) {
            Sqe.clear(sqe);
            int kind = random.nextInt(20);
            int opcode = kind < 9 ? NvmOpcode.READ : kind < 18 ? NvmOpcode.WRITE : NvmOpcode.WRITE_ZEROES;
            Sqe.setCommand(sqe, opcode, cid);
            Sqe.setNsid(sqe, 1);
            int pages = 1 + random.nextInt(16);
            long page = random.nextInt((int) (RawController.MEMORY_BYTES / RawController.PAGE) - pages);
            Sqe.setPrp1(sqe, raw.dataIova + page * RawController.PAGE);
            Sqe.setPrp2(sqe, raw.dataIova + (page + 1) * RawController.PAGE);
            if (pages > 2) {
                long list = RawController.LISTS + (long) cid * RawController.PAGE;
                for (int i = 1; i < pages; i++) {
                    Memory.putLong(
                            raw.queueAddress(list) + 8L * (i - 1), raw.dataIova + (page + i) * RawController.PAGE);
                }
                Sqe.setPrp2(sqe, raw.queueIova + list);
            }
            int blocks = pages * (RawController.PAGE / 512);
            Sqe.setSlba(sqe, random.nextInt(DRIVE_BYTES / 512 - blocks));
            Sqe.setBlockCount(sqe, blocks);
        }

        private void reap() {
            boolean missing = dataMayBeMissing;
            int before = head;
            while (true) {
                long completion = Cqe.tail(raw.queueAddress(RawController.IO_CQ) + (long) head * Cqe.BYTES);
                if (Cqe.phase(completion) != phase) {
                    break;
                }
                int cid = Cqe.cid(completion);
                assertTrue(outstanding.get(cid), "command " + cid + " ended, and was not outstanding");
                outstanding.clear(cid);
                int status = Cqe.status(completion);
                boolean good =
                        status == Status.OK || ((missing || dataMayBeMissing) && Status.DATA_TRANSFER_ERROR.is(status));
                assertTrue(good, () -> "a command ended in " + Status.describe(status));
                head = (head + 1) % RawController.IO_ENTRIES;
                phase ^= head == 0 ? 1 : 0;
                ended.incrementAndGet();
            }
            if (head != before) {
                raw.ring(Doorbells.cqHeadDoorbell(1), head);
            }
        }

        /** Waits until so many more commands have ended. */
        void await(int commands) {
            long until = ended.get() + commands;
            long start = System.nanoTime();
            while (ended.get() < until) {
                assertAlive();
                assertTrue(
                        System.nanoTime() - start < 5 * RawController.DEADLINE_NANOS,
                        () -> "no command ends any more; outstanding " + outstanding);
                Thread.onSpinWait();
            }
        }

        void expectDataToBeMissing(boolean may) {
            dataMayBeMissing = may;
        }

        void pause() {
            idle = false;
            paused = true;
            while (!idle) {
                assertAlive();
                Thread.onSpinWait();
            }
        }

        /** The controller has new, empty queues. */
        void restart() {
            restarted = true;
            paused = false;
        }

        private void assertAlive() {
            if (failure != null) {
                throw new AssertionError("the load failed", failure);
            }
        }

        void stop() {
            running = false;
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            commandsEnded += ended.getAndSet(0);
            assertFalse(thread.isAlive());
        }

        @Override
        public void close() {
            stop();
            assertAlive();
        }
    }
}

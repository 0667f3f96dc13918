package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.device.InterruptKind;
import io.sluice.linux.EventFd;
import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.DoorbellBuffer;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Keeps the I/O queues of a {@link RawController} full from a thread of its own, and checks how each command ends. It looks at
 * a completion queue only when the queue's interrupt has come, so a lost interrupt ends the load, and so the test.
 *
 * <pre>
 *   queue memory:  0 admin … | 8000h two pairs of shadow doorbells and EventIdx | 1_0000h queue 1 | 8_0000h queue 2 | …
 *   each queue:    0 SQ | 1000h CQ | 1_0000h a page for each command: its PRP list, or its ranges
 * </pre>
 */
final class StormLoad implements AutoCloseable {
    static final int QUEUES = 4;
    static final int ENTRIES = 64;
    static final long HALF_BYTES = RawController.MEMORY_BYTES / 2;
    /** Blocks of 512 bytes: what is read and written. What is deallocated may be all of the drive. */
    private static final int USED_BLOCKS = 16 << 10;

    private static final int BLOCKS_PER_PAGE = RawController.PAGE / 512;
    /** Places for the doorbells of I/O queues, besides the page: all of them are rung, so the controller may look at any. */
    static final int SHADOWS = 2;

    private static final long FIRST_SHADOW = 0x8000;
    private static final long FIRST_QUEUE = 0x1_0000;
    private static final long QUEUE_BYTES = 0x7_0000;
    private static final long CQ = 0x1000;
    static final long CQ_BYTES = (long) ENTRIES * Cqe.BYTES;
    private static final long PAGES = 0x1_0000;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

    private enum Mode {
        /** Submits, and takes completions when an interrupt has come. */
        RUNNING,
        /** Submits and rings whatever it likes, and looks at no completion: the controller is about to lose its queues. */
        BLIND,
        PAUSED
    }

    private final RawController raw;
    private final long driveBlocks;
    private final Random random;
    private final Thread thread;
    private final List<Queue> queues = new ArrayList<>();
    private final List<EventFd> targets = new ArrayList<>();
    private final AtomicLong ended = new AtomicLong();
    private volatile boolean running = true;
    private volatile Mode mode = Mode.PAUSED;
    private volatile Mode modeSeen = Mode.PAUSED;
    /** Odd while some of the data memory may not be there. */
    private volatile int season;

    private volatile Throwable failure;

    StormLoad(RawController raw, long driveBlocks, long seed) throws IOException {
        this.raw = raw;
        this.driveBlocks = driveBlocks;
        this.random = new Random(seed);
        for (int i = 0; i <= QUEUES; i++) {
            targets.add(EventFd.create());
        }
        for (int i = 0; i < QUEUES; i++) {
            queues.add(new Queue(i + 1, targets.get(i + 1)));
        }
        this.thread = Thread.ofPlatform().name("load").start(this::run);
    }

    // ---- for the test's thread

    static long cqOffset(int index) {
        return FIRST_QUEUE + index * QUEUE_BYTES + CQ;
    }

    static long shadowOffset(int index) {
        return FIRST_SHADOW + 2L * index * RawController.PAGE;
    }

    static long eventIdxOffset(int index) {
        return shadowOffset(index) + RawController.PAGE;
    }

    /** The controller is ready, and has no I/O queues: makes them, and begins anew. Only while paused. */
    void start() throws IOException {
        setInterrupts();
        for (Queue queue : queues) {
            queue.begin();
            long cq = raw.adminSqe(AdminOpcode.CREATE_IO_CQ);
            AdminSqe.setCreateCq(cq, queue.qid, ENTRIES, raw.queueIova + queue.base + CQ, true, queue.qid);
            assertTrue(Status.isSuccess(raw.runAdmin()));
            long sq = raw.adminSqe(AdminOpcode.CREATE_IO_SQ);
            AdminSqe.setCreateSq(sq, queue.qid, ENTRIES, raw.queueIova + queue.base, queue.qid, AdminSqe.QPRIO_URGENT);
            assertTrue(Status.isSuccess(raw.runAdmin()));
        }
        enter(Mode.RUNNING);
    }

    /** As QEMU does it for each queue that a guest adds. */
    void churnInterrupts() throws IOException {
        raw.device.disableInterrupts(InterruptKind.MSIX);
        setInterrupts();
    }

    private void setInterrupts() throws IOException {
        raw.device.setInterruptTargets(InterruptKind.MSIX, 0, targets);
    }

    void blind() {
        enter(Mode.BLIND);
    }

    void pause() {
        enter(Mode.PAUSED);
    }

    private void enter(Mode next) {
        mode = next;
        long start = System.nanoTime();
        while (modeSeen != next) {
            assertAlive();
            assertTrue(System.nanoTime() - start < PATIENCE_NANOS, "the load does not react");
            Thread.onSpinWait();
        }
    }

    /** From now on a command may find its data missing, or not any more. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // one writer
    void dataMayBeMissing(boolean may) {
        assertTrue((season & 1) == (may ? 0 : 1));
        season++;
    }

    /** Waits until so many more commands have ended. */
    void await(int commands) {
        long until = ended.get() + commands;
        long start = System.nanoTime();
        while (ended.get() < until) {
            assertAlive();
            assertTrue(System.nanoTime() - start < PATIENCE_NANOS, () -> "no command ends any more: " + queues);
            LockSupport.parkNanos(20_000);
        }
    }

    private void assertAlive() {
        if (failure != null) {
            throw new AssertionError("the load failed", failure);
        }
    }

    /** Ends the thread; returns how many commands have ended. */
    long stop() {
        running = false;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        assertFalse(thread.isAlive());
        assertAlive();
        return ended.getAndSet(0);
    }

    @Override
    public void close() {
        stop();
        targets.forEach(EventFd::close);
    }

    // ---- the load's thread

    private void run() {
        try {
            while (running) {
                Mode now = mode;
                modeSeen = now;
                switch (now) {
                    case RUNNING -> queues.forEach(Queue::turn);
                    case BLIND -> queues.forEach(Queue::ringBlindly);
                    case PAUSED -> LockSupport.parkNanos(20_000);
                }
            }
        } catch (Throwable e) {
            failure = e;
        }
    }

    /** One queue pair, as the guest sees it. */
    private final class Queue {
        final int qid;
        final long base;
        private final EventFd target;
        private final BitSet outstanding = new BitSet();
        private final int[] seasonOf = new int[ENTRIES];
        private int tail;
        private int head;
        private int phase;

        Queue(int qid, EventFd target) {
            this.qid = qid;
            this.base = FIRST_QUEUE + (qid - 1) * QUEUE_BYTES;
            this.target = target;
        }

        void begin() {
            Memory.fill(raw.queueAddress(base + CQ), CQ_BYTES, (byte) 0);
            outstanding.clear();
            tail = 0;
            head = 0;
            phase = 1;
            setShadows(DoorbellBuffer.sqTailOffset(qid), 0);
            setShadows(DoorbellBuffer.cqHeadOffset(qid), 0);
        }

        private void ringTail(int value) {
            setShadows(DoorbellBuffer.sqTailOffset(qid), value);
            raw.ring(Doorbells.sqTailDoorbell(qid), value);
        }

        private void ringHead() {
            setShadows(DoorbellBuffer.cqHeadOffset(qid), head);
            raw.ring(Doorbells.cqHeadDoorbell(qid), head);
        }

        private void setShadows(int offset, int value) {
            for (int i = 0; i < SHADOWS; i++) {
                Memory.putIntRelease(raw.queueAddress(shadowOffset(i)) + offset, value);
            }
        }

        void turn() {
            submit();
            if (target.drain() > 0) {
                reap();
            }
        }

        private void submit() {
            int batch = random.nextInt(8);
            for (int i = 0; i < batch && outstanding.cardinality() < ENTRIES - 1; i++) {
                int cid = outstanding.nextClearBit(0);
                outstanding.set(cid);
                seasonOf[cid] = season;
                put(cid);
            }
            ringTail(tail);
        }

        private void put(int cid) {
            write(raw.queueAddress(base) + (long) tail * Sqe.BYTES, cid);
            tail = (tail + 1) % ENTRIES;
        }

        void ringBlindly() {
            put(random.nextInt(ENTRIES));
            ringTail(random.nextBoolean() ? tail : random.nextInt(ENTRIES));
        }

        private void write(long sqe, int cid) {
            int kind = random.nextInt(100);
            Sqe.clear(sqe);
            Sqe.setNsid(sqe, 1);
            if (kind < 2) {
                deallocate(sqe, cid, kind == 0);
            } else if (kind < 8) {
                Sqe.setCommand(sqe, NvmOpcode.WRITE_ZEROES, cid);
                Sqe.setBlockCount(sqe, 1 + random.nextInt(1 << 16)); // up to 32 MiB
                Sqe.setSlba(sqe, random.nextInt(USED_BLOCKS));
            } else if (kind < 10) {
                Sqe.setCommand(sqe, NvmOpcode.FLUSH, cid);
            } else {
                transfer(sqe, cid, kind % 2 == 0 ? NvmOpcode.READ : NvmOpcode.WRITE);
            }
        }

        private void deallocate(long sqe, int cid, boolean all) {
            long page = base + PAGES + (long) cid * RawController.PAGE;
            DsmRange.set(raw.queueAddress(page), 0, all ? Math.min(driveBlocks, 0xffff_ffffL) : 100, 0);
            Sqe.setCommand(sqe, NvmOpcode.DATASET_MANAGEMENT, cid);
            Sqe.setDsm(sqe, 1, Sqe.DSM_DEALLOCATE);
            Sqe.setPrp1(sqe, raw.queueIova + page);
        }

        /** Data in one half of the data memory. */
        private void transfer(long sqe, int cid, int opcode) {
            int pages = 1 + random.nextInt(16);
            long half = raw.dataIova + random.nextInt(2) * HALF_BYTES;
            long first =
                    half + random.nextInt((int) (HALF_BYTES / RawController.PAGE) - pages) * (long) RawController.PAGE;
            Sqe.setCommand(sqe, opcode, cid);
            Sqe.setPrp1(sqe, first);
            Sqe.setPrp2(sqe, first + RawController.PAGE);
            if (pages > 2) {
                long list = base + PAGES + (long) cid * RawController.PAGE;
                for (int i = 1; i < pages; i++) {
                    Memory.putLong(raw.queueAddress(list) + 8L * (i - 1), first + (long) i * RawController.PAGE);
                }
                Sqe.setPrp2(sqe, raw.queueIova + list);
            }
            Sqe.setSlba(sqe, random.nextInt(USED_BLOCKS));
            Sqe.setBlockCount(sqe, pages * BLOCKS_PER_PAGE);
        }

        private void reap() {
            int before = head;
            long completion = Cqe.tail(raw.queueAddress(base + CQ) + (long) head * Cqe.BYTES);
            while (Cqe.phase(completion) == phase) {
                take(Cqe.cid(completion), Cqe.status(completion));
                head = (head + 1) % ENTRIES;
                phase ^= head == 0 ? 1 : 0;
                completion = Cqe.tail(raw.queueAddress(base + CQ) + (long) head * Cqe.BYTES);
            }
            if (head != before) {
                ringHead();
            }
        }

        private void take(int cid, int status) {
            assertTrue(
                    cid < ENTRIES && outstanding.get(cid), () -> "command " + cid + " ended, and was not outstanding");
            outstanding.clear(cid);
            int now = season;
            boolean mayMiss = (now & 1) == 1 || seasonOf[cid] != now;
            assertTrue(
                    status == Status.OK || (mayMiss && Status.DATA_TRANSFER_ERROR.is(status)),
                    () -> "command " + cid + " of queue " + qid + " ended in " + Status.describe(status));
            ended.incrementAndGet();
        }

        @Override
        public String toString() {
            return "queue " + qid + " " + outstanding;
        }
    }
}

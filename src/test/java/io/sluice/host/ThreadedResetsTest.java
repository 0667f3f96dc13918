package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.daemon.DriveOptions;
import io.sluice.daemon.SoftwareModel;
import io.sluice.device.Loopback;
import io.sluice.dma.IovaAllocator;
import io.sluice.mem.Memory;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/**
 * Two pollers and a supervisor, each on its thread, on the software model, which is reset again and again: what virtual time and
 * one thread ({@link FaultRunsTest}) cannot show. Each command ends once, what has ended well has read what was written, and the
 * device works in the end.
 */
class ThreadedResetsTest {
    private static final DriveOptions OPTIONS = new DriveOptions(16 << 20, 512, "THREADS", false, 64);

    private static final int COMMANDS = 31;
    private static final int BYTES = 3 * Memory.PAGE_BYTES;
    private static final int BLOCKS = BYTES / 512;

    /** Nothing here asserts a time; a wait that is longer than this is a hang. */
    private static final long HANG_NANOS = 120_000_000_000L;

    private final long seed = Long.getLong("sluice.seed", System.nanoTime());
    private final int resets = Integer.getInteger("sluice.threaded.resets", 40);
    private volatile boolean draining;

    /** One queue pair and the memory of its commands: each reads its own blocks, which hold its number. */
    private final class Poller implements Runnable, CompletionListener {
        private final QueuePair pair;
        private final DmaArea area;
        private final long firstBlock;
        private final BitSet inFlight = new BitSet();
        private final List<String> errors = new ArrayList<>();
        private final AtomicLong endedByDevice = new AtomicLong();
        private final AtomicLong endedByDriver = new AtomicLong();

        Poller(QueuePair pair, DmaArea area) {
            this.pair = pair;
            this.area = area;
            this.firstBlock = (long) pair.qid() * COMMANDS * BLOCKS;
        }

        private long address(int number) {
            return area.address() + (long) number * BYTES;
        }

        private boolean submit(int number, boolean write) {
            long iova = area.iova() + (long) number * BYTES;
            long slba = firstBlock + (long) number * BLOCKS;
            for (int at = 0; at < BYTES; at += Memory.PAGE_BYTES) {
                Memory.putLong(address(number) + at, write ? word(number, at) : 0);
            }
            boolean taken = write
                    ? pair.write(1, slba, BLOCKS, iova, BYTES, number)
                    : pair.read(1, slba, BLOCKS, iova, BYTES, number);
            inFlight.set(number, taken);
            return taken;
        }

        private long word(int number, int at) {
            return (long) pair.qid() << 32 | number << 16 | at;
        }

        /** Before there are resets. */
        void fill() throws IOException {
            for (int number = 0; number < COMMANDS; number++) {
                assertTrue(submit(number, true));
            }
            pair.ring();
            long start = System.nanoTime();
            while (!inFlight.isEmpty()) {
                assertTrue(System.nanoTime() - start < HANG_NANOS, "no completion");
                pair.poll((token, status, dw0) -> inFlight.clear((int) token), COMMANDS);
            }
        }

        /** Whether the device has ended some, and the driver others. */
        boolean hasSeenBothEnds() {
            return endedByDevice.get() > 0 && endedByDriver.get() > 0;
        }

        @Override
        public void run() {
            long start = System.nanoTime();
            while (!draining || !inFlight.isEmpty()) {
                if (System.nanoTime() - start > HANG_NANOS) {
                    errors.add("commands " + inFlight + " have not ended");
                    return;
                }
                step();
            }
        }

        private void step() {
            try {
                pair.poll(this, 16);
                for (int number = inFlight.nextClearBit(0); !draining && number < COMMANDS; ) {
                    if (!submit(number, false)) {
                        break;
                    }
                    number = inFlight.nextClearBit(number);
                }
                pair.ring();
            } catch (IOException | RuntimeException e) {
                errors.add(e.toString());
            }
            pair.checkDeadlines(System.nanoTime());
            LockSupport.parkNanos(1);
        }

        @Override
        public void onCompletion(long token, int status, int dw0) {
            int number = (int) token;
            if (!inFlight.get(number)) {
                errors.add("command " + number + " has ended twice");
            }
            inFlight.clear(number);
            if (status == DriverStatus.CONTROLLER_RESET) {
                endedByDriver.incrementAndGet();
            } else if (Status.isSuccess(status)) {
                endedByDevice.incrementAndGet();
                check(number);
            } else {
                errors.add(DriverStatus.describe(status));
            }
        }

        private void check(int number) {
            for (int at = 0; at < BYTES; at += Memory.PAGE_BYTES) {
                if (Memory.getLong(address(number) + at) != word(number, at)) {
                    errors.add("command " + number + " has read something else");
                }
            }
        }
    }

    @Test
    void shouldEndEachCommandOnceWhenTheControllerIsResetUnderTwoPollers() throws Exception {
        System.out.println("ThreadedResetsTest seed " + seed + ", " + resets + " resets");
        SoftwareModel model = SoftwareModel.start(OPTIONS.serial(), OPTIONS);
        try (Loopback device = new Loopback(model.function())) {
            IovaAllocator iovas = new IovaAllocator(List.of(new IovaAllocator.Range(0x10_0000, 0xffff_ffffL)));
            try (NvmeDriver driver = NvmeDriver.start(device, iovas, DriverOptions.polled(2, COMMANDS + 1))) {
                run(driver);
            }
        } finally {
            model.close();
        }
    }

    private void run(NvmeDriver driver) throws Exception {
        List<Poller> pollers = new ArrayList<>();
        for (QueuePair pair : driver.queuePairs()) {
            pollers.add(new Poller(pair, driver.allocate("data", (long) COMMANDS * BYTES)));
            pollers.getLast().fill();
        }
        List<Thread> threads = pollers.stream()
                .map(poller -> Thread.ofPlatform().start(poller))
                .toList();
        superviseWithResets(driver, pollers);
        draining = true;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                driver.supervise(System.nanoTime());
                thread.join(1);
            }
        }
        for (Poller poller : pollers) {
            assertEquals(List.of(), poller.errors);
            assertTrue(poller.hasSeenBothEnds(), "commands have ended in both ways");
            assertEquals(0, poller.pair.inFlight());
        }
        assertFalse(driver.isDead());
        driver.shutDown();
    }

    /** Until there were enough resets, and each queue has met some in the middle of its commands, and some between. */
    private void superviseWithResets(NvmeDriver driver, List<Poller> pollers) {
        Random random = new Random(seed);
        long start = System.nanoTime();
        while (driver.resets() < resets || !pollers.stream().allMatch(Poller::hasSeenBothEnds)) {
            assertTrue(
                    System.nanoTime() - start < HANG_NANOS, driver.resets() + " resets only, or none that was noticed");
            if (random.nextInt(20) == 0) {
                driver.requestReset("the test says so");
            }
            driver.supervise(System.nanoTime());
            LockSupport.parkNanos(random.nextInt(1_000_000));
        }
    }
}

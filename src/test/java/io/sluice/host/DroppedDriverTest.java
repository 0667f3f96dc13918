package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.dma.IovaAllocator;
import io.sluice.host.FaultyNvme.Fate;
import io.sluice.host.FaultyNvme.Faults;
import io.sluice.mem.Memory;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Status;
import io.sluice.state.DroppingStores;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;

/**
 * A driver is dropped before each of its stores and doorbells in turn, and another one goes on with the same device: each command is done
 * once and ends once, and nothing of the first one is left with the device.
 */
class DroppedDriverTest {
    private static final int PAIRS = 2;
    private static final int ENTRIES = 8;
    private static final int COMMANDS = 60;
    private static final int PAGE = 4096;
    private static final int MAX_CYCLES = 2_000;
    private static final DriverOptions OPTIONS =
            DriverOptions.polled(PAIRS, ENTRIES).withTimeouts(RecoveryFixture.TIMEOUTS);

    /** A device, and one driver after the other. */
    private static final class Life implements AutoCloseable {
        final FaultyNvme device = new FaultyNvme();
        final VirtualClock clock = new VirtualClock();
        final LongSupplier spans;
        final Random random;
        final Set<Long> ended = new HashSet<>();
        DroppingStores stores = new DroppingStores(DroppingStores.NEVER);
        NvmeDriver driver;
        DriverState.Left left;
        DmaArea data;
        int revivals;

        /** Of this process: what it has submitted. */
        final Set<Long> submitted = new HashSet<>();

        /** Told twice, as the process that heard of it first had no time to say so. */
        int again;

        Life(LongSupplier spans, Random random) throws IOException {
            this.spans = spans;
            this.random = random;
            device.grantedQueues = PAIRS;
            device.faults = new Faults() {
                @Override
                public Fate fate(int qid, int opcode) {
                    return qid > 0 && random.nextInt(3) == 0 ? Fate.LATE : Fate.DONE;
                }

                @Override
                public boolean lateNow() {
                    return random.nextInt(4) == 0;
                }
            };
            driver = NvmeDriver.start(device, iovas(), OPTIONS.withClock(clock), stores);
            data = driver.allocate("data", COMMANDS * PAGE);
            left = driver.left().duplicate();
            driver.leave();
            revivals = -1; // the next one is the first
            revive();
        }

        static IovaAllocator iovas() {
            return new IovaAllocator(List.of(new IovaAllocator.Range(0, 0xffff_ffffL)));
        }

        /** Another process, which may be dropped while it takes over. */
        void revive() throws IOException {
            do {
                assertTrue(++revivals < 1_000, "it gets nowhere");
                stores = new DroppingStores(spans.getAsLong());
                DriverState.Left kept = left.duplicate();
                try {
                    driver = NvmeDriver.resume(device, iovas(), OPTIONS.withClock(clock), kept, stores);
                    data = driver.allocate("data", COMMANDS * PAGE);
                    driver.allTakenOver();
                    submitted.clear();
                } catch (DroppingStores.Dropped e) {
                    assertTrue(stores.isDropped());
                } finally {
                    if (stores.isDropped() && driver != null) {
                        driver.leave();
                    }
                }
            } while (stores.isDropped());
        }

        /** What a process does: whatever it is, the next one goes on after it. */
        interface Step {
            void run() throws IOException;
        }

        void step(Step step) throws IOException {
            try {
                step.run();
            } catch (DroppingStores.Dropped e) {
                assertTrue(stores.isDropped());
            }
            if (stores.isDropped()) {
                driver.leave();
                revive();
            }
        }

        void cycle() throws IOException {
            step(this::submit);
            device.step();
            step(this::poll);
            clock.advanceMillis(1);
            step(() -> driver.supervise(clock.nanoTime()));
        }

        private void submit() throws IOException {
            for (QueuePair pair : driver.queuePairs()) {
                for (long token = pair.qid(); token <= COMMANDS; token += PAIRS) {
                    if (!ended.contains(token) && !isOutstanding(token) && random.nextInt(3) == 0) {
                        long iova = data.iova() + (token - 1) * PAGE;
                        if (pair.read(1, token, 1, iova, 512, token)) {
                            submitted.add(token);
                        }
                    }
                }
                pair.ring();
            }
        }

        boolean isOutstanding(long token) {
            for (QueuePair pair : driver.queuePairs()) {
                for (int slot = 0; slot < pair.depth(); slot++) {
                    if (pair.outstandingToken(slot) == token) {
                        return true;
                    }
                }
            }
            return false;
        }

        private void poll() throws IOException {
            for (QueuePair pair : driver.queuePairs()) {
                pair.poll(this::ended, 1 + random.nextInt(4));
            }
        }

        private void ended(long token, int status, int dw0) {
            boolean mine = submitted.remove(token);
            if (status == DriverStatus.CONTROLLER_RESET) {
                return; // it is submitted again
            }
            assertEquals(Status.OK, status);
            if (mine) {
                assertEquals(token, Memory.getLong(data.address() + (token - 1) * PAGE), "data");
            }
            if (!ended.add(token)) {
                assertFalse(mine, "command " + token + " has ended twice");
                again++;
            }
        }

        void finish() throws IOException {
            for (int i = 0; ended.size() < COMMANDS; i++) {
                assertTrue(i < MAX_CYCLES, () -> "not ended: " + ended.size() + " of " + COMMANDS);
                cycle();
            }
            for (int i = 0; i < 10; i++) {
                cycle();
            }
            assertTrue(again <= revivals, again + " told twice, " + revivals + " drivers");
            driver.queuePairs().forEach(pair -> assertEquals(0, pair.inFlight()));
        }

        @Override
        public void close() {
            try {
                stores = null;
                driver.close();
            } catch (DroppingStores.Dropped e) {
                driver.leave();
            }
            device.close();
        }
    }

    private static LongSupplier once(long steps) {
        long[] next = {steps};
        return () -> {
            long span = next[0];
            next[0] = DroppingStores.NEVER;
            return span;
        };
    }

    /** What a life is like, and what must hold after it. */
    private interface Course {
        void run(Life life) throws IOException;
    }

    /** As what the device does is up to chance, there are more steps in some lives than in others: on until several have met no drop. */
    private static void dropEverywhere(Course course) {
        int drops = 0;
        for (long step = 0, whole = 0; whole < 5; step++) {
            try (Life life = new Life(once(step), new Random(step))) {
                course.run(life);
                whole = life.revivals == 0 ? whole + 1 : 0;
                drops += life.revivals;
            } catch (AssertionError | Exception e) {
                throw new AssertionError("dropped after step " + step, e);
            }
        }
        assertTrue(drops > 300, drops + " fault points");
    }

    @Test
    void shouldDoAndEndEachCommandOnceWhereverItIsDropped() {
        dropEverywhere(life -> {
            life.finish();
            assertEquals(COMMANDS, life.device.commandsTaken, "commands that the device has got");
            assertEquals(4, life.device.maps.size(), "what the device has: admin queues and data, I/O queues, data");
        });
    }

    @Test
    void shouldEndEachCommandWhereverItIsDroppedInAReset() {
        dropEverywhere(life -> {
            for (int i = 0; i < 6; i++) {
                life.cycle();
            }
            life.device.csts = Csts.withFatal(life.device.csts, true);
            life.clock.advanceMillis(1_000);
            life.finish();
            assertTrue(life.driver.resets() + life.revivals > 0, "no reset");
        });
    }

    @Test
    void shouldDoAndEndEachCommandOnceWhenItIsDroppedAgainAndAgain() throws Exception {
        long seed = Long.getLong("sluice.seed", System.nanoTime());
        Random random = new Random(seed);
        int drops = 0;
        for (int i = 0; i < 100; i++) {
            try (Life life = new Life(() -> random.nextInt(200), random)) {
                life.finish();
                assertEquals(COMMANDS, life.device.commandsTaken, "commands that the device has got");
                drops += life.revivals;
            } catch (AssertionError | Exception e) {
                throw new AssertionError("life " + i + ", -Dsluice.seed=" + seed, e);
            }
        }
        assertTrue(drops > 300, drops + " drivers");
    }

    @Test
    void shouldNotGoOnWithADriverThatHasShutDown() throws Exception {
        FaultyNvme device = new FaultyNvme();
        device.grantedQueues = PAIRS;
        NvmeDriver driver = NvmeDriver.start(device, Life.iovas(), OPTIONS);
        DriverState.Left left = driver.left().duplicate();
        driver.close();
        IOException refused =
                assertThrows(IOException.class, () -> NvmeDriver.resume(device, Life.iovas(), OPTIONS, left));
        assertTrue(refused.getMessage().contains("start afresh"), refused.getMessage());
        device.close();
    }

    @Test
    void shouldNotGoOnWithADriverThatWasComingUp() throws Exception {
        FaultyNvme device = new FaultyNvme();
        device.grantedQueues = PAIRS;
        DriverState state = DriverState.create("fake", OPTIONS, new DroppingStores(DroppingStores.NEVER));
        DriverState.Left left = new DriverState.Left(state.fd().duplicate(), null, null, null);
        state.close();
        IOException refused =
                assertThrows(IOException.class, () -> NvmeDriver.resume(device, Life.iovas(), OPTIONS, left));
        assertTrue(refused.getMessage().contains("bringing it up"), refused.getMessage());
        device.close();
    }

    /** Its commands have ended, and it may have them still: so it does not get its bus master back. */
    @Test
    void shouldNotGoOnWithADeviceThatWasGivenUp() throws Exception {
        FaultyNvme device = new FaultyNvme();
        device.grantedQueues = PAIRS;
        VirtualClock clock = new VirtualClock();
        NvmeDriver driver = NvmeDriver.start(device, Life.iovas(), OPTIONS.withClock(clock));
        device.readyNeverComes = true;
        device.csts = Csts.withFatal(device.csts, true);
        for (int i = 0; i < 20 && !driver.isDead(); i++) {
            clock.advanceMillis(1_000);
            driver.supervise(clock.nanoTime());
        }
        assertTrue(driver.isDead());
        DriverState.Left left = driver.left().duplicate();
        driver.leave();
        IOException refused =
                assertThrows(IOException.class, () -> NvmeDriver.resume(device, Life.iovas(), OPTIONS, left));
        assertTrue(refused.getMessage().contains("given it up"), refused.getMessage());
        device.close();
    }

    @Test
    void shouldNotGoOnWithAnotherDevice() throws Exception {
        FaultyNvme device = new FaultyNvme();
        device.grantedQueues = PAIRS;
        NvmeDriver driver = NvmeDriver.start(device, Life.iovas(), OPTIONS);
        DriverState.Left left = driver.left().duplicate();
        driver.leave();
        device.serial = 'X';
        IOException refused =
                assertThrows(IOException.class, () -> NvmeDriver.resume(device, Life.iovas(), OPTIONS, left));
        assertTrue(refused.getMessage().contains("another controller"), refused.getMessage());
        device.close();
    }
}

package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.dma.DmaRefused;
import io.sluice.dma.IovaAllocator;
import io.sluice.host.FaultyNvme.Fate;
import io.sluice.host.FaultyNvme.Faults;
import io.sluice.nvme.AsyncEvent;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Csts;
import io.sluice.nvme.IdentifyController;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Many short lives of a driver on a device that misbehaves at random, in virtual time: lost, late, duplicate and wrong
 * completions, completions of another command or in the wrong place, failed commands, mappings that fail, fatal errors, a device
 * that goes, a hang at each step of coming up. Each life ends each command exactly once, and leaves no mapping, no descriptor,
 * no IOVA and no slot behind.
 *
 * <p>Each command has memory of its own ({@link FaultRunsBuffers}). When it ends, the device must not have it any more, or must
 * not be able to do DMA: this is asked of the device itself, whatever the driver believes.
 */
class FaultRunsTest {
    private static final long IOVAS = 0xffff_ffffL;
    private static final Timeouts TIMEOUTS = new Timeouts(30_000, 5_000, 5_000, 3);
    private static final int QUEUES = 2;
    private static final int ENTRIES = 8;
    /** In the order in which a driver with two queue pairs sends them to a device with one namespace. */
    private static final List<String> COMMANDS_TO_COME_UP = List.of(
            "Identify Controller on",
            "Identify Active Namespaces above 0 on",
            "Identify Namespace 1 on",
            "Identify Descriptors of Namespace 1 on",
            "Set Features Number of Queues, 2 on",
            "Create I/O Completion Queue 1 of",
            "Create I/O Completion Queue 2 of",
            "Create I/O Submission Queue 1 of",
            "Create I/O Submission Queue 2 of");

    private static final List<String> STEPS = Stream.concat(
                    COMMANDS_TO_COME_UP.stream(), Stream.of("end what it did before", "become ready"))
            .toList();
    private static final List<Fate> FATES = List.of(Fate.values());
    private static final int CYCLES = 60;
    /** Enough for every command to be late, aborted, reset away, and for the device to die of it. */
    private static final int LAST_CYCLES = 400;

    private static final List<AsyncEvent> EVENTS = List.of(AsyncEvent.values());
    private static final long NOT_COUNTED = -1;
    private static final Set<Integer> ENDS_BY_DRIVER =
            Set.of(DriverStatus.CONTROLLER_RESET, DriverStatus.DEVICE_DEAD, DriverStatus.DEVICE_LOST);

    private final long seed = Long.getLong("sluice.seed", System.nanoTime());

    private long commands;
    private long resets;
    private long deaths;
    private long notStarted;
    private long eventsTold;
    private final Set<String> stepsThatHung = new HashSet<>();

    @Test
    void shouldEndEachCommandOnceAndLeakNothingWhateverTheDeviceDoes() throws Exception {
        int runs = Integer.getInteger("sluice.fault.runs", 500);
        System.out.println("FaultRunsTest seed " + seed + ", " + runs
                + " runs (repeat one with -Dsluice.seed= and -Dsluice.fault.runs=1, more with -Dsluice.fault.runs=)");
        new Life(0).live();
        long descriptors = descriptors();
        for (int i = 0; i < runs; i++) {
            try {
                new Life(seed + i).live();
            } catch (AssertionError | Exception e) {
                throw new AssertionError("with -Dsluice.seed=" + (seed + i) + " -Dsluice.fault.runs=1: " + e, e);
            }
        }
        assertEquals(descriptors, descriptors(), "descriptors");
        System.out.println("FaultRunsTest: " + commands + " commands, " + resets + " resets, " + deaths + " deaths, "
                + notStarted + " devices that did not start");
        if (runs >= 100) {
            assertTrue(
                    commands > 0 && resets > 0 && deaths > 0 && notStarted > 0 && eventsTold > 0,
                    "every kind of life was led");
            assertEquals(Set.copyOf(STEPS), stepsThatHung, "each step has hung, and its message named it");
        }
    }

    private static long descriptors() throws IOException {
        try (var entries = Files.list(Path.of("/proc/self/fd"))) {
            return entries.count();
        }
    }

    /** Most lives have few faults of all kinds, some many of one. */
    private static final class RandomFaults implements Faults {
        private final RandomGenerator random;
        private final Fate favourite;
        private final double rate;
        private final double hangRate;
        boolean quiet;
        /** Whether mappings fail, events come in storms, and memory is not decoded for a while. */
        final boolean isOdd;

        Runnable meanwhile = () -> {};

        private final int hangingCommand;
        private int adminCommands;

        /** @param hangingCommand which admin command after enabling never ends; -1 for none */
        RandomFaults(RandomGenerator random, int hangingCommand) {
            this.hangingCommand = hangingCommand;
            this.random = random;
            favourite = random.nextInt(3) == 0 ? any(random) : Fate.DONE;
            rate = Math.pow(10, -random.nextDouble(0.5, 3));
            isOdd = random.nextInt(4) == 0;
            hangRate = random.nextInt(3) == 0 ? random.nextDouble() : 0;
        }

        private static Fate any(RandomGenerator random) {
            return FATES.get(random.nextInt(FATES.size()));
        }

        @Override
        public Fate fate(int qid, int opcode) {
            if (qid == 0 && adminCommands++ == hangingCommand && !quiet) {
                return Fate.LOST;
            }
            boolean rare = qid == 0 && random.nextInt(8) != 0;
            if (quiet || rare || random.nextDouble() >= rate) {
                return Fate.DONE;
            }
            return favourite == Fate.DONE ? any(random) : favourite;
        }

        @Override
        public boolean abortWorks() {
            return random.nextBoolean();
        }

        @Override
        public boolean abortEnds() {
            return random.nextInt(8) != 0;
        }

        @Override
        public boolean lateNow() {
            return random.nextInt(16) == 0;
        }

        @Override
        public boolean mapFails() {
            return !quiet && isOdd && random.nextInt(64) == 0;
        }

        @Override
        public void beforeConfigure(FaultyNvme device) {
            if (random.nextBoolean()) {
                meanwhile.run();
            }
            adminCommands = 0;
            device.readyNeverComes = hangs();
            device.readyNeverGoes = hangs();
            device.fatalOnEnable = hangs();
            device.failOpcode = -1;
        }

        @Override
        public void beforeReset(FaultyNvme device) {
            if (hangs()) {
                throw new IllegalStateException("no function reset");
            }
            device.gone &= random.nextBoolean();
        }

        private boolean hangs() {
            return !quiet && random.nextDouble() < hangRate / 3;
        }
    }

    private final class Life {
        private final Random random;
        private final RandomFaults faults;
        private final FaultyNvme device = new FaultyNvme();
        private final VirtualClock clock = new VirtualClock();
        private final IovaAllocator iovas = new IovaAllocator(List.of(new IovaAllocator.Range(0, IOVAS)));
        private final List<Integer> timesEnded = new ArrayList<>();
        private final FaultRunsBuffers buffers;
        private NvmeDriver driver;

        Life(long seed) {
            random = new Random(seed);
            int step = (int) Math.floorMod(seed, 3L * COMMANDS_TO_COME_UP.size());
            faults = new RandomFaults(random, step < COMMANDS_TO_COME_UP.size() ? step : -1);
            if (random.nextInt(4) == 0) {
                device.cc = Cc.withEnabled(0, true);
                device.csts = Csts.withReady(0, true);
            }
            buffers = new FaultRunsBuffers(device);
            clock.onPause = device::stepAdmin;
        }

        private DriverOptions options() {
            DriverOptions options =
                    DriverOptions.polled(QUEUES, ENTRIES).withTimeouts(TIMEOUTS).withClock(clock);
            device.sglSupport = random.nextInt(2);
            device.optionalAdminCommands = random.nextBoolean() ? IdentifyController.OACS_DOORBELL_BUFFER : 0;
            options = random.nextInt(4) == 0 ? options.withInterrupts() : options;
            options = random.nextBoolean() ? options.withDoorbellBuffer() : options;
            return random.nextBoolean() ? options.withSgl() : options;
        }

        void live() throws IOException {
            device.faults = faults;
            try {
                driver = NvmeDriver.start(device, iovas, options());
            } catch (IOException | InternalError e) {
                notStarted++;
                STEPS.stream().filter(String.valueOf(e.getMessage())::contains).forEach(stepsThatHung::add);
            }
            if (driver != null) {
                liveOn();
            }
            assertEquals(device.kept.size(), device.maps.size(), "mappings");
            if (device.kept.isEmpty()) {
                assertAllIovasAreFree();
            }
            device.close();
        }

        private void liveOn() throws IOException {
            if (random.nextBoolean()) {
                driver.listen(event -> eventsTold++);
            }
            faults.meanwhile = this::pollAll;
            for (int i = 0; i < CYCLES; i++) {
                cycle(true);
            }
            if (random.nextInt(8) != 0) {
                end();
            }
            faults.meanwhile = () -> {};
            if (random.nextBoolean()) {
                shutDown();
            }
            driver.close();
        }

        private void end() throws IOException {
            faults.quiet = random.nextBoolean();
            for (int i = 0; i < LAST_CYCLES && inFlight() > 0; i++) {
                cycle(false);
            }
            assertEquals(0, inFlight(), "slots");
            assertEndedOnce();
            commands += timesEnded.size();
            resets += driver.resets();
            deaths += driver.isDead() ? 1 : 0;
            if (!driver.isDead()) {
                assertSlotsAreFree();
            }
        }

        private void assertEndedOnce() {
            timesEnded.forEach(times -> assertEquals(1, times, "ends of one command"));
        }

        private void shutDown() {
            try {
                driver.shutDown();
            } catch (IOException failed) {
                assertNotEquals("", failed.getMessage());
            }
            for (int i = 0; i < QUEUES * ENTRIES; i++) {
                pollAll();
            }
            assertEquals(0, inFlight(), "slots");
        }

        private int inFlight() {
            return driver.queuePairs().stream().mapToInt(QueuePair::inFlight).sum();
        }

        /** Once nothing is in flight, the driver still comes up again if it has to, and every slot can be used. */
        private void assertSlotsAreFree() throws IOException {
            for (QueuePair pair : driver.queuePairs()) {
                int taken = 0;
                while (pair.mode() == PairState.Mode.RUNNING && pair.flush(1, NOT_COUNTED)) {
                    taken++;
                }
                assertTrue(taken == 0 || taken == pair.depth(), taken + " of " + pair.depth() + " slots");
            }
        }

        private void cycle(boolean submit) {
            clock.advanceMillis(random.nextInt(random.nextInt(8) == 0 ? 20_000 : 500));
            device.step();
            device.decodingOff = !faults.quiet && faults.isOdd && random.nextInt(100) == 0;
            for (QueuePair pair : driver.queuePairs()) {
                poll(pair);
                if (submit) {
                    submit(pair);
                }
                ring(pair);
                pair.checkDeadlines(clock.nanoTime());
            }
            for (int i = random.nextInt(4); i > 0 && faults.isOdd; i--) {
                device.event(EVENTS.get(random.nextInt(EVENTS.size())).dw0());
            }
            if (random.nextInt(4) != 0) {
                driver.supervise(clock.nanoTime());
            }
            if (random.nextInt(4) == 0) {
                closeOneOfALateCommand();
            }
        }

        /** As pollers on other threads do, in the middle of a reset. */
        private void pollAll() {
            driver.queuePairs().forEach(this::poll);
        }

        private void poll(QueuePair pair) {
            try {
                pair.poll(this::ended, 1 + random.nextInt(ENTRIES));
            } catch (IOException failed) {
                assertNotEquals("", failed.getMessage());
            }
        }

        private static void ring(QueuePair pair) {
            try {
                pair.ring();
            } catch (IOException failed) {
                assertNotEquals("", failed.getMessage());
            }
        }

        private void submit(QueuePair pair) {
            int opcode = random.nextBoolean() ? NvmOpcode.READ : NvmOpcode.WRITE;
            for (int i = random.nextInt(ENTRIES); i > 0; i--) {
                FaultRunsBuffers.Buffer buffer = buffers.any(driver, random);
                long sqe = buffer == null ? 0 : pair.begin(opcode, 1);
                if (sqe == 0) {
                    return;
                }
                long token = timesEnded.size();
                pair.setData(sqe, buffer.iova(), buffer.bytes());
                Sqe.setSlba(sqe, token); // so that the device knows it by the same name
                Sqe.setBlockCount(sqe, buffer.bytes() / 512);
                buffers.use(buffer, token, opcode);
                pair.commit(token);
                timesEnded.add(0);
            }
        }

        private void ended(long token, int status, int dw0) {
            if (token == NOT_COUNTED) {
                return;
            }
            timesEnded.set((int) token, timesEnded.get((int) token) + 1);
            if (DriverStatus.isByDriver(status)) {
                assertTrue(ENDS_BY_DRIVER.contains(status), Status.describe(status));
            } else {
                assertTrue(device.finished.contains(token), "the device has completed this one, not another");
            }
            buffers.ended(token, status);
        }

        /** What an owner does that does not wait for late commands; with others in flight it would be the owner's mistake. */
        private void closeOneOfALateCommand() {
            int late = driver.queuePairs().stream().mapToInt(QueuePair::late).sum();
            if (late == inFlight()) {
                buffers.closeOne();
            }
        }

        private void assertAllIovasAreFree() {
            long all = IOVAS + 1 - 4096;
            try {
                iovas.free(iovas.allocate(all, 4096), all);
            } catch (DmaRefused e) {
                throw new AssertionError("IOVAs are left taken", e);
            }
        }
    }
}

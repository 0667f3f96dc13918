package io.sluice.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.sluice.bench.BenchResult.Verification;
import io.sluice.daemon.SoftwareModel;
import io.sluice.device.Loopback;
import io.sluice.dma.IovaAllocator;
import io.sluice.host.DmaArea;
import io.sluice.host.DriverOptions;
import io.sluice.host.NvmeDriver;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whole runs over Loopback, on a model in this process. */
class BenchTest {
    private static final int BLOCKS = 32_768; // 16 MiB
    private static final int DEPTH = 16;
    private static final long SEED = 4711;

    private FaultyStorage storage;
    private SoftwareModel model;
    private Loopback device;
    private NvmeDriver driver;

    @BeforeEach
    void start() throws IOException {
        storage = new FaultyStorage(BLOCKS);
        model = SoftwareModel.start("BENCH", storage);
        device = new Loopback(model.function());
        driver = NvmeDriver.start(
                device,
                new IovaAllocator(List.of(new IovaAllocator.Range(0, 0xffff_ffffL))),
                DriverOptions.polled(2, 64));
    }

    @AfterEach
    void stop() {
        storage.stuck = false;
        driver.close();
        device.close();
        model.close();
    }

    private static BenchOptions options(Operation operation, int blockBytes, int queues, boolean verify, long size) {
        return new BenchOptions(operation, blockBytes, DEPTH, queues, queues, 1, 0, 50, verify, SEED, size, 0);
    }

    private BenchResult run(BenchOptions options) throws IOException {
        return new Bench(driver, options, Progress.NONE).run();
    }

    // ---- what is measured

    @Test
    void shouldMeasureReadsOnlyWhenReading() throws IOException {
        BenchResult result = run(options(Operation.RANDREAD, 4096, 1, false, 0));
        assertTrue(result.reads().commands() > 0);
        assertEquals(0, result.writes().commands());
        assertEquals(result.reads(), result.total());
        assertEquals(1.0, result.seconds());
        assertEquals(result.reads().commands(), Math.round(result.reads().iops()));
        assertEquals(result.reads().iops() * 4096, result.reads().bytesPerSecond());
        assertEquals(0, result.errorCount());
        assertFalse(result.stopped());
        BenchResult.Latency latency = result.reads().latency();
        assertTrue(latency.p50() > 0 && latency.p50() <= latency.p99() && latency.p99() <= latency.maxNanos());
    }

    @Test
    void shouldUseEveryQueueAndBothDirectionsWhenMixed() throws IOException {
        BenchResult result = run(options(Operation.RANDRW, 512, 2, false, 0));
        assertTrue(result.reads().commands() > 0);
        assertTrue(result.writes().commands() > 0);
        assertEquals(
                result.reads().commands() + result.writes().commands(),
                result.total().commands());
    }

    /** A hundred milliseconds between two commands leave no room for more than ten in a second; a busy machine makes fewer. */
    @Test
    void shouldLeaveTheDeviceAloneBetweenCommandsWhenThereIsThinkTime() throws IOException {
        BenchResult result = run(new BenchOptions(Operation.RANDREAD, 4096, 1, 1, 1, 1, 0, 50, false, SEED, 0, 0, 100));
        assertTrue(result.reads().commands() >= 1 && result.reads().commands() <= 12, result::toString);
    }

    @Test
    void shouldCountErrorsByNameAndNotAsCommands() throws IOException {
        storage.failure = opcode -> opcode == NvmOpcode.WRITE ? Status.NAMESPACE_WRITE_PROTECTED.code() : -1;
        BenchResult result = run(options(Operation.WRITE, 4096, 1, false, 0));
        assertEquals(0, result.writes().commands());
        assertTrue(result.errorCount() > 0);
        String name = Status.describe(Status.NAMESPACE_WRITE_PROTECTED.code());
        assertEquals(result.errorCount(), result.errors().get(name));
    }

    @Test
    void shouldNotBeginWhenStoppedBefore() throws Exception {
        Bench bench = new Bench(driver, options(Operation.WRITE, 4096, 2, false, 0), Progress.NONE);
        bench.stop();

        BenchResult result = bench.run();

        assertTrue(result.stopped());
        assertEquals(0, result.total().commands());
    }

    @Test
    void shouldReportWhatThereIsWhenStopped() throws Exception {
        BenchOptions options = new BenchOptions(Operation.RANDREAD, 4096, DEPTH, 1, 1, 3600, 0, 50, false, SEED, 0, 0);
        Bench bench = new Bench(driver, options, Progress.NONE);
        Thread stopper = Thread.ofPlatform().start(() -> {
            while (driver.queuePairs().getFirst().inFlight() == 0) {
                Thread.onSpinWait();
            }
            bench.stop();
        });
        BenchResult result = bench.run();
        stopper.join();
        assertTrue(result.stopped());
        assertTrue(result.seconds() < 3600);
    }

    @Test
    void shouldEndAndSaySoWhenTheDeviceIsStuckAndARunIsStopped() throws Exception {
        storage.stuck = true;
        Bench bench = new Bench(driver, options(Operation.RANDREAD, 4096, 1, false, 0), Progress.NONE);
        Thread stopper = Thread.ofPlatform().start(bench::stop);
        BenchResult result = bench.run();
        stopper.join();
        assertEquals(0, result.total().commands());
        assertTrue(result.stopped());
    }

    // ---- verification

    @Test
    void shouldFindAllAsWrittenWhenTheDeviceIsGood() throws IOException {
        for (int blockBytes : new int[] {512, 4096, 128 << 10}) {
            BenchResult result = run(options(Operation.RANDRW, blockBytes, 2, true, 0));
            Verification found = result.verification().orElseThrow();
            assertEquals(0, found.blocksWrong(), blockBytes + " bytes: " + found.first());
            assertTrue(found.blocksChecked() > 0);
            assertEquals(0, result.errorCount());
        }
    }

    @Test
    void shouldReportTheExactBlockWhenOneReadsWrong() throws IOException {
        storage.corruptLba = 77;
        BenchResult result = run(options(Operation.WRITE, 4096, 1, true, 1 << 20));
        assertTrue(result.dataIsWrong());
        Mismatch mismatch = result.verification().orElseThrow().first().orElseThrow();
        assertEquals(77, mismatch.lba());
        assertEquals(0, mismatch.byteOffset());
        assertEquals(77, mismatch.expected());
        assertEquals(77 ^ 0x40, mismatch.got());
        assertEquals("it is the pattern of LBA 13, generation " + generation(mismatch), mismatch.meaning());
    }

    private static String generation(Mismatch mismatch) {
        return mismatch.meaning().substring(mismatch.meaning().lastIndexOf(' ') + 1);
    }

    @Test
    void shouldCheckAnEarlierRunsDataWhenGivenItsSeed() throws IOException {
        run(options(Operation.WRITE, 4096, 1, true, 1 << 20));
        Verification same = run(options(Operation.READ, 4096, 1, true, 1 << 20))
                .verification()
                .orElseThrow();
        assertTrue(same.blocksChecked() > 0);
        assertEquals(0, same.blocksWrong());
        assertEquals(0, same.blocksForeign());
        BenchOptions other = new BenchOptions(Operation.READ, 4096, DEPTH, 1, 1, 1, 0, 50, true, SEED + 1, 1 << 20, 0);
        BenchResult foreign = run(other);
        assertTrue(foreign.nothingWasVerified());
        assertTrue(foreign.verification().orElseThrow().blocksForeign() > 0);
    }

    // ---- loads that do not fit the device

    private void assertRefused(String message, BenchOptions options) {
        IllegalArgumentException e =
                assertThrows(IllegalArgumentException.class, () -> new Bench(driver, options, Progress.NONE));
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }

    @Test
    void shouldSayWhatWouldFitWhenALoadDoesNot() {
        assertRefused("not a multiple of namespace 1's blocks of 512", options(Operation.READ, 1000, 1, false, 0));
        assertRefused("at most 1048576 bytes with one command", options(Operation.READ, 2 << 20, 1, false, 0));
        assertRefused("more than namespace 1 has: 16777216", options(Operation.READ, 512, 1, false, 17 << 20));
        assertRefused("are too few for 1 queues", options(Operation.READ, 512, 1, true, 1024));
        assertRefused("grants 2 queue pairs", options(Operation.READ, 512, 3, false, 0));
        assertRefused(
                "take a depth of at most 63",
                new BenchOptions(Operation.READ, 512, 64, 1, 1, 1, 0, 50, false, SEED, 0, 0));
        assertRefused(
                "has no active namespace 9",
                new BenchOptions(Operation.READ, 512, 1, 1, 1, 1, 0, 50, false, SEED, 0, 9));
    }

    // ---- steady state

    @Test
    void shouldAllocateNothingWhenRunning() throws IOException {
        int depth = 63;
        BenchOptions options = new BenchOptions(Operation.RANDRW, 4096, depth, 1, 1, 3600, 0, 50, true, SEED, 0, 0);
        Span span = new Span(0, BLOCKS / 8, 8, 512);
        Timeline timeline = new Timeline(System.nanoTime(), 0, TimeUnit.HOURS.toNanos(1));
        DmaArea buffers = driver.allocate("test", depth * 4096L);
        Job job = new Job(
                driver.queuePairs().getFirst(),
                buffers,
                4096,
                1,
                span,
                options,
                timeline,
                new Verifier(new Pattern(SEED), span, 1));
        job.start(System.nanoTime());
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        runCommands(job, 20_000);
        long before = threads.getCurrentThreadAllocatedBytes();
        runCommands(job, 20_000);
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertEquals(0, allocated, "bytes for 20,000 commands");
        timeline.stop(System.nanoTime());
        while (!job.isDone()) {
            job.step();
        }
    }

    private static void runCommands(Job job, int count) throws IOException {
        int ended = 0;
        while (ended < count) {
            ended += job.step();
        }
    }
}

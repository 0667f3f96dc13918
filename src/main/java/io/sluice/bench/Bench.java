package io.sluice.bench;

import io.sluice.host.DmaArea;
import io.sluice.host.NamespaceInfo;
import io.sluice.host.NvmeDriver;
import io.sluice.host.QueuePair;
import io.sluice.mem.Memory;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.TimeUnit;

/**
 * One run of a load on one device.
 *
 * <p>The warm-up is there for the JIT and the caches: code reaches its steady state after some hundred thousand commands, and
 * a device that is fast gets there in a second. What ends in the warm-up is not counted, but its errors and its data are.
 *
 * <p>A verifying run spends its time on patterns as well: its figures are lower, and are not those of the device.
 */
public final class Bench {
    private static final long PROGRESS_MILLIS = 500;

    private final NvmeDriver driver;
    private final BenchOptions options;
    private final NamespaceInfo namespace;
    private final Progress progress;
    private final Span span;
    private volatile Timeline timeline;
    private volatile boolean stopRequested;

    /**
     * @param driver with as many queue pairs as the options say, of a depth that is enough
     * @param progress hears how it goes, twice a second
     * @throws IllegalArgumentException if the load does not fit the device, saying what would
     */
    public Bench(NvmeDriver driver, BenchOptions options, Progress progress) {
        this.driver = driver;
        this.options = options;
        this.progress = progress;
        this.namespace = chooseNamespace();
        this.span = chooseSpan();
        checkQueues();
        HostMemory.check(options.queues(), options.depth(), bufferBytes());
    }

    private NamespaceInfo chooseNamespace() {
        NamespaceInfo chosen = findNamespace();
        if (!chosen.unusableBecause().isEmpty()) {
            throw new IllegalArgumentException(driver.name() + ": " + chosen.unusableBecause());
        }
        return chosen;
    }

    private NamespaceInfo findNamespace() {
        if (driver.namespaces().isEmpty()) {
            throw new IllegalArgumentException(driver.name() + " has no active namespace to read or write");
        }
        if (options.nsid() == 0) {
            return driver.namespaces().getFirst();
        }
        try {
            return driver.namespace(options.nsid());
        } catch (NoSuchElementException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    /** What the load is on. */
    public NamespaceInfo namespace() {
        return namespace;
    }

    private Span chooseSpan() {
        int blockBytes = namespace.blockBytes();
        if (options.blockBytes() % blockBytes != 0) {
            throw new IllegalArgumentException("a block size of " + options.blockBytes()
                    + " bytes is not a multiple of namespace " + namespace.nsid() + "'s blocks of " + blockBytes);
        }
        if (options.regionBytes() > namespace.bytes()) {
            throw new IllegalArgumentException("a size of " + options.regionBytes() + " bytes is more than namespace "
                    + namespace.nsid() + " has: " + namespace.bytes());
        }
        long bytes = options.regionBytes() == 0 ? namespace.bytes() : options.regionBytes();
        long units = bytes / options.blockBytes();
        long perQueue = units / options.queues();
        if (perQueue < (options.verify() ? options.depth() : 1)) {
            throw new IllegalArgumentException(bytes + " bytes are too few for " + options.queues()
                    + " queues with commands of " + options.blockBytes() + " bytes"
                    + (options.verify() ? " on " + options.depth() + " different blocks at a time" : ""));
        }
        if (options.verify() && units > Ledger.MAX_UNITS) {
            throw new IllegalArgumentException("verifying " + bytes + " bytes in pieces of " + options.blockBytes()
                    + " takes too much memory; use a size of at most "
                    + Ledger.MAX_UNITS * options.blockBytes() + " bytes, or larger blocks");
        }
        return new Span(0, units, options.blockBytes() / blockBytes, blockBytes);
    }

    private void checkQueues() {
        List<QueuePair> pairs = driver.queuePairs();
        if (pairs.size() < options.queues()) {
            throw new IllegalArgumentException(
                    driver.name() + " grants " + pairs.size() + " queue pairs; use no more than that");
        }
        QueuePair first = pairs.getFirst();
        if (first.depth() < options.depth()) {
            throw new IllegalArgumentException(
                    "the queues of " + driver.name() + " take a depth of at most " + first.depth());
        }
        if (first.maxTransferBytes() < options.blockBytes()) {
            throw new IllegalArgumentException(driver.name() + " transfers at most " + first.maxTransferBytes()
                    + " bytes with one command; use a block size of at most that");
        }
    }

    /**
     * Runs the load, on threads of its own, and waits for its end.
     *
     * @throws IOException if the device fails or cannot be reached
     */
    public BenchResult run() throws IOException {
        List<DmaArea> buffers = new ArrayList<>();
        try {
            return run(buffers);
        } finally {
            // While commands may be in flight, their memory stays: until the driver is closed.
            if (driver.queuePairs().stream().allMatch(pair -> pair.inFlight() == 0)) {
                buffers.forEach(DmaArea::close);
            }
        }
    }

    private BenchResult run(List<DmaArea> buffers) throws IOException {
        for (int i = 0; i < options.queues(); i++) {
            buffers.add(newBuffers(i));
        }
        timeline = new Timeline(
                System.nanoTime(),
                TimeUnit.SECONDS.toNanos(options.warmUpSeconds()),
                TimeUnit.SECONDS.toNanos(options.seconds()));
        List<Job> jobs = new ArrayList<>();
        for (int i = 0; i < options.queues(); i++) {
            jobs.add(newJob(i, buffers.get(i)));
        }
        if (stopRequested) {
            timeline.stop(System.nanoTime());
        } else {
            runWorkers(jobs);
        }
        return new Summary(jobs, timeline.measuredNanos(System.nanoTime()), options.blockBytes())
                .result(driver.name(), options, namespace.blockBytes(), timeline.isStopped());
    }

    /** One buffer for each outstanding command, each on pages of its own, with random contents. */
    private DmaArea newBuffers(int queue) throws IOException {
        DmaArea area = driver.allocate("sluice bench data " + queue, (long) options.depth() * bufferBytes());
        SplitMix random = new SplitMix(options.seed() + queue);
        // Filling makes the kernel find the memory, which can take long.
        for (long offset = 0; offset < area.bytes() && !stopRequested; offset += Long.BYTES) {
            Memory.putLong(area.address() + offset, random.next());
        }
        return area;
    }

    private int bufferBytes() {
        return Math.ceilDiv(options.blockBytes(), Memory.PAGE_BYTES) * Memory.PAGE_BYTES;
    }

    private Job newJob(int queue, DmaArea buffers) {
        Span part = span.part(queue, options.queues());
        Verifier verifier = options.verify() ? new Verifier(new Pattern(options.seed()), part, namespace.nsid()) : null;
        return new Job(
                driver.queuePairs().get(queue),
                buffers,
                bufferBytes(),
                namespace.nsid(),
                part,
                options,
                timeline,
                verifier);
    }

    private void runWorkers(List<Job> jobs) throws IOException {
        List<Worker> workers = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < options.threads(); i++) {
            Worker worker = new Worker(everyNth(jobs, i, options.threads()), timeline, driver.name());
            workers.add(worker);
            threads.add(Thread.ofPlatform().name("bench-" + i).daemon().unstarted(worker));
        }
        threads.forEach(Thread::start);
        try {
            watch(threads, jobs);
        } catch (InterruptedException e) {
            stop();
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while the load was running", e);
        }
        for (Worker worker : workers) {
            if (worker.failure() != null) {
                throw worker.failure();
            }
        }
    }

    private static List<Job> everyNth(List<Job> jobs, int first, int step) {
        List<Job> chosen = new ArrayList<>();
        for (int i = first; i < jobs.size(); i += step) {
            chosen.add(jobs.get(i));
        }
        return chosen;
    }

    /** Waits for the threads; meanwhile tells of progress, and makes sure that the device is still there. */
    private void watch(List<Thread> threads, List<Job> jobs) throws InterruptedException, IOException {
        ProgressMeter meter = new ProgressMeter(timeline, options, jobs, progress);
        for (Thread thread : threads) {
            while (!thread.join(Duration.ofMillis(PROGRESS_MILLIS))) {
                meter.report();
                if (!timeline.isStopped()) {
                    checkAlive(threads);
                }
            }
        }
    }

    /** A dead device completes nothing, so the pollers would never know. */
    private void checkAlive(List<Thread> threads) throws InterruptedException, IOException {
        try {
            driver.checkAlive();
        } catch (IOException e) {
            stop();
            for (Thread thread : threads) {
                thread.join();
            }
            throw e;
        }
    }

    /** Ends the run early, within half a second, or before it has begun; {@link #run} then returns what there is so far. From any thread. */
    public void stop() {
        stopRequested = true;
        Timeline current = timeline;
        if (current != null) {
            current.stop(System.nanoTime());
        }
    }
}

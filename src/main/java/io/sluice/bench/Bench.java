package io.sluice.bench;

import io.sluice.host.DeviceFailure;
import io.sluice.host.DmaArea;
import io.sluice.host.NamespaceInfo;
import io.sluice.host.NvmeDriver;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * One run of a load on one device.
 *
 * <p>The warm-up is there for the JIT and the caches: code reaches its steady state after some hundred thousand commands, and
 * a device that is fast gets there in a second. What ends in the warm-up is not counted, but its errors and its data are.
 *
 * <p>The thread that waits for the load supervises the driver meanwhile. A reset of the controller is counted and the load goes
 * on; what was in flight has failed, and may have been done or not.
 *
 * <p>A verifying run spends its time on patterns as well: its figures are lower, and are not those of the device.
 */
public final class Bench {
    private static final long PROGRESS_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    /** How often the driver looks after the controller. */
    private static final Duration SUPERVISION = Duration.ofMillis(50);

    /** A device that has to be reset more often in one run will not get better. */
    private static final int MAX_RESETS = 8;

    private final NvmeDriver driver;
    private final BenchOptions options;
    private final Plan plan;
    private final Progress progress;
    private volatile Timeline timeline;
    private volatile boolean stopRequested;
    private int resetsBefore;

    /**
     * @param driver with as many queue pairs as the options say, of a depth that is enough
     * @param progress hears how it goes, twice a second
     * @throws IllegalArgumentException if the load does not fit the device, saying what would
     */
    public Bench(NvmeDriver driver, BenchOptions options, Progress progress) {
        this.driver = driver;
        this.options = options;
        this.progress = progress;
        this.plan = new Plan(driver, options, options.depth());
    }

    /** What the load is on. */
    public NamespaceInfo namespace() {
        return plan.namespace();
    }

    /** How much of the namespace the load is on, from its start; in bytes. */
    public long spanBytes() {
        return options.regionBytes() == 0 ? plan.namespace().bytes() : options.regionBytes();
    }

    /**
     * Runs the load, on threads of its own, and waits for its end.
     *
     * @throws IOException if the device fails or cannot be reached
     */
    public BenchResult run() throws IOException {
        List<DmaArea> buffers = new ArrayList<>();
        resetsBefore = driver.resets();
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
            buffers.add(plan.newBuffers(i, () -> stopRequested));
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
                .result(
                        driver.name(),
                        options,
                        plan.namespace().blockBytes(),
                        timeline.isStopped(),
                        resets(),
                        driver.lastResetReason());
    }

    private Job newJob(int queue, DmaArea buffers) {
        Span part = plan.part(queue);
        int nsid = plan.namespace().nsid();
        Verifier verifier = options.verify() ? new Verifier(new Pattern(options.seed()), part, nsid) : null;
        return new Job(
                driver.queuePairs().get(queue), buffers, plan.bufferBytes(), nsid, part, options, timeline, verifier);
    }

    private void runWorkers(List<Job> jobs) throws IOException {
        List<Worker> workers = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < options.threads(); i++) {
            Worker worker = new Worker(everyNth(jobs, i, options.threads()), timeline, driver);
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

    /** Waits for the threads; meanwhile looks after the device, and tells of progress. */
    private void watch(List<Thread> threads, List<Job> jobs) throws InterruptedException, IOException {
        ProgressMeter meter = new ProgressMeter(timeline, options, jobs, progress);
        long lastReport = System.nanoTime();
        for (Thread thread : threads) {
            while (!thread.join(SUPERVISION)) {
                long now = System.nanoTime();
                driver.supervise(now);
                if (now - lastReport >= PROGRESS_NANOS) {
                    lastReport = now;
                    meter.report();
                }
                if (resets() >= MAX_RESETS) {
                    giveUp(threads);
                }
            }
        }
    }

    private int resets() {
        return driver.resets() - resetsBefore;
    }

    private void giveUp(List<Thread> threads) throws InterruptedException, IOException {
        stop();
        for (Thread thread : threads) {
            thread.join();
        }
        throw new DeviceFailure(driver.name() + " had to be reset " + resets() + " times in one run; the last because: "
                + driver.lastResetReason().orElse("nobody knows"));
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

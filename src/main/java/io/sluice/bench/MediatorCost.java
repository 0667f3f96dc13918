package io.sluice.bench;

import io.sluice.host.NvmeDriver;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import org.HdrHistogram.Histogram;

/**
 * Measures what a mediator adds to a device, both in this process: the same load on the device itself and on one like it behind
 * a mediator, in turns of some milliseconds, so that both meet the same machine.
 *
 * <pre>
 *   the cost     one thread:   submit depth │ device, or mediator and device, until done │ take  …
 *                                           ├────────────── clock ───────────────────────┤
 *   the latency  two threads:  ├─ submit one ─ clock ─ poll until it has ended ─┤ …  and a poller that spins
 * </pre>
 */
public final class MediatorCost {
    /** Of each turn of the latency's part that counts, and of what goes before: the other poller has been asleep. */
    private static final long TURN_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private static final long WAKE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
    private static final double PICOS_PER_NANO = 1e3;
    private static final long LONGEST_PICOS = 1_000_000_000;
    private static final int DIGITS = 3;

    private final BenchOptions options;
    private final Side direct;
    private final Side mediated;
    private final Histogram added = new Histogram(1, LONGEST_PICOS, DIGITS);
    private volatile boolean stopRequested;

    /** The device alone, or behind the mediator. */
    private static final class Side {
        final NvmeDriver driver;
        final Plan plan;
        final Histogram latencies = Direction.newHistogram();
        final Histogram turnsLatencies = Direction.newHistogram();
        long leastLatencyNanos = Long.MAX_VALUE;
        double leastNanos = Double.MAX_VALUE;
        double lastNanos;
        long commands;

        Side(NvmeDriver driver, BenchOptions options) {
            this.driver = driver;
            this.plan = new Plan(driver, options, options.depth());
        }

        void take(CostLoop loop) {
            lastNanos = loop.deviceNanos();
            leastNanos = Math.min(leastNanos, lastNanos);
            commands += loop.commands();
        }

        /** Median of the quickest turn, 0 if there was none. */
        long leastLatency() {
            return leastLatencyNanos == Long.MAX_VALUE ? 0 : leastLatencyNanos;
        }

        /** A turn of single commands, which counts or does not. */
        void take(LatencyLoop loop, boolean counts) throws IOException {
            turnsLatencies.reset();
            loop.run(WAKE_NANOS, turnsLatencies);
            turnsLatencies.reset();
            loop.run(TURN_NANOS, turnsLatencies);
            if (counts) {
                latencies.add(turnsLatencies);
                leastLatencyNanos = Math.min(leastLatencyNanos, turnsLatencies.getValueAtPercentile(50));
            }
        }
    }

    /**
     * What was measured.
     *
     * @param device its name
     * @param options what was asked for
     * @param commands how many the cost was measured with, on both sides together
     * @param directNanos of the quickest slice: what the device takes for a command
     * @param mediatedNanos of the quickest slice: what mediator and device take for a command
     * @param medianAddedNanos half of the slices showed no more than this between one side and the other
     * @param directLatencyNanos median at depth 1; 0 unless that is the depth
     * @param mediatedLatencyNanos median at depth 1; 0 unless that is the depth
     * @param leastDirectLatencyNanos median of the quickest turn at depth 1; 0 unless that is the depth
     * @param leastMediatedLatencyNanos median of the quickest turn at depth 1; 0 unless that is the depth
     */
    public record Result(
            String device,
            BenchOptions options,
            long commands,
            double directNanos,
            double mediatedNanos,
            double medianAddedNanos,
            long directLatencyNanos,
            long mediatedLatencyNanos,
            long leastDirectLatencyNanos,
            long leastMediatedLatencyNanos) {
        /** What the mediator adds to a command, by the quickest slices. */
        public double addedNanos() {
            return mediatedNanos - directNanos;
        }

        /** What the mediator adds to the median latency of a single command. */
        public long addedLatencyNanos() {
            return mediatedLatencyNanos - directLatencyNanos;
        }

        /** The same by the quickest turns. */
        public long leastAddedLatencyNanos() {
            return leastMediatedLatencyNanos - leastDirectLatencyNanos;
        }
    }

    /**
     * @param direct drives the device
     * @param mediated drives a volume that is all of a device like it
     * @param options one queue; the depth is how many commands are in flight, with one doorbell
     * @throws IllegalArgumentException if the load does not fit, saying what would
     */
    public MediatorCost(NvmeDriver direct, NvmeDriver mediated, BenchOptions options) {
        this.options = options;
        this.direct = new Side(direct, options);
        this.mediated = new Side(mediated, options);
    }

    /**
     * Measures the cost, on the caller's thread.
     *
     * @param directTurn has the device do a bounded part of what there is to do, on this thread; returns 0 once there is nothing
     * @param mediatedTurn the same for the mediator and its device
     * @throws IOException if a command fails or does not end
     */
    public void measureCost(IntSupplier directTurn, IntSupplier mediatedTurn) throws IOException {
        CostMeter one = meter(direct, directTurn);
        CostMeter other = meter(mediated, mediatedTurn);
        long start = System.nanoTime() + TimeUnit.SECONDS.toNanos(options.warmUpSeconds());
        long end = start + TimeUnit.SECONDS.toNanos(options.seconds());
        while (System.nanoTime() - end < 0 && !stopRequested) {
            boolean counts = System.nanoTime() - start >= 0;
            CostLoop directSlice = one.slice();
            CostLoop mediatedSlice = other.slice();
            if (counts) {
                direct.take(directSlice);
                mediated.take(mediatedSlice);
                recordAdded(mediated.lastNanos - direct.lastNanos);
            }
        }
    }

    private CostMeter meter(Side side, IntSupplier turn) throws IOException {
        return new CostMeter(side.driver, options, side.plan, options.depth(), turn, () -> stopRequested);
    }

    private void recordAdded(double nanos) {
        added.recordValue(Math.clamp((long) (nanos * PICOS_PER_NANO), 0, LONGEST_PICOS));
    }

    /**
     * Measures the latency at depth 1, where that is the load: with the device and the mediator on their own threads.
     *
     * @throws IOException if a command fails or does not end
     */
    public void measureLatency() throws IOException {
        if (options.depth() != 1) {
            return;
        }
        LatencyLoop one = new LatencyLoop(direct.driver, options, direct.plan, () -> stopRequested);
        LatencyLoop other = new LatencyLoop(mediated.driver, options, mediated.plan, () -> stopRequested);
        long start = System.nanoTime() + TimeUnit.SECONDS.toNanos(options.warmUpSeconds());
        long end = start + TimeUnit.SECONDS.toNanos(options.seconds());
        while (System.nanoTime() - end < 0 && !stopRequested) {
            boolean counts = System.nanoTime() - start >= 0;
            direct.take(one, counts);
            mediated.take(other, counts);
        }
    }

    /**
     * What was measured so far.
     *
     * @throws IOException if that is nothing
     */
    public Result result() throws IOException {
        if (direct.commands == 0) {
            throw new IOException("stopped before anything was measured");
        }
        return new Result(
                direct.driver.name(),
                options,
                direct.commands + mediated.commands,
                direct.leastNanos,
                mediated.leastNanos,
                added.getValueAtPercentile(50) / PICOS_PER_NANO,
                direct.latencies.getValueAtPercentile(50),
                mediated.latencies.getValueAtPercentile(50),
                direct.leastLatency(),
                mediated.leastLatency());
    }

    /** Ends the measurement early, within some milliseconds. From any thread. */
    public void stop() {
        stopRequested = true;
    }
}

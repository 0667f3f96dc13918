package io.sluice.bench;

import io.sluice.host.NvmeDriver;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import org.HdrHistogram.Histogram;

/**
 * Measures what the driver itself costs: {@link CostLoop} has it and a device in this process run by turns, on one thread, and
 * only the driver's turns are timed. So there is no other processor to wait for, and all memory is in the cache.
 *
 * <p>The time is cut into slices of some milliseconds. Whatever else the machine does makes a slice slower, never quicker: the
 * quickest one is the answer, and the median beside it tells how quiet the machine was.
 */
public final class DriverCost {
    /** Slices are counted in picoseconds a command, up to a millisecond, exact to three digits. */
    private static final double PICOS_PER_NANO = 1e3;

    private static final long LONGEST_PICOS = 1_000_000_000;
    private static final int DIGITS = 3;

    private final NvmeDriver driver;
    private final BenchOptions options;
    private final Plan plan;
    private final Histogram slices = new Histogram(1, LONGEST_PICOS, DIGITS);
    private double leastNanos = Double.MAX_VALUE;
    private double submitNanos;
    private double takeNanos;
    private double deviceNanos;
    private long commands;
    private volatile boolean stopRequested;

    /**
     * What was measured, in nanoseconds for one command.
     *
     * @param device its name
     * @param options what was asked for
     * @param commands how many were measured
     * @param submitNanos of the quickest slice: building the entry and its PRPs, and its share of the doorbell
     * @param takeNanos of the quickest slice: the completion, its slot, deadlines, and its share of the doorbell
     * @param medianNanos both together, in the median slice
     * @param deviceNanos of the quickest slice: the model's turns
     */
    public record Result(
            String device,
            BenchOptions options,
            long commands,
            double submitNanos,
            double takeNanos,
            double medianNanos,
            double deviceNanos) {
        /** The driver's own cost: of submitting and taking, in the quickest slice. */
        public double totalNanos() {
            return submitNanos + takeNanos;
        }
    }

    /**
     * @param driver with as many queue pairs as the options say, that take {@link #commandsInFlight}
     * @param options the depth is how many commands make a batch, with one doorbell; threads and verification have no meaning here
     * @throws IllegalArgumentException if the load does not fit the device, saying what would
     */
    public DriverCost(NvmeDriver driver, BenchOptions options) {
        this.driver = driver;
        this.options = options;
        this.plan = new Plan(driver, options, CostLoop.window(options.depth()));
    }

    /** How many commands a queue pair must take: some more than a small batch. */
    public static int commandsInFlight(int depth) {
        return CostLoop.window(depth);
    }

    /**
     * Measures, on the caller's thread.
     *
     * @param deviceTurn has the device do a bounded part of what there is to do, on this thread; returns 0 once there is nothing
     * @throws IOException if a command fails or does not end
     */
    public Result measure(IntSupplier deviceTurn) throws IOException {
        CostMeter meter =
                new CostMeter(driver, options, plan, CostLoop.window(options.depth()), deviceTurn, () -> stopRequested);
        runFor(meter, options.warmUpSeconds(), false);
        runFor(meter, options.seconds(), true);
        return result();
    }

    private void runFor(CostMeter meter, int seconds, boolean measured) throws IOException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        while (System.nanoTime() - end < 0 && !stopRequested) {
            CostLoop loop = meter.slice();
            if (measured) {
                record(loop);
            }
        }
    }

    private void record(CostLoop loop) {
        double nanos = loop.submitNanos() + loop.takeNanos();
        slices.recordValue(Math.min((long) (nanos * PICOS_PER_NANO), LONGEST_PICOS));
        commands += loop.commands();
        if (nanos < leastNanos) {
            leastNanos = nanos;
            submitNanos = loop.submitNanos();
            takeNanos = loop.takeNanos();
            deviceNanos = loop.deviceNanos();
        }
    }

    private Result result() throws IOException {
        if (commands == 0) {
            throw new IOException("stopped before anything was measured");
        }
        double medianNanos = slices.getValueAtPercentile(50) / PICOS_PER_NANO;
        return new Result(driver.name(), options, commands, submitNanos, takeNanos, medianNanos, deviceNanos);
    }

    /** Ends the measurement early, within some milliseconds. From any thread. */
    public void stop() {
        stopRequested = true;
    }
}

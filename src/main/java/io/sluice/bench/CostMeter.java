package io.sluice.bench;

import io.sluice.host.DmaArea;
import io.sluice.host.DriverStatus;
import io.sluice.host.NvmeDriver;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;

/** A {@link CostLoop} on a driver's queues, for a slice of some milliseconds at a time. */
final class CostMeter {
    private static final long SLICE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    /** Between two looks at whether a slice is over, so that looking costs next to nothing. */
    private static final int COMMANDS_PER_LOOK = 4_096;

    private final NvmeDriver driver;
    private final CostLoop loop;

    /**
     * @param window how many commands a queue gets in a cycle, whole batches of the depth
     * @param deviceTurn has the device do a bounded part of what there is to do, on this thread; returns 0 once there is nothing
     */
    CostMeter(
            NvmeDriver driver,
            BenchOptions options,
            Plan plan,
            int window,
            IntSupplier deviceTurn,
            BooleanSupplier stopRequested)
            throws IOException {
        this.driver = driver;
        List<CostLoop.Lane> lanes = new ArrayList<>();
        for (int queue = 0; queue < options.queues(); queue++) {
            DmaArea buffers = plan.newBuffers(queue, stopRequested);
            lanes.add(new CostLoop.Lane(
                    driver.queuePairs().get(queue),
                    buffers,
                    plan.bufferBytes(),
                    plan.namespace().nsid(),
                    plan.part(queue),
                    options,
                    window));
        }
        loop = new CostLoop(lanes, deviceTurn);
    }

    /** Runs for a slice; the loop that it returns has the figures of this slice alone. */
    CostLoop slice() throws IOException {
        loop.clear();
        long end = System.nanoTime() + SLICE_NANOS;
        do {
            long look = loop.commands() + COMMANDS_PER_LOOK;
            while (loop.commands() < look) {
                loop.cycle();
            }
            if (loop.failedStatus() != 0) {
                throw new IOException(
                        driver.name() + " failed a command: " + DriverStatus.describe(loop.failedStatus()));
            }
        } while (System.nanoTime() - end < 0);
        return loop;
    }
}

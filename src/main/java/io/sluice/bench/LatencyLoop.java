package io.sluice.bench;

import io.sluice.host.CompletionListener;
import io.sluice.host.DmaArea;
import io.sluice.host.DriverStatus;
import io.sluice.host.NvmeDriver;
import io.sluice.host.QueuePair;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.HdrHistogram.Histogram;

/** One command at a time on a driver's first queue, each polled for until it has ended. Allocates nothing. */
final class LatencyLoop implements CompletionListener {
    /** A device in this process answers in microseconds; its poller may have to wait for a processor. */
    private static final long LOST_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final NvmeDriver driver;
    private final QueuePair pair;
    private final DmaArea buffers;
    private final int nsid;
    private final Span span;
    private final Chooser chooser;
    private int failedStatus;

    LatencyLoop(NvmeDriver driver, BenchOptions options, Plan plan, BooleanSupplier stopRequested) throws IOException {
        this.driver = driver;
        this.pair = driver.queuePairs().getFirst();
        this.buffers = plan.newBuffers(0, stopRequested);
        this.nsid = plan.namespace().nsid();
        this.span = plan.part(0);
        this.chooser = new Chooser(options, span.units(), pair.qid());
    }

    /** Runs for so long, and records how long each command took, in nanoseconds. */
    void run(long nanos, Histogram latencies) throws IOException {
        long start = System.nanoTime();
        long end = start + nanos;
        while (start - end < 0) {
            submit();
            long now = await(start);
            latencies.recordValue(Math.min(now - start, Direction.LONGEST_NANOS));
            start = System.nanoTime();
        }
    }

    private void submit() throws IOException {
        boolean isWrite = chooser.nextIsWrite();
        long slba = span.lba(chooser.nextUnit());
        boolean accepted = isWrite
                ? pair.write(nsid, slba, span.blocksPerUnit(), buffers.iova(), span.unitBytes(), 0)
                : pair.read(nsid, slba, span.blocksPerUnit(), buffers.iova(), span.unitBytes(), 0);
        if (!accepted) {
            throw new IllegalStateException("queue pair " + pair.qid() + " has no slot for a single command");
        }
        pair.ring();
    }

    private long await(long start) throws IOException {
        while (pair.poll(this, 1) == 0) {
            Thread.onSpinWait();
            if (System.nanoTime() - start > LOST_NANOS) {
                throw new IOException(driver.name() + " has not ended a command within "
                        + TimeUnit.NANOSECONDS.toSeconds(LOST_NANOS) + " s");
            }
        }
        if (failedStatus != 0) {
            throw new IOException(driver.name() + " failed a command: " + DriverStatus.describe(failedStatus));
        }
        return System.nanoTime();
    }

    @Override
    public void onCompletion(long token, int status, int dw0) {
        if (!Status.isSuccess(status)) {
            failedStatus = status;
        }
    }
}

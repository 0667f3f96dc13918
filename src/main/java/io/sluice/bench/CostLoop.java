package io.sluice.bench;

import io.sluice.host.CompletionListener;
import io.sluice.host.DmaArea;
import io.sluice.host.QueuePair;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.List;
import java.util.function.IntSupplier;

/**
 * The driver and a device on one thread, by turns; a clock runs while the driver has its turn.
 *
 * <pre>
 *   choose blocks │ (submit × depth, ring) × batches │ device: all of it │ (poll, checkDeadlines) × batches │
 *                 ├───────────── clock ──────────────┤                   ├───────────── clock ──────────────┤
 * </pre>
 *
 * <p>Each queue gets a window of commands in a cycle, in batches of the depth. {@link #window} makes it long enough to spread
 * reading the clock, some 25 ns, over many commands also where a batch is one. Nothing here allocates.
 */
final class CostLoop {
    /** What is timed at once, so that a clock reading weighs 0.2 ns a command, and the queue still fits the nearest cache. */
    private static final int WINDOW = 128;

    /** A device in this process is done with a window after a few turns, or it is broken. */
    private static final int MAX_TURNS = 1_000_000;

    private final IntSupplier deviceTurn;
    private final Lane[] lanes;

    // Of all cycles since clear().
    private long commands;
    private long submitNanos;
    private long takeNanos;
    private long deviceNanos;

    /** The device's turn is a bounded part of what there is to do, and returns 0 once there is nothing. */
    CostLoop(List<Lane> lanes, IntSupplier deviceTurn) {
        this.lanes = lanes.toArray(Lane[]::new);
        this.deviceTurn = deviceTurn;
    }

    /** How many commands a queue must take for batches of a depth. */
    static int window(int depth) {
        return Math.ceilDiv(WINDOW, depth) * depth;
    }

    /** Some batches on every queue, from the choice of their blocks until the last command has ended. */
    void cycle() throws IOException {
        for (Lane lane : lanes) {
            lane.choose();
        }
        long start = System.nanoTime();
        for (Lane lane : lanes) {
            lane.submitAll();
        }
        long submitted = System.nanoTime();
        runDevice();
        long ended = System.nanoTime();
        for (Lane lane : lanes) {
            commands += lane.takeAll(ended);
        }
        long taken = System.nanoTime();
        submitNanos += submitted - start;
        deviceNanos += ended - submitted;
        takeNanos += taken - ended;
    }

    private void runDevice() throws IOException {
        int turns = 0;
        while (deviceTurn.getAsInt() > 0) {
            if (++turns == MAX_TURNS) {
                throw new IOException("the model is not done with some hundred commands after " + turns + " turns");
            }
        }
    }

    void clear() {
        commands = 0;
        submitNanos = 0;
        takeNanos = 0;
        deviceNanos = 0;
    }

    long commands() {
        return commands;
    }

    double submitNanos() {
        return (double) submitNanos / commands;
    }

    double takeNanos() {
        return (double) takeNanos / commands;
    }

    double deviceNanos() {
        return (double) deviceNanos / commands;
    }

    /** The status of a command that failed, or 0. */
    int failedStatus() {
        for (Lane lane : lanes) {
            if (lane.failedStatus() != 0) {
                return lane.failedStatus();
            }
        }
        return 0;
    }

    /** One queue pair. */
    static final class Lane implements CompletionListener {
        private final QueuePair pair;
        private final DmaArea buffers;
        private final int bufferBytes;
        private final int nsid;
        private final Span span;
        private final Chooser chooser;
        private final int depth;
        private final long[] slbas;
        private final boolean[] isWrite;
        private int failedStatus;

        /** With one buffer of {@code bufferBytes} for each of the {@code window} commands of a cycle, whole batches. */
        Lane(QueuePair pair, DmaArea buffers, int bufferBytes, int nsid, Span span, BenchOptions options, int window) {
            this.pair = pair;
            this.buffers = buffers;
            this.bufferBytes = bufferBytes;
            this.nsid = nsid;
            this.span = span;
            this.chooser = new Chooser(options, span.units(), pair.qid());
            this.depth = options.depth();
            this.slbas = new long[window];
            this.isWrite = new boolean[slbas.length];
        }

        private void choose() {
            for (int i = 0; i < slbas.length; i++) {
                isWrite[i] = chooser.nextIsWrite();
                slbas[i] = span.lba(chooser.nextUnit());
            }
        }

        private void submitAll() throws IOException {
            for (int first = 0; first < slbas.length; first += depth) {
                for (int i = first; i < first + depth; i++) {
                    submit(i);
                }
                pair.ring();
            }
        }

        private void submit(int i) {
            long iova = buffers.iova() + (long) i * bufferBytes;
            boolean accepted = isWrite[i]
                    ? pair.write(nsid, slbas[i], span.blocksPerUnit(), iova, span.unitBytes(), i)
                    : pair.read(nsid, slbas[i], span.blocksPerUnit(), iova, span.unitBytes(), i);
            if (!accepted) {
                throw new IllegalStateException(
                        "queue pair " + pair.qid() + " has no slot for a depth it was made for");
            }
        }

        /** The status of a command that failed, or 0. */
        int failedStatus() {
            return failedStatus;
        }

        private int takeAll(long now) throws IOException {
            int taken = 0;
            for (int batch = 0; batch < slbas.length; batch += depth) {
                taken += pair.poll(this, depth);
                pair.checkDeadlines(now);
            }
            if (taken != slbas.length) {
                throw new IOException("the model has completed " + taken + " of " + slbas.length + " commands");
            }
            return taken;
        }

        @Override
        public void onCompletion(long token, int status, int dw0) {
            if (!Status.isSuccess(status)) {
                failedStatus = status;
            }
        }
    }
}

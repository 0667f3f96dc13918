package io.sluice.bench;

import io.sluice.host.CompletionListener;
import io.sluice.host.DmaArea;
import io.sluice.host.QueuePair;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Keeps one queue pair busy: whenever commands have ended, submits as many again and rings once.
 *
 * <pre>
 *   start ─▶ RUN ──time is over──▶ DRAIN ──all ended──▶ READ_BACK ──all units read──▶ DONE
 *                                    │ nothing to verify, or stopped                   ▲
 *                                    └─────────────────────────────────────────────────┘
 * </pre>
 *
 * <p>The clock is read once for all completions of a poll, and that time is also the start of the commands that follow: a
 * latency includes what the job itself spends on a command. Nothing here allocates once it runs. For one thread.
 *
 * <p>While the controller is being reset it takes no commands: what was chosen meanwhile waits, and is submitted afterwards.
 */
final class Job implements CompletionListener {
    private enum Phase {
        RUN,
        DRAIN,
        READ_BACK,
        DONE
    }

    private final QueuePair pair;
    private final DmaArea buffers;
    private final int bufferBytes;
    private final int nsid;
    private final Span span;
    private final BenchOptions options;
    private final Timeline timeline;
    private final Chooser chooser;
    private final Verifier verifier;

    private final long[] startNanos;
    private final long[] units;
    private final boolean[] isWrite;
    private final int[] ended;
    private final int[] endedStatus;
    private int endedCount;
    /** Chosen, but not accepted yet; a part of those in flight. */
    private final int[] waiting;

    private int waitingCount;
    private int inFlight;
    private long readBackUnit;
    private Phase phase = Phase.RUN;

    private final Direction reads = new Direction();
    private final Direction writes = new Direction();
    private final StatusTally errors = new StatusTally();

    /** Commands ended so far, for the display. */
    private final AtomicLong progress = new AtomicLong();

    private final AtomicLong failures = new AtomicLong();

    /**
     * @param pair with room for the depth
     * @param buffers one of {@code bufferBytes} for each outstanding command
     * @param verifier what was written, or null where nothing is verified
     */
    Job(
            QueuePair pair,
            DmaArea buffers,
            int bufferBytes,
            int nsid,
            Span span,
            BenchOptions options,
            Timeline timeline,
            Verifier verifier) {
        this.pair = pair;
        this.buffers = buffers;
        this.bufferBytes = bufferBytes;
        this.nsid = nsid;
        this.span = span;
        this.options = options;
        this.timeline = timeline;
        this.verifier = verifier;
        this.chooser = new Chooser(options, span.units(), pair.qid());
        startNanos = new long[options.depth()];
        units = new long[options.depth()];
        isWrite = new boolean[options.depth()];
        ended = new int[options.depth()];
        endedStatus = new int[options.depth()];
        waiting = new int[options.depth()];
    }

    /** Submits the first commands, as many as the depth. */
    void start(long now) throws IOException {
        checkDeadlines(now);
        for (int slot = 0; slot < options.depth(); slot++) {
            issue(slot, now);
        }
        pair.ring();
    }

    /**
     * Takes completions and submits what follows.
     *
     * @return how many commands ended; 0 also when done
     * @throws io.sluice.host.DeviceFailure if the queue pair has failed; once the controller has been reset, steps go on
     */
    int step() throws IOException {
        pair.poll(this, options.depth()); // where it throws, what has ended before that is kept for the next step
        if (waitingCount > 0) {
            submitWaiting();
        }
        if (phase == Phase.DONE || (endedCount == 0 && inFlight > 0)) {
            return 0;
        }
        long now = System.nanoTime();
        if (phase == Phase.RUN && timeline.isOver(now)) {
            phase = Phase.DRAIN;
        }
        for (int i = 0; i < endedCount; i++) {
            finish(ended[i], endedStatus[i], now);
        }
        progress.lazySet(progress.getPlain() + endedCount);
        int count = endedCount;
        if (options.thinkMillis() > 0 && phase == Phase.RUN) {
            now = think();
        }
        for (int i = 0; i < count; i++) {
            issue(ended[i], now);
        }
        endedCount = 0;
        pair.ring();
        checkDeadlines(now);
        if (inFlight == 0) {
            advance(now);
        }
        return count;
    }

    /** Leaves the device alone for a while: it may fall asleep. Returns the time. */
    private long think() {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(options.thinkMillis()));
        return System.nanoTime();
    }

    /** Tells the queue pair the time: also while nothing ends, or nobody would ever find out that a command is late. */
    void checkDeadlines(long now) {
        pair.checkDeadlines(now);
    }

    @Override
    public void onCompletion(long token, int status, int dw0) {
        ended[endedCount] = (int) token;
        endedStatus[endedCount] = status;
        endedCount++;
    }

    private void finish(int slot, int status, long now) {
        inFlight--;
        boolean success = Status.isSuccess(status);
        if (verifier != null) {
            settle(slot, success);
        }
        if (!success) {
            failures.lazySet(failures.getPlain() + 1);
            errors.add(status);
        } else if (timeline.isMeasured(now)) {
            (isWrite[slot] ? writes : reads).add(now - startNanos[slot]);
        }
    }

    private void settle(int slot, boolean success) {
        int unit = (int) units[slot];
        if (isWrite[slot]) {
            verifier.writeEnded(unit, success);
        } else {
            verifier.readEnded(unit, success, address(slot));
        }
    }

    private void issue(int slot, long now) {
        switch (phase) {
            case RUN -> issueNext(slot, now);
            case READ_BACK -> issueReadBack(slot, now);
            case DRAIN, DONE -> {}
        }
    }

    private void issueNext(int slot, long now) {
        boolean write = chooser.nextIsWrite();
        long unit = chooser.nextUnit();
        if (verifier != null) {
            unit = verifier.firstIdle((int) unit);
            if (write) {
                verifier.beginWrite((int) unit, address(slot));
            } else {
                verifier.beginRead((int) unit);
            }
        }
        submit(slot, write, unit, now);
    }

    /** Reads the next unit that this run has written, if there is one left. */
    private void issueReadBack(int slot, long now) {
        readBackUnit = verifier.nextKnown((int) readBackUnit);
        if (readBackUnit >= span.units() || timeline.isStopped()) {
            return;
        }
        verifier.beginRead((int) readBackUnit);
        submit(slot, false, readBackUnit, now);
        readBackUnit++;
    }

    private void submit(int slot, boolean write, long unit, long now) {
        isWrite[slot] = write;
        units[slot] = unit;
        startNanos[slot] = now;
        inFlight++;
        if (!submit(slot)) {
            waiting[waitingCount] = slot;
            waitingCount++;
        }
    }

    private boolean submit(int slot) {
        long iova = buffers.iova() + (long) slot * bufferBytes;
        long slba = span.lba(units[slot]);
        return isWrite[slot]
                ? pair.write(nsid, slba, span.blocksPerUnit(), iova, span.unitBytes(), slot)
                : pair.read(nsid, slba, span.blocksPerUnit(), iova, span.unitBytes(), slot);
    }

    /** What the controller did not take while it was being reset; in the end, as many as it takes now. */
    private void submitWaiting() throws IOException {
        long now = System.nanoTime();
        while (waitingCount > 0 && submit(waiting[waitingCount - 1])) {
            waitingCount--;
            startNanos[waiting[waitingCount]] = now;
        }
        pair.ring();
    }

    private long address(int slot) {
        return buffers.address() + (long) slot * bufferBytes;
    }

    /** Nothing is in flight: the next phase, or the end. */
    private void advance(long now) throws IOException {
        boolean readBack = phase == Phase.DRAIN && verifier != null && !timeline.isStopped();
        if (!readBack) {
            phase = Phase.DONE;
            return;
        }
        phase = Phase.READ_BACK;
        for (int slot = 0; slot < options.depth(); slot++) {
            issueReadBack(slot, now);
        }
        pair.ring();
        if (inFlight == 0) {
            phase = Phase.DONE;
        }
    }

    boolean isDone() {
        return phase == Phase.DONE;
    }

    // ---- for the display, from another thread

    long progress() {
        return progress.get();
    }

    long failures() {
        return failures.get();
    }

    // ---- once the threads have ended

    Direction reads() {
        return reads;
    }

    Direction writes() {
        return writes;
    }

    StatusTally errors() {
        return errors;
    }

    Verifier verifier() {
        return verifier;
    }
}

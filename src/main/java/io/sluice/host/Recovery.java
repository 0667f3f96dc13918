package io.sluice.host;

import io.sluice.nvme.Csts;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is done about commands that do not end, and about a controller that has failed.
 *
 * <pre>
 *   command late ──▶ Abort ──(it ends)──▶ well again
 *                      │ grace over
 *                      ▼                                   works
 *   CSTS.CFS, a lie, ──▶ RESET WANTED ──▶ CC.EN = 0, up again ──▶ well again
 *   all ones, admin            ▲              │ fails
 *   command late               └── FLR ◀──────┤ fewer than maxResets in a row
 *                                             ▼ otherwise
 *                                            DEAD: every command ends in an error, now and later
 * </pre>
 *
 * <p>Pollers raise the alarm, on their threads and without waiting; {@link #supervise} does the work, on one thread at a time.
 * While a late command may still use memory, and from the wish for a reset until the controller is disabled, {@link Quarantine}
 * keeps memory where it is.
 */
final class Recovery implements Alarm {
    /** Between two looks at CSTS, which may cost a message. */
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** The same, while nobody waits for anything of the device. */
    private static final long RESTING_LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Without I/O, this long without another reset is proof enough that the last one has helped. */
    private static final long PEACE_NANOS = TimeUnit.MINUTES.toNanos(10);

    private static final Logger log = LoggerFactory.getLogger(Recovery.class);

    private record LateCommand(QueuePair pair, int cid) {}

    private final NvmeDriver driver;
    private final Quarantine quarantine;
    private final ArrayDeque<LateCommand> lateCommands = new ArrayDeque<>();
    private boolean wanted;
    /** Whether the device has given rise to the wish, and not only its owner. */
    private boolean blamed;

    private String resetReason = "";
    private boolean holding;
    private volatile DeviceFailure death;
    private volatile String lastResetReason;
    private final AtomicInteger lateSinceStart = new AtomicInteger();

    // Of the supervising thread.
    private long nextLook;
    private boolean looked;
    private long lastReset;

    /** Resets since the device last did its work: those that failed, and those that have not helped. */
    private int vainResets;

    private final AtomicInteger resets = new AtomicInteger();

    Recovery(NvmeDriver driver, Quarantine quarantine) {
        this.driver = driver;
        this.quarantine = quarantine;
    }

    // ---- alarms, on any thread

    @Override
    public synchronized void late(QueuePair pair, int cid) {
        quarantine.hold();
        lateSinceStart.incrementAndGet();
        lateCommands.add(new LateCommand(pair, cid));
    }

    @Override
    public void lateEnded() {
        quarantine.release();
    }

    @Override
    public synchronized void failed(String why) {
        want(why);
        blamed = true;
    }

    /** As the owner wishes, for reasons of its own. */
    synchronized void want(String why) {
        if (!wanted) {
            wanted = true;
            resetReason = String.valueOf(why);
        }
        if (!holding) {
            holding = true;
            quarantine.hold();
        }
    }

    private synchronized boolean isWanted() {
        return wanted;
    }

    private synchronized boolean isBlamed() {
        return blamed;
    }

    private synchronized String resetReason() {
        return resetReason;
    }

    private synchronized LateCommand nextLate() {
        return lateCommands.peek();
    }

    private synchronized void takeLate() {
        lateCommands.poll();
    }

    /** Whether nothing is in flight, and nothing needs mending; a glance, true a moment ago. */
    boolean isResting() {
        if (isWanted() || nextLate() != null) {
            return false;
        }
        for (QueuePair pair : driver.queuePairs()) {
            if (pair.mode() != PairState.Mode.RUNNING || pair.inFlight() > 0) {
                return false;
            }
        }
        return true;
    }

    DeviceFailure death() {
        return death;
    }

    /** How many commands have not ended in their time. */
    int late() {
        return lateSinceStart.get();
    }

    /** How many resets have ended well. */
    int resets() {
        return resets.get();
    }

    /** Why the last reset was wanted, well ended or not. */
    Optional<String> lastResetReason() {
        return Optional.ofNullable(lastResetReason);
    }

    // ---- the supervising thread

    /** One step; see {@link NvmeDriver#supervise}. Whatever goes wrong in it, the next one begins with a reset. */
    void supervise(long nowNanos) {
        try {
            step(nowNanos);
        } catch (InternalError late) {
            failed(driver.name() + " was accessed while it did not decode its memory");
        } catch (RuntimeException | AssertionError | LinkageError bug) {
            log.error("{} is reset, as something went wrong in its driver", driver.name(), bug);
            failed("the driver of " + driver.name() + " itself has failed: " + bug);
        }
    }

    private void step(long nowNanos) {
        if (death == null) {
            look(nowNanos);
            lookAtQueues();
            resetIfWanted(nowNanos);
        }
        if (death == null) {
            lookAtNamespaces();
            resumeQueues(nowNanos);
            serveAdminQueue();
            driver.dropLeftovers();
        }
        quarantine.releaseDeferred();
    }

    private void look(long nowNanos) {
        if (looked && nowNanos - nextLook < 0) {
            return;
        }
        looked = true;
        nextLook = nowNanos + (isResting() ? RESTING_LOOK_NANOS : LOOK_NANOS);
        try {
            int csts = driver.registers().csts();
            if (Csts.fatal(csts) || (!Csts.ready(csts) && !isWanted())) {
                failed(driver.name() + " has CSTS 0x" + Integer.toHexString(csts) + ": "
                        + (Csts.fatal(csts) ? "a fatal error" : "not ready any more"));
            }
        } catch (IOException e) {
            failed(e.getMessage());
        }
    }

    /** A pair that stands still waits for a reset, so there has to be one. */
    private void lookAtQueues() {
        for (QueuePair pair : driver.queuePairs()) {
            if (pair.mode() == PairState.Mode.HALTED && !isWanted()) {
                failed("queue " + pair.qid() + " of " + driver.name() + " was left halted");
            }
        }
    }

    /** One try at most, so that a step takes no longer than the controller's time-outs. */
    private void resetIfWanted(long nowNanos) {
        if (!isWanted()) {
            return;
        }
        boolean isBlamed = isBlamed();
        if (isBlamed && vainResets >= driver.options().timeouts().maxResets()) {
            die();
            return;
        }
        lastReset = nowNanos;
        lastResetReason = resetReason();
        try {
            reset();
            resets.incrementAndGet();
            vainResets += isBlamed ? 1 : 0;
        } catch (IOException | RuntimeException | InternalError | AssertionError | LinkageError e) {
            vainResets++;
            wantAgain(e);
        }
    }

    /** Nobody waits for the queue meanwhile but those who want something of it. */
    private void reset() throws IOException {
        AdminQueue admin = driver.admin();
        driver.state().setStage(DriverState.Stage.RESETTING);
        admin.beginReset();
        try {
            driver.queuePairs().forEach(pair -> pair.state().halt());
            new BringUp(driver).again(vainResets > 0, this::disabled);
        } finally {
            admin.endReset();
        }
        succeeded();
    }

    /** From here on the device touches no memory of any command sent so far. */
    private synchronized void disabled() {
        driver.queuePairs().forEach(pair -> pair.state().endAll());
        lateCommands.clear();
        releaseHold();
    }

    synchronized void succeeded() {
        wanted = false;
        blamed = false;
        releaseHold(); // of what went wrong on the way
    }

    private void releaseHold() {
        if (holding) {
            holding = false;
            quarantine.release();
        }
    }

    private synchronized void wantAgain(Throwable why) {
        wanted = false;
        failed(why.getMessage() == null ? why.toString() : why.getMessage());
    }

    /** What has become of them is told before anybody does I/O on them again. */
    private void lookAtNamespaces() {
        try {
            driver.askAgainForNamespaces();
        } catch (IOException e) {
            failed(e.getMessage());
        }
        driver.namespaceTable().tellChanges();
    }

    /**
     * Queue pairs whose pollers have ended everything get their queues back; the others later, as do all of them while it is not
     * known whether their namespaces are still the same.
     */
    private void resumeQueues(long nowNanos) {
        boolean all = true;
        for (QueuePair pair : driver.queuePairs()) {
            try {
                if (pair.mode() == PairState.Mode.QUIET
                        && driver.namespaceTable().isSettled()) {
                    driver.createQueues(pair);
                    pair.state().resume();
                }
            } catch (IOException | RuntimeException e) {
                failed(e.getMessage());
                return;
            }
            all &= pair.mode() == PairState.Mode.RUNNING;
        }
        if (all) {
            allRunning(nowNanos);
        }
    }

    private void allRunning(long nowNanos) {
        if (driver.state().stage() == DriverState.Stage.RESETTING && !isWanted()) {
            driver.state().setStage(DriverState.Stage.RUNNING);
        }
        if (vainResets > 0 && isWell(nowNanos)) {
            vainResets = 0;
        }
    }

    /** A controller that takes queues, and then does no I/O, is not: only a completion says so, or a long time in peace. */
    private boolean isWell(long nowNanos) {
        List<QueuePair> pairs = driver.queuePairs();
        return pairs.isEmpty()
                || pairs.stream().anyMatch(pair -> pair.state().hasWorked())
                || nowNanos - lastReset >= peaceNanos();
    }

    private long peaceNanos() {
        Timeouts timeouts = driver.options().timeouts();
        long longest = TimeUnit.MILLISECONDS.toNanos((long) timeouts.ioMillis() + timeouts.graceMillis());
        return Math.max(PEACE_NANOS, 4 * longest);
    }

    private void serveAdminQueue() {
        try {
            driver.admin().poll();
            abortLate();
            driver.serveEvents();
        } catch (IOException e) {
            failed(e.getMessage());
        }
    }

    private void abortLate() throws IOException {
        for (LateCommand late = nextLate(); late != null; late = nextLate()) {
            boolean stillLate = late.pair().isLate(late.cid());
            if (stillLate && !driver.admin().abort(late.pair().qid(), late.cid(), driver.abortLimit())) {
                return;
            }
            takeLate();
        }
    }

    /**
     * First the device loses the right to do DMA, then commands end. Where that is not certain, they end with a status that says
     * so. No memory is taken away before {@link NvmeDriver#close}.
     */
    private void die() {
        DeviceFailure why = new DeviceFailure(driver.name() + " is dead after " + vainResets
                + " resets that failed or did not help; the last because: " + resetReason()
                + ". Look for it on its bus, or cycle its power"
                + (driver.device().canReset() ? "" : " (it could only be disabled: its function has no reset)"));
        driver.state().setStage(DriverState.Stage.OVER); // before commands end: who comes after must not let it go on
        int status = PciAccess.silence(driver.device()) ? DriverStatus.DEVICE_DEAD : DriverStatus.DEVICE_LOST;
        death = why;
        driver.admin().die(why);
        driver.queuePairs().forEach(pair -> pair.state().die(why, status));
    }
}

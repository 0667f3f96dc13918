package io.sluice.host;

import io.sluice.nvme.Csts;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

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

    private record LateCommand(QueuePair pair, int cid) {}

    private final NvmeDriver driver;
    private final Quarantine quarantine;
    private final ArrayDeque<LateCommand> lateCommands = new ArrayDeque<>();
    private String resetReason;
    private boolean holding;
    private volatile DeviceFailure death;
    private volatile String lastResetReason;

    // Of the supervising thread.
    private long nextLook;
    private boolean looked;
    private int failedResets;
    private final AtomicInteger resets = new AtomicInteger();

    Recovery(NvmeDriver driver, Quarantine quarantine) {
        this.driver = driver;
        this.quarantine = quarantine;
    }

    // ---- alarms, on any thread

    @Override
    public synchronized void late(QueuePair pair, int cid) {
        quarantine.hold();
        lateCommands.add(new LateCommand(pair, cid));
    }

    @Override
    public void lateEnded() {
        quarantine.release();
    }

    @Override
    public synchronized void failed(String why) {
        if (resetReason == null) {
            resetReason = why;
        }
        if (!holding) {
            holding = true;
            quarantine.hold();
        }
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

    DeviceFailure death() {
        return death;
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

    /** One step; see {@link NvmeDriver#supervise}. */
    void supervise(long nowNanos) {
        try {
            step(nowNanos);
        } catch (InternalError late) {
            failed(driver.name() + " was accessed while it did not decode its memory");
        }
    }

    private void step(long nowNanos) {
        if (death == null) {
            look(nowNanos);
            resetIfWanted();
        }
        if (death == null) {
            resumeQueues();
            serveAdminQueue();
        }
        quarantine.releaseDeferred();
    }

    private void look(long nowNanos) {
        if (looked && nowNanos - nextLook < 0) {
            return;
        }
        looked = true;
        nextLook = nowNanos + LOOK_NANOS;
        try {
            int csts = driver.registers().csts();
            if (Csts.fatal(csts) || !Csts.ready(csts)) {
                failed(driver.name() + " has CSTS 0x" + Integer.toHexString(csts) + ": "
                        + (Csts.fatal(csts) ? "a fatal error" : "not ready any more"));
            }
        } catch (IOException e) {
            failed(e.getMessage());
        }
    }

    private void resetIfWanted() {
        while (resetReason() != null && death == null) {
            if (failedResets >= driver.options().timeouts().maxResets()) {
                die();
                return;
            }
            lastResetReason = resetReason();
            try {
                reset();
                resets.incrementAndGet();
            } catch (IOException | RuntimeException | InternalError e) {
                failedResets++;
                wantAgain(e);
            }
        }
    }

    /** Other threads wait for the lock at most as long as an admin command takes. */
    private void reset() throws IOException {
        AdminQueue admin = driver.admin();
        admin.lock().lock();
        try {
            driver.queuePairs().forEach(QueuePair::halt);
            new BringUp(driver).again(failedResets > 0, this::disabled);
        } finally {
            admin.lock().unlock();
        }
        succeeded();
    }

    /** From here on the device touches no memory of any command sent so far. */
    private synchronized void disabled() {
        driver.queuePairs().forEach(QueuePair::endAll);
        lateCommands.clear();
        releaseHold();
    }

    private synchronized void succeeded() {
        resetReason = null;
        releaseHold(); // of what went wrong on the way
    }

    private void releaseHold() {
        if (holding) {
            holding = false;
            quarantine.release();
        }
    }

    private synchronized void wantAgain(Throwable why) {
        resetReason = null;
        failed(why.getMessage());
    }

    /** Queue pairs whose pollers have ended everything get their queues back; the others later. */
    private void resumeQueues() {
        boolean all = true;
        for (QueuePair pair : driver.queuePairs()) {
            try {
                if (pair.mode() == QueuePair.Mode.QUIET) {
                    driver.createQueues(pair);
                    pair.resume();
                }
            } catch (IOException | RuntimeException e) {
                failedResets++;
                failed(e.getMessage());
                return;
            }
            all &= pair.mode() == QueuePair.Mode.RUNNING;
        }
        if (all) {
            failedResets = 0;
        }
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

    /** What the device may still do to memory it does until {@link NvmeDriver#close}: nothing is taken away before. */
    private void die() {
        DeviceFailure why = new DeviceFailure(driver.name() + " is dead after " + failedResets
                + " resets that failed; the last because: "
                + resetReason() + ". Look for it on its bus, or cycle its power"
                + (driver.device().canReset() ? "" : " (it could only be disabled: its function has no reset)"));
        death = why;
        driver.admin().die(why);
        List<QueuePair> pairs = driver.queuePairs();
        pairs.forEach(pair -> pair.die(why));
        PciAccess.silence(driver.device());
    }
}

package io.sluice.daemon;

import io.sluice.host.NvmeDriver;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks after a device beside its poller: late commands, resets, events. */
final class Supervisor implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Supervisor.class);

    /** Deadlines are of seconds; each look costs a wake-up. */
    private static final long PERIOD_MILLIS = 100;

    /** While nobody waits for anything of the device. */
    private static final long RESTING_PERIOD_MILLIS = 1_000;

    private final NvmeDriver driver;
    private final boolean ofThisHost;
    private final CountDownLatch stop = new CountDownLatch(1);
    private final Thread thread;
    private boolean deathLogged;
    private int lateTold;
    private int resetsTold;

    private Supervisor(NvmeDriver driver, boolean ofThisHost) {
        this.driver = driver;
        this.ofThisHost = ofThisHost;
        thread = Thread.ofPlatform().name("supervise-" + driver.name()).daemon().unstarted(this::run);
    }

    /** @param ofThisHost whether it is a device with a power supply, not something behind a socket */
    static Supervisor start(NvmeDriver driver, boolean ofThisHost) {
        Supervisor supervisor = new Supervisor(driver, ofThisHost);
        supervisor.thread.start();
        return supervisor;
    }

    private void run() {
        try {
            while (!stop.await(driver.isResting() ? RESTING_PERIOD_MILLIS : PERIOD_MILLIS, TimeUnit.MILLISECONDS)) {
                supervise();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody has a reason to; whoever does wants it to end
        }
    }

    private void supervise() {
        try {
            driver.supervise(System.nanoTime());
        } catch (RuntimeException | Error e) {
            LOG.error("{}: looking after it failed; trying again", driver.name(), e);
        }
        tellOfTrouble();
        if (driver.isDead() && !deathLogged) {
            deathLogged = true;
            LOG.error(
                    "{}: the device is dead, and all of its volumes with it: their commands end with Internal Error. It was given"
                            + " up when resets did not help any more ({} had), the last because: {}. {}, then start again",
                    driver.name(),
                    driver.resets(),
                    driver.lastResetReason().orElse("nobody knows"),
                    ofThisHost ? "Power it off and on, or replace it" : "Look after whoever serves it");
        }
    }

    private void tellOfTrouble() {
        int late = driver.lateCommands();
        if (late != lateTold) {
            LOG.warn(
                    "{}: {} commands have not ended in their time (device.timeout-millis), and are aborted; where that does not"
                            + " help, the device is reset. It is slow, or failing",
                    driver.name(),
                    late - lateTold);
            lateTold = late;
        }
        int resets = driver.resets();
        if (resets != resetsTold) {
            LOG.warn(
                    "{}: the device has been reset, for the {}. time, because: {}. What it had in flight ends in Command"
                            + " Interrupted, and guests send it again. If this goes on, the device is failing",
                    driver.name(),
                    resets,
                    driver.lastResetReason().orElse("nobody knows"));
            resetsTold = resets;
        }
    }

    /** Ends the thread, and waits for it. Idempotent. */
    @Override
    public void close() {
        stop.countDown();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

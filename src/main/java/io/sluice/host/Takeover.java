package io.sluice.host;

import io.sluice.linux.Fd;
import io.sluice.linux.PlainText;
import io.sluice.nvme.Csts;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Goes on with a controller that another process has brought up.
 *
 * <pre>
 *   RUNNING, and well ──▶ the queues as they are ──▶ Identify
 *   else              ──▶ CC.EN = 0 ──▶ up again with the same memory ──▶ Identify ──▶ all commands end as by any reset
 * </pre>
 */
final class Takeover {
    private static final Logger LOG = LoggerFactory.getLogger(Takeover.class);

    private final NvmeDriver driver;
    private final BringUp bringUp;
    private final DriverState.Left left;
    private DriverState.Device was;

    Takeover(NvmeDriver driver, DriverState.Left left) {
        this.driver = driver;
        this.bringUp = new BringUp(driver);
        this.left = left;
    }

    void run() throws IOException {
        DriverState.Stage stage = driver.state().stage();
        if (stage == DriverState.Stage.COMING_UP || stage == DriverState.Stage.OVER) {
            throw new IOException("the process before this one was not driving " + driver.name() + " when it ended"
                    + (stage == DriverState.Stage.OVER
                            ? ", but had shut it down or given it up"
                            : ", but bringing it up")
                    + ": there is nothing to go on with; start afresh");
        }
        was = driver.state().device();
        driver.memory().takeOver(driver.state());
        bringUp.step1EnablePciAccess();
        AdminQueue admin = bringUp.adminQueue(adopt(left.adminQueues(), was.adminQueues()));
        driver.enabled(admin);
        boolean well = stage == DriverState.Stage.RUNNING && isReady() && goOn(admin);
        if (!well) {
            reset(admin);
        }
        requireTheSame();
        takeOverQueuePairs(well);
    }

    private DmaArea adopt(Fd file, DriverState.Piece piece) throws IOException {
        if (file == null) {
            throw new IOException("memory of the queues of " + driver.name() + " is missing; start afresh");
        }
        return driver.memory().adopt(file, piece);
    }

    private boolean isReady() throws IOException {
        int csts = driver.registers().csts();
        return Csts.ready(csts) && !Csts.fatal(csts);
    }

    /** Whether its admin queue works. */
    private boolean goOn(AdminQueue admin) throws IOException {
        try {
            admin.takeOver();
            bringUp.step7Identify();
            return true;
        } catch (CommandFailed e) {
            throw e;
        } catch (IOException e) {
            LOG.warn("{} is reset, as it cannot be gone on with as it is: {}", driver.name(), e.getMessage());
            return false;
        }
    }

    private void requireTheSame() throws DeviceFailure {
        ControllerInfo is = driver.controller();
        if (!is.serial().equals(was.serial()) || !is.model().equals(was.model())) {
            throw new DeviceFailure(
                    driver.name() + " is another controller than the process before this one drove: that had model \""
                            + PlainText.of(was.model().strip()) + "\" and serial number \""
                            + PlainText.of(was.serial().strip()) + "\"; start afresh");
        }
    }

    private void reset(AdminQueue admin) throws IOException {
        driver.state().setStage(DriverState.Stage.RESETTING);
        admin.beginReset();
        try {
            bringUp.step2AwaitIdle();
            admin.restart();
            bringUp.setAdminQueue(admin.memory());
            bringUp.step4ConfigureController();
            bringUp.step5Enable(admin);
            bringUp.step6AwaitReady();
        } finally {
            admin.endReset();
        }
        bringUp.step7Identify();
        driver.resetSucceeded();
    }

    private void takeOverQueuePairs(boolean well) throws IOException {
        if (was.shadows().bytes() > 0) {
            driver.shadows(new ShadowDoorbells(adopt(left.shadows(), was.shadows())));
        }
        if (was.queuePairs() == 0) {
            return;
        }
        if (driver.options().interrupts()) {
            bringUp.connectInterrupts(was.queuePairs());
        }
        DmaArea queues = adopt(left.ioQueues(), was.ioQueues());
        driver.queueAreas(driver.adminArea(), queues);
        for (int qid = 1; qid <= was.queuePairs(); qid++) {
            QueuePair pair = bringUp.queuePair(qid, bringUp.queueMemory(queues, qid, was.entries()));
            driver.addQueuePair(pair);
            if (well) {
                pair.takeOver();
            } else {
                pair.takeOverStopped();
                pair.state().halt();
                pair.state().endAll();
            }
        }
        if (!well) {
            bringUp.askForTheSameQueues();
            bringUp.configureTheSameDoorbellBuffer();
        }
    }
}

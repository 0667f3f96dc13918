package io.sluice.host;

import io.sluice.device.InterruptKind;
import io.sluice.linux.EventFd;
import java.io.IOException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The end of a driver: of its commands, of the controller's access to memory, and of that memory. Under the supervision's lock. */
final class Shutdown {
    /** Where a controller gives no RTD3 entry latency (or a very short one), a shutdown may take so long. */
    private static final int MIN_SHUTDOWN_MILLIS = 5_000;

    /** No longer is waited for a shutdown, whatever the controller says: its field goes up to 71 minutes. */
    private static final int MAX_SHUTDOWN_MILLIS = 60_000;

    /** So long a controller is waited for when it is disabled for good; one that takes longer loses its bus master. */
    private static final int MAX_DISABLE_MILLIS = 2_000;

    private static final Logger log = LoggerFactory.getLogger(Shutdown.class);

    private final NvmeDriver driver;
    private final List<QueuePair> queuePairs;

    Shutdown(NvmeDriver driver) {
        this.driver = driver;
        this.queuePairs = driver.queuePairs();
    }

    /** See {@link NvmeDriver#shutDown}. */
    void run() throws IOException {
        driver.state().setStage(DriverState.Stage.OVER);
        queuePairs.forEach(pair -> pair.state().halt());
        try {
            deleteQueues();
            int millis = Math.max(MIN_SHUTDOWN_MILLIS, driver.controller().shutdownMillis());
            driver.registers().shutDown(Math.min(millis, MAX_SHUTDOWN_MILLIS));
        } finally {
            endCommands();
        }
    }

    /** Whatever becomes of that: more than the queues depends on what comes after it. */
    private void deleteQueues() {
        try {
            for (QueuePair pair : queuePairs) {
                driver.admin().deleteSq(pair.qid());
            }
            for (QueuePair pair : queuePairs) {
                driver.admin().deleteCq(pair.qid());
            }
        } catch (IOException e) {
            log.warn("{} is shut down with queues that are not deleted: {}", driver.name(), e.getMessage());
        }
    }

    private void endCommands() {
        int status = disabledOrSilent() ? DriverStatus.DEVICE_DEAD : DriverStatus.DEVICE_LOST;
        DeviceFailure why = new DeviceFailure(driver.name() + " has been shut down");
        driver.admin().die(why);
        queuePairs.forEach(pair -> pair.state().die(why, status));
    }

    /** See {@link NvmeDriver#close}. */
    void letGo() {
        driver.state().setStage(DriverState.Stage.OVER);
        queuePairs.forEach(QueuePair::close);
        driver.requestReset("it is being closed"); // so that memory of commands that end now stays until it is disabled
        if (driver.admin() != null) {
            driver.admin().die(new DeviceFailure(driver.name() + " has been closed"));
        }
        disabledOrSilent(); // if neither, it loses its memory all the same, by its IOMMU or its server; see DmaArea
        disconnectInterrupts();
        driver.memory().takeAway();
        driver.interrupts().forEach(EventFd::close);
        driver.state().close();
    }

    /** See {@link NvmeDriver#leave}. */
    void leave() {
        queuePairs.forEach(QueuePair::close);
        if (driver.admin() != null) {
            driver.admin().die(new DeviceFailure(driver.name() + " has been left to another process"));
        }
        driver.memory().leave();
        driver.interrupts().forEach(EventFd::close);
        driver.state().close();
    }

    /** Whether the device certainly touches no memory any more. */
    private boolean disabledOrSilent() {
        if (!driver.isEnabled()) {
            return true;
        }
        if (!driver.isDead()) {
            try {
                driver.registers().waitAgain();
                driver.registers().disableWithin(MAX_DISABLE_MILLIS, "end its access to memory");
                return true;
            } catch (IOException | RuntimeException | InternalError stuck) {
                log.debug("{} loses its bus master: {}", driver.name(), stuck.getMessage());
            }
        }
        boolean silent = PciAccess.silence(driver.device());
        driver.registers().forceDisable();
        return silent;
    }

    private void disconnectInterrupts() {
        try {
            if (!driver.interrupts().isEmpty()) {
                driver.device().disableInterrupts(InterruptKind.MSIX);
            }
        } catch (IOException unreachable) {
            // Whoever serves the device closes its eventfds with it.
        }
    }
}

package io.sluice.host;

import io.sluice.nvme.Status;

/**
 * How commands end that no completion of the device has ended. Such a status says "Command Aborted By Host" (NVMe 1.4, figure
 * 130), with bit 15 set besides: a completion queue entry has only 15 bits of status, so no device can say it.
 *
 * <pre>
 *    15        14   13  12:11 10:8  7:0
 *   |by driver|DNR| M | CRD | SCT | SC |
 * </pre>
 */
public final class DriverStatus {
    private static final int BY_DRIVER = 0x8000;

    /**
     * The controller was reset while the command was outstanding. It may have been done, in part or in whole, or not at all;
     * it may be sent again.
     */
    public static final int CONTROLLER_RESET = BY_DRIVER | Status.ABORTED_BY_HOST.code();

    /** The device is dead or shut down: as above, and sending it again to this device is of no use (Do Not Retry). */
    public static final int DEVICE_DEAD = BY_DRIVER | Status.ABORTED_BY_HOST.dnr();

    /**
     * The device is dead, and nobody can tell whether it still does DMA, as it has not confirmed that its bus master is off:
     * the command's memory must not be used for anything else until the driver has been closed, which takes it away.
     */
    public static final int DEVICE_LOST = DEVICE_DEAD | Status.MORE;

    private DriverStatus() {}

    /** Whether the driver has ended the command, and not the device. */
    public static boolean isByDriver(int status) {
        return (status & BY_DRIVER) != 0;
    }

    /** Whether the command's memory is its owner's again, as it is with every status but {@link #DEVICE_LOST}. */
    public static boolean isMemoryFree(int status) {
        return status != DEVICE_LOST;
    }

    /** For logs and people, of any status that a completion listener gets. */
    public static String describe(int status) {
        if (!isByDriver(status)) {
            return Status.describe(status);
        }
        if (status == DEVICE_LOST) {
            return "ended because the device is dead; it may still use the memory";
        }
        return Status.isDoNotRetry(status)
                ? "ended because the device is dead"
                : "ended by a reset of the controller; may be sent again";
    }
}

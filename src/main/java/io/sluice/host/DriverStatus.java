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

    /** The device is dead: as above, and sending it again to this device is of no use (Do Not Retry). */
    public static final int DEVICE_DEAD = BY_DRIVER | Status.ABORTED_BY_HOST.dnr();

    private DriverStatus() {}

    /** Whether the driver has ended the command, and not the device. */
    public static boolean isByDriver(int status) {
        return (status & BY_DRIVER) != 0;
    }

    /** For logs and people, of any status that a completion listener gets. */
    public static String describe(int status) {
        if (!isByDriver(status)) {
            return Status.describe(status);
        }
        return Status.isDoNotRetry(status)
                ? "ended because the device is dead"
                : "ended by a reset of the controller; may be sent again";
    }
}

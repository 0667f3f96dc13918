package io.sluice.mediation;

import io.sluice.host.DriverStatus;
import io.sluice.nvme.Status;

/** What a guest is told of how the device has ended its command. */
final class GuestStatus {
    /**
     * For a command that a reset of the device has ended: it may have been done or not, and can be sent again. NVMe 1.4, 4.6.1,
     * "Command Interrupted".
     */
    static final int INTERRUPTED = Status.COMMAND_INTERRUPTED.code();

    /** For a command that will meet the same again: the device is dead, or the mediator is at fault. */
    static final int FINAL = Status.INTERNAL_ERROR.dnr();

    private GuestStatus() {}

    /** Whether the same command, sent again, may be done. */
    static boolean isRetryable(int status) {
        return Status.COMMAND_INTERRUPTED.is(status) && !Status.isDoNotRetry(status);
    }

    /**
     * Translates a status of the device's, or of its driver's, into one for the guest. What says something of its
     * blocks passes; the bits that point to a log or a time of the device's do not.
     */
    static int of(int hostStatus) {
        if (Status.isSuccess(hostStatus)) {
            return Status.OK;
        }
        if (DriverStatus.isByDriver(hostStatus)) {
            return hostStatus == DriverStatus.CONTROLLER_RESET ? INTERRUPTED : FINAL;
        }
        if (isTheGuests(hostStatus)) {
            return Status.plain(hostStatus);
        }
        if (Status.ABORT_REQUESTED.is(hostStatus) || Status.ABORTED_SQ_DELETION.is(hostStatus)) {
            return INTERRUPTED; // by the driver, which aborts what is late: never by the guest
        }
        return Status.isDoNotRetry(hostStatus) ? FINAL : Status.INTERNAL_ERROR.code();
    }

    /**
     * Whether it says something of the guest's blocks. All else about a command that was checked here would be a mistake of
     * the mediator's or of the device's, and must not look like the guest's.
     */
    private static boolean isTheGuests(int hostStatus) {
        return Status.sct(hostStatus) == Status.SCT_MEDIA
                || Status.CAPACITY_EXCEEDED.is(hostStatus)
                || Status.NAMESPACE_WRITE_PROTECTED.is(hostStatus)
                || Status.NAMESPACE_NOT_READY.is(hostStatus)
                || Status.ABORTED_FAILED_FUSED.is(hostStatus)
                || Status.COMMAND_INTERRUPTED.is(hostStatus);
    }
}

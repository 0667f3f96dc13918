package io.sluice.mediation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.host.DriverStatus;
import io.sluice.nvme.Status;
import org.junit.jupiter.api.Test;

class GuestStatusTest {
    private static void assertBecomes(int guests, int hosts) {
        assertEquals(Status.describe(guests), Status.describe(GuestStatus.of(hosts)));
    }

    @Test
    void shouldPassWhatTheDeviceSaysOfTheGuestsBlocks() {
        assertBecomes(Status.OK, Status.OK);
        assertBecomes(Status.UNRECOVERED_READ_ERROR.dnr(), Status.UNRECOVERED_READ_ERROR.dnr() | Status.MORE);
        assertBecomes(Status.WRITE_FAULT.code(), Status.WRITE_FAULT.code());
        assertBecomes(Status.CAPACITY_EXCEEDED.dnr(), Status.CAPACITY_EXCEEDED.dnr());
        assertBecomes(Status.NAMESPACE_WRITE_PROTECTED.dnr(), Status.NAMESPACE_WRITE_PROTECTED.dnr());
        assertBecomes(Status.NAMESPACE_NOT_READY.code(), Status.NAMESPACE_NOT_READY.code());
    }

    @Test
    void shouldTellRetryableFromFinal() {
        assertBecomes(Status.COMMAND_INTERRUPTED.code(), DriverStatus.CONTROLLER_RESET);
        assertBecomes(Status.COMMAND_INTERRUPTED.code(), Status.ABORT_REQUESTED.code());
        assertBecomes(Status.INTERNAL_ERROR.dnr(), DriverStatus.DEVICE_DEAD);
    }

    @Test
    void shouldNotBlameTheGuestForWhatWasCheckedHere() {
        assertBecomes(Status.INTERNAL_ERROR.dnr(), Status.LBA_OUT_OF_RANGE.dnr());
        assertBecomes(Status.INTERNAL_ERROR.dnr(), Status.INVALID_FIELD.dnr());
        assertBecomes(Status.INTERNAL_ERROR.code(), Status.DATA_TRANSFER_ERROR.code());
        assertBecomes(Status.INTERNAL_ERROR.dnr(), Status.INVALID_QUEUE_IDENTIFIER.dnr());
    }
}

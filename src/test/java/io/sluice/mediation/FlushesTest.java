package io.sluice.mediation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.host.DriverOnFake.Mood;
import io.sluice.nvme.Status;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One flush of the device for all guests that wait for one. */
class FlushesTest extends MediationFixture {
    private Guest one;
    private Guest two;

    @BeforeEach
    void start() throws Exception {
        share(2, 16);
        one = guest();
        two = guest();
        device.setMood(Mood.SLOW);
    }

    @Test
    void shouldSatisfyAGuestOnlyByAFlushThatWasSubmittedAfterItsOwn() {
        one.flush();
        cycle();
        assertEquals(1, device.taken());
        two.flush();
        cycle();
        assertEquals(1, device.taken(), "one at a time");

        device.finish();
        cycle();
        assertEquals(List.of(Status.OK), one.queues.statuses);
        assertEquals(List.of(), two.queues.statuses, "what it has written may have come after that flush");
        assertEquals(2, device.taken());

        device.finish();
        cycle();
        assertEquals(List.of(Status.OK), two.queues.statuses);
    }

    @Test
    void shouldServeAllThatWaitByOneFlush() {
        one.flush();
        cycle();
        for (int i = 0; i < 3; i++) {
            one.flush();
            two.flush();
        }
        cycle();
        device.finish();
        cycle();
        device.finish();
        cycle();
        assertEquals(2, device.taken());
        assertEquals(4, one.queues.statuses.size());
        assertEquals(3, two.queues.statuses.size());
    }

    @Test
    void shouldTellGuestsToTryAgainWhenTheDeviceIsResetUnderTheirFlush() {
        one.flush();
        cycle();
        two.flush();
        cycle();
        device.setMood(Mood.WELL);
        resetDevice();
        assertEquals(List.of(GuestStatus.INTERRUPTED), one.queues.statuses);
        assertEquals(List.of(Status.OK), two.queues.statuses, "by a flush after the reset");
    }

    @Test
    void shouldPassOnThatAFlushHasFailed() {
        device.setMood(Mood.FAILING);
        one.flush();
        cycles(3);
        assertEquals(List.of(Status.INTERNAL_ERROR.code()), one.queues.statuses);
    }

    @Test
    void shouldFailFlushesThatAreInFlightAndThatWaitWhenTheDeviceDies() {
        one.flush();
        cycle();
        two.flush();
        cycle();
        loseDevice();
        assertEquals(List.of(GuestStatus.FINAL), one.queues.statuses);
        assertEquals(List.of(GuestStatus.FINAL), two.queues.statuses);
        assertTrue(one.queues.shutDown(), "nothing is left to wait for");
    }

    @Test
    void shouldForgetAFlushThatIsCancelledBeforeItIsDone() {
        one.flush();
        cycle();
        assertTrue(one.queues.deleteSubmissionQueue());
        device.finish();
        cycle();
        assertEquals(List.of(Status.ABORTED_SQ_DELETION.code()), one.queues.statuses);
    }

    // ---- a shutdown's

    @Test
    void shouldEndAShutdownWithAFlushThatBeginsAfterIt() {
        two.flush();
        cycle();
        assertFalse(one.queues.shutDown());
        cycle();
        device.finish();
        cycle();
        assertFalse(one.queues.shutDown(), "that one was the other's, and began before");
        device.finish();
        cycle();
        assertTrue(one.queues.shutDown());
        assertEquals(2, device.taken());
    }

    @Test
    void shouldFlushAgainForAShutdownWhenTheDeviceIsResetUnderIt() {
        assertFalse(one.queues.shutDown());
        cycle();
        assertEquals(1, device.taken());
        resetDevice();
        assertFalse(one.queues.shutDown(), "nobody knows what that flush has done");
        assertEquals(2, device.taken());
        device.finish();
        cycle();
        assertTrue(one.queues.shutDown());
    }

    @Test
    void shouldEndAShutdownWhenTheDeviceSaysThatItCannotFlush() {
        device.setMood(Mood.FAILING);
        assertFalse(one.queues.shutDown());
        cycles(3);
        assertTrue(one.queues.shutDown());
    }

    @Test
    void shouldFlushForTheNextShutdownWhenOneWasAbandoned() {
        for (int stage = 0; stage < 3; stage++) {
            int before = device.taken();
            assertFalse(one.queues.shutDown());
            cycles(stage); // wanted, in flight, or done
            if (stage == 2) {
                device.finish();
                cycle();
            }
            assertTrue(one.queues.reset());
            one.queues.create();
            assertFalse(one.queues.shutDown(), "stage " + stage + ": it has written since");
            cycle();
            device.finish();
            cycle();
            device.finish();
            cycle();
            assertTrue(one.queues.shutDown(), "stage " + stage);
            assertEquals(stage == 0 ? 1 : 2, device.taken() - before, "stage " + stage);
            assertTrue(one.queues.reset());
            one.queues.create();
        }
    }
}

package io.sluice.mediation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.host.DriverOnFake.Mood;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Queue pairs, time, and turns. */
class SharedDeviceTest extends MediationFixture {
    @Test
    void shouldGoOnAfterAnyNumberOfResetsThatHelpWhenThereAreMorePairsThanGuests() throws Exception {
        share(4, 16);
        Guest guest = guest();
        for (int reset = 1; reset <= 6; reset++) {
            assertServed(guest);
            resetDevice();
            assertFalse(device.driver.isDead(), "reset " + reset);
            assertEquals(reset, device.driver.resets());
        }
        assertServed(guest);
    }

    @Test
    void shouldFlushAfterAResetWhenTheFirstQueueHasNoUser() throws Exception {
        share(2, 16);
        Guest gone = guest();
        Guest guest = guest();
        assertTrue(gone.queues.reset());
        resetDevice();
        guest.flush();
        cycles(5);
        assertEquals(List.of(Status.OK), guest.queues.statuses);
    }

    @Test
    void shouldFlushAlthoughANeighbourFillsEachSlotThatBecomesFree() throws Exception {
        share(1, 4);
        Guest hog = guest();
        Guest guest = guest();
        hog.keeps = 10;
        device.setMood(Mood.SLOW);
        cycles(4);
        guest.flush();
        for (int i = 0; i < 20; i++) {
            device.finish();
            cycle();
        }
        assertEquals(List.of(Status.OK), guest.queues.statuses);
    }

    @Test
    void shouldShutAGuestDownAlthoughANeighbourFillsEachSlotThatBecomesFree() throws Exception {
        share(1, 4);
        Guest hog = guest();
        Guest guest = guest();
        hog.keeps = 10;
        device.setMood(Mood.SLOW);
        cycles(4);
        boolean done = false;
        for (int i = 0; i < 20 && !done; i++) {
            done = guest.queues.shutDown();
            device.finish();
            cycle();
        }
        assertTrue(done);
    }

    /** Whatever the rhythm: with this one, all slots become free when the first guest has the first turn. */
    @Test
    void shouldServeEachGuestOfAQueueThatOneOfThemFills() throws Exception {
        for (int rhythm = 1; rhythm <= 6; rhythm++) {
            share(1, 4);
            Guest hog = guest();
            Guest one = guest();
            Guest other = guest();
            device.setMood(Mood.SLOW);
            hog.keeps = 10;
            one.keeps = 4;
            other.keeps = 4;
            for (int i = 0; i < 60 * rhythm; i++) {
                cycle();
                if (i % rhythm == 0) {
                    device.finish();
                }
            }
            int all = hog.queues.statuses.size() + one.queues.statuses.size() + other.queues.statuses.size();
            assertTrue(one.queues.statuses.size() > all / 6, one.queues.statuses.size() + " of " + all);
            assertTrue(other.queues.statuses.size() > all / 6, other.queues.statuses.size() + " of " + all);
            assertTrue(hog.queues.statuses.size() > all / 6, hog.queues.statuses.size() + " of " + all);
            assertTrue(all > 60, "no slot is left unused for long: " + all);
            device.setMood(Mood.WELL);
            device.finish();
            hog.keeps = 0;
            one.keeps = 0;
            other.keeps = 0;
            for (int i = 0; i < 20; i++) {
                device.finish();
                cycle();
            }
            close();
            guests.clear();
        }
        share(1, 4);
    }

    @Test
    void shouldNotKeepASlotForAGuestThatHasGivenUp() throws Exception {
        share(1, 2);
        Guest hog = guest();
        Guest gone = guest();
        device.setMood(Mood.SLOW);
        hog.keeps = 4;
        cycle();
        gone.read();
        cycle();
        assertTrue(gone.queues.deleteSubmissionQueue(), "its command was never taken");
        int before = hog.queues.statuses.size();
        for (int i = 0; i < 40; i++) {
            device.finish();
            cycle();
        }
        assertTrue(hog.queues.statuses.size() > before + 5, "the only slot there is");
    }

    /** Duty cycles are rare while all sleep, and deadlines are looked at once in many. */
    @Test
    void shouldGiveACommandItsFullTimeWhenAllHaveSleptBefore() throws Exception {
        share(2, 16);
        Guest guest = guest();
        assertServed(guest);
        for (int i = 0; i < 40; i++) {
            device.passMillis(1_000);
            cycle();
        }
        device.setMood(Mood.SLOW);
        guest.read();
        cycle();
        device.passMillis(10_000);
        cycles(70);
        assertEquals(0, device.aborts(), "ten seconds are not thirty");
        device.passMillis(25_000);
        cycles(70);
        assertEquals(1, device.aborts());
    }

    @Test
    void shouldTellAGuestWhoseCommandWasAbortedToTryAgain() throws Exception {
        share(2, 16);
        Guest guest = guest();
        Guest neighbour = guest();
        device.setMood(Mood.SLOW);
        guest.read();
        cycles(70);
        device.setMood(Mood.WELL);
        passSeconds(32);
        assertEquals(1, device.aborts());
        assertEquals(0, device.driver.resets(), "an Abort that works is enough");
        assertEquals(List.of(GuestStatus.INTERRUPTED), guest.queues.statuses);
        assertServed(neighbour);
        assertServed(guest);
    }

    @Test
    void shouldResetTheDeviceWhenAnAbortDoesNotHelpAndTellAllGuestsToTryAgain() throws Exception {
        share(2, 16);
        Guest guest = guest();
        Guest neighbour = guest();
        device.setMood(Mood.STUCK);
        guest.read();
        neighbour.read();
        passSeconds(40);
        device.setMood(Mood.WELL);
        assertEquals(1, device.driver.resets());
        assertEquals(List.of(GuestStatus.INTERRUPTED), guest.queues.statuses);
        assertEquals(List.of(GuestStatus.INTERRUPTED), neighbour.queues.statuses);
        assertServed(neighbour);
        assertServed(guest);
    }

    @Test
    void shouldEndADeletionOfAQueueWhenTheDeviceIsReset() throws IOException {
        share(2, 16);
        Guest guest = guest();
        device.setMood(Mood.STUCK);
        guest.read();
        cycles(3);
        assertFalse(guest.queues.deleteSubmissionQueue(), "the device has it");
        device.setMood(Mood.WELL);
        resetDevice();
        assertTrue(guest.queues.deleteSubmissionQueue());
        assertEquals(List.of(GuestStatus.INTERRUPTED), guest.queues.statuses);
    }

    @Test
    void shouldStayAwakeUntilAResetHasBeenMet() throws Exception {
        share(2, 64);
        assertTrue(shared.isQuiet());
        device.breakDown();
        boolean met = false;
        for (int i = 0; i < 10; i++) {
            device.supervise();
            met |= !shared.isQuiet();
            mediator.doWork();
        }
        assertTrue(met, "nobody would have polled the pairs");
        assertEquals(1, device.driver.resets());
        assertTrue(shared.isQuiet());
    }
}

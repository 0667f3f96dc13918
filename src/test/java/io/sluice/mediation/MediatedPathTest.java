package io.sluice.mediation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.host.DriverOnFake;
import io.sluice.host.DriverOnFake.Mood;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** One guest's commands: their limits, and how they end. */
class MediatedPathTest extends MediationFixture {
    @Test
    void shouldEndAllThatHasEndedAlthoughAFaultComesUpAtOne() throws Exception {
        share(1, 16);
        Guest guest = guest();
        device.setMood(Mood.FAILING);
        for (int i = 0; i < 5; i++) {
            guest.read();
        }
        shared.poll();
        guest.doWork();
        shared.submit();
        shared.poll();
        int[] left = {2};
        guest.queues.onFailure = () -> {
            if (--left[0] == 0) {
                throw new InternalError("told late, as it were");
            }
        };
        assertThrows(InternalError.class, guest::doWork);
        guest.doWork();
        assertFalse(guest.queues.anyPending(), "or a reset of the controller would never end");
        assertEquals(Collections.nCopies(4, Status.INTERNAL_ERROR.code()), guest.queues.statuses);
    }

    // ---- a lost device

    @Test
    void shouldEndWhatUsesNoMemoryOfTheGuestsWhenTheDeviceIsLost() throws Exception {
        share(1, 16);
        Guest guest = guest();
        device.setMood(Mood.STUCK);
        guest.queues.submit(NvmOpcode.WRITE_ZEROES, 0, 1);
        guest.queues.deallocate(new long[] {0, 8});
        guest.flush();
        cycles(3);
        loseDevice();
        assertEquals(Collections.nCopies(3, GuestStatus.FINAL), guest.queues.statuses);
        assertNull(guest.path.failure());
        guest.read();
        cycles(3);
        assertEquals(GuestStatus.FINAL, guest.queues.statuses.getLast());
    }

    @Test
    void shouldKeepCommandsWhoseMemoryALostDeviceMayUseUntilTheClientLeaves() throws Exception {
        share(2, 16);
        Guest guest = guest();
        Guest neighbour = guest();
        device.setMood(Mood.STUCK);
        guest.read();
        cycles(3);
        loseDevice();
        assertEquals(List.of(), guest.queues.statuses);
        assertNotNull(guest.path.failure(), "its controller has to fail");
        assertFalse(guest.queues.reset());
        assertNull(neighbour.path.failure(), "nothing of it was in flight");

        assertTrue(guest.queues.leave());
        assertNull(guest.path.failure());
        guest.queues.create();
        guest.queues.statuses.clear();
        guest.read();
        guest.flush();
        cycles(3);
        assertEquals(List.of(GuestStatus.FINAL, GuestStatus.FINAL), guest.queues.statuses, "for the next client");
    }

    // ---- slow commands

    @Test
    void shouldGiveTheDeviceFewSlowCommandsOfOneGuestAtATime() throws Exception {
        share(1, 32);
        Guest guest = guest();
        Guest neighbour = guest();
        device.setMood(Mood.SLOW);
        for (int i = 0; i < 6; i++) {
            guest.queues.submit(NvmOpcode.WRITE_ZEROES, 0, 10);
            guest.queues.deallocate(new long[] {0, 10});
        }
        cycles(3);
        assertEquals(MediatedPath.MAX_SLOW, device.taken());
        neighbour.read();
        cycles(3);
        assertEquals(MediatedPath.MAX_SLOW + 1, device.taken());
        for (int i = 0; i < 12; i++) {
            device.finish();
            cycle();
        }
        assertEquals(Collections.nCopies(12, Status.OK), guest.queues.statuses);
    }

    @Test
    void shouldDropADeallocationOfTheSameBlocksAgainAndAgain() throws Exception {
        share(1, 32);
        Guest guest = guest();
        guest.queues.deallocate(new long[] {0, BLOCKS}, new long[] {0, 1});
        cycles(3);
        assertEquals(0, device.taken());
        guest.queues.deallocate(new long[] {0, BLOCKS - 1}, new long[] {0, 1});
        cycles(3);
        assertEquals(1, device.taken());
        assertEquals(List.of(Status.OK, Status.OK), guest.queues.statuses);
    }

    // ---- limits of the device's

    private Guest guestOf(DriverOnFake.Limits limits) throws Exception {
        share(new DriverOnFake(1, 32, change -> {
            change.version = limits.version;
            change.refused = limits.refused;
            change.wzsl = limits.wzsl;
            change.dmrl = limits.dmrl;
            change.dmrsl = limits.dmrsl;
            change.dmsl = limits.dmsl;
        }));
        return guest();
    }

    private static DriverOnFake.Limits limits() {
        DriverOnFake.Limits limits = new DriverOnFake.Limits();
        limits.version = 0x0002_0000;
        return limits;
    }

    @Test
    void shouldNotOfferWriteZeroesWhenTheDeviceTakesLessAtOnceThanAGuestMaySay() throws Exception {
        DriverOnFake.Limits limits = limits();
        limits.wzsl = 12; // 16 MiB; 65,536 blocks of 512 bytes are 32
        assertFalse(guestOf(limits).path.offers(NvmOpcode.WRITE_ZEROES));
        close();
        guests.clear();

        limits.wzsl = 13;
        assertTrue(guestOf(limits).path.offers(NvmOpcode.WRITE_ZEROES));
    }

    @Test
    void shouldHaveNoLimitsWhenTheDeviceRefusesToSayOrSaysNone() throws Exception {
        DriverOnFake.Limits limits = limits();
        limits.wzsl = 1;
        limits.dmrl = 1;
        limits.refused = true;
        Guest guest = guestOf(limits);
        assertTrue(guest.path.offers(NvmOpcode.WRITE_ZEROES));
        guest.queues.deallocate(new long[] {0, 1}, new long[] {4, 1});
        cycles(3);
        assertEquals(1, device.taken());
        close();
        guests.clear();

        assertTrue(guestOf(limits()).path.offers(NvmOpcode.WRITE_ZEROES));
    }

    @Test
    void shouldDropDeallocationsThatTheDeviceDoesNotTakeAtOnce() throws Exception {
        DriverOnFake.Limits limits = limits();
        limits.dmrl = 2;
        limits.dmrsl = 20;
        limits.dmsl = 30;
        Guest guest = guestOf(limits);
        guest.queues.deallocate(new long[] {0, 1}, new long[] {2, 1}, new long[] {4, 1});
        cycles(2);
        guest.queues.deallocate(new long[] {0, 21});
        cycles(2);
        guest.queues.deallocate(new long[] {0, 20}, new long[] {20, 11});
        cycles(2);
        assertEquals(0, device.taken());
        guest.queues.deallocate(new long[] {0, 20}, new long[] {20, 10});
        cycles(3);
        assertEquals(1, device.taken());
        assertEquals(Collections.nCopies(4, Status.OK), guest.queues.statuses, "they are hints");
    }
}

package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.host.FaultyNvme.Fate;
import io.sluice.host.FaultyNvme.Faults;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Commands that do not end in their time, and how their memory is kept meanwhile; one at a time, in virtual time. */
class LateCommandsTest extends RecoveryFixture {
    // ---- late commands

    @Test
    void shouldAbortAndGoOnWhenACommandIsLate() throws IOException {
        setFate(Fate.LOST);
        read(7);
        heal(); // an Abort works
        passSeconds(29);
        assertEquals(0, device.aborts, "it has 30 s");
        passSeconds(2);
        assertEquals(1, device.aborts);
        passSeconds(1);
        assertEquals(List.of(7L), tokens);
        assertEquals(List.of(Status.ABORT_REQUESTED.code()), statuses);
        assertEquals(0, driver.resets());
        assertWorks();
    }

    @Test
    void shouldNotAbortWhenACommandEndsJustInTime() throws IOException {
        setFate(Fate.LATE);
        read(7);
        passSeconds(29);
        device.step();
        passSeconds(60);
        assertEquals(List.of(7L), tokens);
        assertEquals(0, device.aborts);
    }

    @Test
    void shouldResetAndEndEveryCommandOnceWhenTheAbortDoesNotHelp() throws IOException {
        setFate(Fate.LOST);
        read(7);
        read(8);
        QueuePair other = driver.queuePairs().getLast();
        assertTrue(other.read(1, 0, 1, area.iova(), 512, 9));
        other.ring();
        passSeconds(31);
        assertEquals(List.of(), tokens, "a successful Abort frees nothing");
        passSeconds(6);
        assertEquals(List.of(7L, 8L, 9L), tokens);
        assertEquals(
                List.of(DriverStatus.CONTROLLER_RESET, DriverStatus.CONTROLLER_RESET, DriverStatus.CONTROLLER_RESET),
                statuses);
        assertFalse(Status.isSuccess(DriverStatus.CONTROLLER_RESET));
        assertFalse(Status.isDoNotRetry(DriverStatus.CONTROLLER_RESET), "it may be sent again");
        assertTrue(DriverStatus.isByDriver(DriverStatus.CONTROLLER_RESET));
        assertEquals(1, driver.resets());
        heal();
        assertWorks();
    }

    @Test
    void shouldHaveFullTimeWhenTheClockWasNotToldBefore() throws IOException {
        setFate(Fate.LOST);
        QueuePair fresh = driver.queuePairs().getLast();
        assertTrue(fresh.read(1, 0, 1, area.iova(), 512, 1));
        clock.advanceMillis(29_000);
        cycle();
        assertEquals(0, device.aborts);
    }

    @Test
    void shouldSendNoMoreAbortsThanTheControllerTakes() throws IOException {
        setFate(Fate.LOST);
        for (int i = 0; i < 10; i++) {
            read(i);
        }
        heal();
        passSeconds(30);
        assertEquals(1, device.aborts, "ACL is 1");
        for (int i = 0; i < 10; i++) {
            cycle();
        }
        assertEquals(10, device.aborts, "one after the other");
        assertEquals(10, tokens.size());
    }

    @Test
    void shouldKeepRoomInTheAdminQueueWhenTheControllerTakesManyAborts() throws IOException {
        driver.abortLimit(256);
        driver.listen(event -> {});
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                return qid == 0 ? Fate.DONE : Fate.LOST;
            }

            @Override
            public boolean abortEnds() {
                return false;
            }
        };
        for (QueuePair each : driver.queuePairs()) {
            for (int i = 0; i < each.depth(); i++) {
                assertTrue(each.read(1, 0, 1, area.iova(), 512, i));
            }
            each.ring();
        }
        passSeconds(31);
        assertEquals(8, device.aborts);
        driver.feature(7);
        assertEquals(0, driver.resets());
    }

    // ---- memory of late commands

    @Test
    void shouldKeepClosedMemoryWhileALateCommandMayStillWriteIt() throws IOException {
        setFate(Fate.LOST);
        read(7);
        passSeconds(31);
        int before = device.maps.size();
        area.close();
        assertEquals(before, device.maps.size(), "still mapped");
        device.step(); // writes its data
        cycle();
        assertEquals(before, device.maps.size(), "still mapped");
        passSeconds(6);
        assertEquals(1, driver.resets());
        passSeconds(1);
        assertEquals(before - 1, device.maps.size());
    }

    @Test
    void shouldTakeClosedMemoryAwayAtOnceWhenNothingIsLate() {
        int before = device.maps.size();
        area.close();
        assertEquals(before - 1, device.maps.size());
    }

    @Test
    void shouldTakeClosedMemoryAwayWhenTheLateCommandHasEnded() throws IOException {
        setFate(Fate.LATE);
        read(7);
        passSeconds(31);
        int before = device.maps.size();
        area.close();
        assertEquals(before, device.maps.size());
        device.step();
        cycle();
        assertEquals(List.of(7L), tokens);
        assertEquals(before - 1, device.maps.size());
    }

    // ---- aborts before the time

    @Test
    void shouldAbortACommandAtOnceWhenItsOwnerCannotWait() throws IOException {
        setFate(Fate.LOST);
        read(7);
        heal();
        assertTrue(pair.isHeld(0));
        long generation = pair.resetGeneration();
        pair.abort(0);
        pair.abort(0);
        pair.abort(1);
        int mapped = device.maps.size();
        area.close();
        cycle();
        assertEquals(mapped, device.maps.size(), "it has the memory still");
        cycle();
        assertEquals(1, device.aborts);
        assertEquals(List.of(7L), tokens);
        assertFalse(pair.isHeld(0));
        assertEquals(mapped - 1, device.maps.size());
        assertEquals(0, driver.resets());
        assertEquals(generation, pair.resetGeneration());
    }

    @Test
    void shouldNotResetBeforeTheUsualTimeWhenAnEarlyAbortDoesNotHelp() throws IOException {
        setFate(Fate.LOST);
        read(7);
        long generation = pair.resetGeneration();
        pair.abort(0);
        passSeconds(34);
        assertEquals(0, driver.resets());
        passSeconds(3);
        assertEquals(1, driver.resets());
        assertEquals(generation + 1, pair.resetGeneration());
        assertFalse(pair.isHeld(0));
    }
}

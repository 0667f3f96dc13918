package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.host.FaultyNvme.Fate;
import io.sluice.host.FaultyNvme.Faults;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AsyncEvent;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Resets, one at a time, in virtual time. {@link FaultRunsTest} mixes them. */
class RecoveryTest extends RecoveryFixture {
    // ---- how often it is looked at

    @Test
    void shouldLookAtTheDeviceOnceASecondWhileNobodyWaitsAndTenTimesWhileACommandIsOutstanding() throws IOException {
        passSeconds(2);
        assertTrue(driver.isResting());
        assertEquals(10, looksWithinTenSeconds());
        setFate(Fate.LOST);
        read(7);
        passSeconds(1);
        assertFalse(driver.isResting());
        assertEquals(100, looksWithinTenSeconds());
    }

    private int looksWithinTenSeconds() throws IOException {
        int before = device.statusReads;
        for (int i = 0; i < 1_000; i++) {
            clock.advanceMillis(10);
            cycle();
        }
        return device.statusReads - before;
    }

    @Test
    void shouldNotRestWhileAResetIsWanted() {
        driver.requestReset("a test wants it");
        assertFalse(driver.isResting());
    }

    // ---- a controller that fails

    @Test
    void shouldResetWhenTheControllerIsFatallyIll() throws IOException {
        setFate(Fate.FATAL);
        read(7);
        passSeconds(3);
        assertEquals(List.of(7L), tokens);
        assertEquals(List.of(DriverStatus.CONTROLLER_RESET), statuses);
        heal();
        assertWorks();
    }

    @Test
    void shouldResetWhenACompletionIsOfNoCommand() throws IOException {
        setFate(Fate.WRONG_CID);
        read(7);
        assertThrows(DeviceFailure.class, () -> pair.poll(this::ended, 16));
        assertThrows(DeviceFailure.class, pair::ring);
        heal();
        passSeconds(2);
        assertEquals(List.of(7L), tokens);
        assertEquals(1, driver.resets());
        assertWorks();
    }

    @Test
    void shouldResetAndEndNothingByItWhenADuplicateComesAfterItsSlotIsUsedAgain() throws IOException {
        setFate(Fate.ECHOED);
        read(7);
        cycle();
        assertEquals(List.of(7L), tokens);
        setFate(Fate.LOST);
        read(8); // in the same slot
        device.step();
        DeviceFailure failure = assertThrows(DeviceFailure.class, () -> pair.poll(this::ended, 16));
        assertTrue(failure.getMessage().contains("which is not outstanding"), failure.getMessage());
        assertEquals(List.of(7L), tokens);
        heal();
        passSeconds(2);
        assertEquals(List.of(7L, 8L), tokens);
        assertEquals(List.of(Status.OK, DriverStatus.CONTROLLER_RESET), statuses);
        assertWorks();
    }

    @Test
    void shouldResetWhenAnAdminCommandIsCompletedTwice() throws IOException {
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                return opcode == AdminOpcode.GET_FEATURES && qid == 0 ? Fate.TWICE : Fate.DONE;
            }
        };
        driver.feature(7);
        DeviceFailure failure = assertThrows(DeviceFailure.class, () -> driver.feature(8));
        assertTrue(failure.getMessage().contains("which is not outstanding"), failure.getMessage());
        heal();
        passSeconds(2);
        assertEquals(1, driver.resets());
        driver.feature(7);
        assertWorks();
    }

    @Test
    void shouldResetWhenSomebodyElseHasDisabledIt() throws IOException {
        read(7);
        cycle();
        device.reset();
        passSeconds(3);
        assertEquals(1, driver.resets());
        assertWorks();
    }

    @Test
    void shouldResetWhenAnAdminCommandDoesNotEnd() throws IOException {
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                return opcode == AdminOpcode.GET_FEATURES && qid == 0 ? Fate.LOST : Fate.DONE;
            }
        };
        assertThrows(DeviceFailure.class, () -> driver.feature(7));
        cycle();
        passSeconds(2);
        assertEquals(1, driver.resets());
        heal();
        driver.feature(7);
        assertWorks();
    }

    @Test
    void shouldRecoverWhenMemoryIsNotDecodedForAWhile() throws IOException {
        device.decodingOff = true;
        assertTrue(pair.read(1, 0, 1, area.iova(), 512, 7));
        DeviceFailure failure = assertThrows(DeviceFailure.class, pair::ring);
        assertTrue(failure.getMessage().contains("doorbells are not decoded"), failure.getMessage());
        assertThrows(DeviceFailure.class, driver::checkAlive);
        device.decodingOff = false;
        passSeconds(2);
        assertEquals(List.of(7L), tokens);
        assertEquals(List.of(DriverStatus.CONTROLLER_RESET), statuses);
        assertWorks();
    }

    @Test
    void shouldResetTheFunctionWhenDisablingIsNotEnough() throws IOException {
        device.faults = new Faults() {
            @Override
            public void beforeReset(FaultyNvme faulty) {
                faulty.readyNeverGoes = false;
            }
        };
        device.readyNeverGoes = true;
        driver.requestReset("the test says so");
        cycle();
        passSeconds(2);
        assertEquals(1, driver.resets());
        assertFalse(driver.isDead());
        assertWorks();
    }

    @Test
    void shouldGoOnWithDisablingWhenTheFunctionCannotBeReset() throws IOException {
        int[] identifies = {0};
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                boolean first = qid == 0 && opcode == AdminOpcode.IDENTIFY && identifies[0]++ == 0;
                return first ? Fate.LOST : Fate.DONE;
            }

            @Override
            public void beforeReset(FaultyNvme faulty) {
                throw new IllegalStateException("no FLR");
            }
        };
        driver.requestReset("the test says so");
        passSeconds(4);
        assertEquals(1, driver.resets());
        assertWorks();
    }

    @Test
    void shouldResetWhenAPairIsLeftHalted() throws IOException {
        pair.state().halt();
        passSeconds(2);
        assertEquals(1, driver.resets());
        assertWorks();
    }

    @Test
    void shouldGoOnForeverWhenTheDeviceWorksBetweenItsResets() throws IOException {
        for (int i = 0; i < 10; i++) {
            setFate(Fate.LOST);
            read(7);
            passSeconds(40);
            heal();
            assertWorks();
            passSeconds(1);
        }
        assertEquals(10, driver.resets());
    }

    @Test
    void shouldGoOnForeverWhenTheOwnerAsksForResets() throws IOException {
        for (int i = 1; i <= 10; i++) {
            driver.requestReset("the test says so");
            passSeconds(3);
            assertEquals(i, driver.resets());
        }
        assertWorks();
    }

    @Test
    void shouldHandOverWhatTheDeviceHadCompletedBeforeItsReset() throws IOException {
        read(7);
        setFate(Fate.LOST);
        read(8);
        driver.requestReset("the test says so");
        cycle();
        cycle();
        assertEquals(List.of(7L, 8L), tokens);
        assertEquals(List.of(Status.OK, DriverStatus.CONTROLLER_RESET), statuses);
    }

    @Test
    void shouldWorkAfterItsResetWhenAPollerReportedLostMemoryWhileItWasQuiet() throws IOException {
        driver.requestReset("the test says so");
        driver.supervise(clock.nanoTime());
        pair.poll(this::ended, 16);
        assertEquals(PairState.Mode.QUIET, pair.mode());
        assertFalse(pair.memoryTaken(new InternalError("late")).getMessage().isEmpty());
        passSeconds(4);
        assertEquals(2, driver.resets());
        assertWorks();
    }

    @Test
    void shouldTakeNoCommandWhenThePairHasFailed() {
        assertFalse(pair.memoryTaken(new InternalError("late")).getMessage().isEmpty());
        assertFalse(pair.flush(1, 7));
    }

    @Test
    void shouldGiveQueuesBackOnlyWhenTheirPollerHasComeRound() throws IOException {
        driver.requestReset("the test says so");
        driver.supervise(clock.nanoTime());
        driver.supervise(clock.nanoTime());
        assertFalse(pair.flush(1, 0), "its poller has not polled yet");
        assertEquals(0, pair.poll(this::ended, 16));
        driver.supervise(clock.nanoTime());
        assertTrue(pair.flush(1, 5));
        pair.ring();
        pair.poll(this::ended, 16);
        assertEquals(List.of(5L), tokens);
        assertEquals(PairState.Mode.ENDING, driver.queuePairs().getLast().mode());
    }

    // ---- the supervisor

    @Test
    void shouldNotThrowWhenAListenerDoes() {
        driver.listen(event -> {
            throw new IllegalStateException("a listener");
        });
        driver.supervise(clock.nanoTime());
        assertTrue(device.event(AsyncEvent.TEMPERATURE_THRESHOLD.dw0()));
        driver.supervise(clock.nanoTime());
        driver.supervise(clock.nanoTime());
        assertEquals(0, driver.resets());
    }

    @Test
    void shouldResetWhenAnAbortIsLostAndTheCommandItNamesIsNot() throws IOException {
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                return qid == 0 ? Fate.DONE : Fate.LATE;
            }

            @Override
            public boolean abortWorks() {
                return false;
            }

            @Override
            public boolean abortEnds() {
                return false;
            }
        };
        read(7);
        passSeconds(31);
        assertEquals(1, device.aborts);
        device.step();
        heal();
        passSeconds(3);
        assertEquals(0, driver.resets());
        passSeconds(5);
        assertEquals(List.of(7L), tokens);
        assertEquals(1, driver.resets(), "it takes no other Abort, as this one has no end");
        assertWorks();
    }

    // ---- a command that is begun

    @Test
    void shouldTakeTheSlotThatWasBegunWhenOthersWereFreedMeanwhile() throws IOException {
        read(7);
        long sqe = pair.begin(NvmOpcode.FLUSH, 1);
        pair.poll(this::ended, 16);
        pair.commit(8);
        pair.ring();
        pair.poll(this::ended, 16);
        assertEquals(List.of(7L, 8L), tokens);
        assertEquals(0, pair.inFlight());
        assertTrue(sqe != 0);
        assertEquals(0, driver.resets());
    }

    @Test
    void shouldRefuseACommandThatWasBegunBeforeAReset() throws IOException {
        assertTrue(pair.begin(NvmOpcode.FLUSH, 1) != 0);
        driver.requestReset("the test says so");
        passSeconds(3);
        assertThrows(IllegalStateException.class, () -> pair.commit(8));
        assertWorks();
    }
}

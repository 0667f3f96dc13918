package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.host.FaultyNvme.Fate;
import io.sluice.host.FaultyNvme.Faults;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A device that no reset helps any more, in virtual time. */
class DeadDeviceTest extends RecoveryFixture {
    @Test
    void shouldBeDeadWhenItIsGone() throws IOException {
        setFate(Fate.GONE);
        read(7);
        passSeconds(40);
        assertTrue(driver.isDead());
        assertEquals(List.of(7L), tokens);
        assertEquals(List.of(DriverStatus.DEVICE_LOST), statuses, "nobody knows what it does to its memory");
        assertFalse(DriverStatus.isMemoryFree(statuses.getFirst()));
        assertTrue(Status.isDoNotRetry(statuses.getFirst()));
    }

    @Test
    void shouldTakeTheBusMasterAwayBeforeACommandEndsWhenTheDeviceIsDead() throws IOException {
        setFate(Fate.LOST);
        read(7);
        device.readyNeverGoes = true;
        device.faults = new Faults() {
            @Override
            public void beforeReset(FaultyNvme faulty) {
                throw new IllegalStateException("no FLR");
            }
        };
        driver.requestReset("the test says so");
        List<Integer> busMaster = new ArrayList<>();
        for (int i = 0; i < 10 && pair.inFlight() > 0; i++) {
            device.afterConfigWrite = () -> {
                if (driver.isDead() || pair.mode() == PairState.Mode.DEAD) {
                    busMaster.add(1);
                }
            };
            passSeconds(1);
        }
        assertTrue(driver.isDead());
        assertEquals(List.of(DriverStatus.DEVICE_DEAD), statuses);
        assertEquals(List.of(), busMaster, "configuration space was written when commands might have ended");
    }

    @Test
    void shouldBeDeadAndSayWhatWasExpectedWhenAnotherControllerComesOutOfAReset() throws IOException {
        device.serial = 'T';
        driver.requestReset("the test says so");
        passSeconds(40);
        assertTrue(driver.isDead());
        DeviceFailure death = assertThrows(DeviceFailure.class, driver::checkAlive);
        assertTrue(
                death.getMessage()
                        .contains(
                                "is another controller after its reset: expected was model \"M\", serial number \"S\";"
                                        + " found was model \"M\", serial number \"T\""),
                death.getMessage());
    }

    @Test
    void shouldBeDeadWhenItNeverBecomesReadyAgain() throws IOException {
        setFate(Fate.FATAL);
        read(7);
        device.readyNeverComes = true;
        // Disabling works, so what is outstanding ends as after any reset; but only once its poller comes round.
        for (int i = 0; i < 4; i++) {
            clock.advanceMillis(1_000);
            driver.supervise(clock.nanoTime());
        }
        assertDead();
    }

    @Test
    void shouldBeDeadWhenItsResetIsStuck() throws IOException {
        setFate(Fate.LOST);
        read(7);
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                return Fate.DONE;
            }

            @Override
            public boolean abortWorks() {
                return false;
            }

            @Override
            public void beforeReset(FaultyNvme faulty) {
                throw new IllegalStateException("a function reset does not work either");
            }
        };
        device.readyNeverGoes = true;
        assertDead();
    }

    @Test
    void shouldKeepMemoryUntilTheDriverIsClosedWhenTheDeviceIsDead() throws IOException {
        setFate(Fate.GONE);
        read(7);
        passSeconds(40);
        int before = device.maps.size();
        area.close();
        passSeconds(40);
        assertEquals(before, device.maps.size());
    }

    @Test
    void shouldFailCreationOfQueuesLikeAResetWhenTheyAreRefused() throws IOException {
        setFate(Fate.LOST);
        read(7);
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                return qid == 0 && opcode == AdminOpcode.CREATE_IO_SQ ? Fate.FAILED : Fate.DONE;
            }

            @Override
            public boolean abortWorks() {
                return false;
            }
        };
        passSeconds(60);
        assertTrue(driver.isDead());
        assertEquals(List.of(7L), tokens);
    }

    @Test
    void shouldTryAgainAndEndEveryCommandWhenAResetFailsWithoutSayingWhy() throws IOException {
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                return qid == 0 ? Fate.DONE : Fate.LOST;
            }

            @Override
            public void beforeConfigure(FaultyNvme faulty) {
                throw new IllegalStateException();
            }

            @Override
            public void beforeReset(FaultyNvme faulty) {
                throw new IllegalStateException();
            }
        };
        read(7);
        driver.requestReset("the test says so");
        assertDead();
    }

    @Test
    void shouldBeDeadAfterAFewResetsWhenTheDeviceComesUpButDoesNoWork() throws IOException {
        setFate(Fate.LOST);
        for (int i = 0; i < 600 && !driver.isDead(); i++) {
            if (pair.inFlight() == 0 && pair.read(1, 0, 1, area.iova(), 512, 7)) {
                pair.ring();
            }
            passSeconds(1);
        }
        assertTrue(driver.isDead());
        assertEquals(TIMEOUTS.maxResets(), driver.resets());
    }

    @Test
    void shouldOnlyDisableWhenTheFunctionHasNoReset() throws IOException {
        device.canReset = false;
        device.readyNeverGoes = true;
        driver.requestReset("the test says so");
        passSeconds(10);
        assertTrue(driver.isDead());
        DeviceFailure dead = assertThrows(DeviceFailure.class, driver::checkAlive);
        assertTrue(dead.getMessage().contains("CSTS.RDY did not become 0"), dead.getMessage());
        assertTrue(dead.getMessage().contains("its function has no reset"), dead.getMessage());
    }

    @Test
    void shouldTryOnceInEachStepWhenResetsFail() {
        device.readyNeverComes = true;
        driver.requestReset("the test says so");
        for (int i = 1; i <= TIMEOUTS.maxResets(); i++) {
            int enabled = enables();
            driver.supervise(clock.nanoTime());
            assertEquals(enabled + 1, enables());
            assertFalse(driver.isDead());
        }
        driver.supervise(clock.nanoTime());
        assertTrue(driver.isDead());
    }

    private int enables() {
        return (int) device.log.stream().filter("enable"::equals).count();
    }
}

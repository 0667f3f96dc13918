package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Cns;
import io.sluice.nvme.Csts;
import io.sluice.nvme.ErrorLogEntry;
import io.sluice.nvme.Feature;
import io.sluice.nvme.IdentifyController;
import io.sluice.nvme.LogPage;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Status;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Keep Alive: NVMe 1.4, 5.16, 5.21.1.15 and 7.12. */
class KeepAliveTest {
    private static final long MILLI = 1_000_000;

    private ControllerRig rig;
    private int clockReads;

    @BeforeEach
    void open() throws Exception {
        rig = new ControllerRig(ControllerConfig.of("test", "SN0123"), () -> clockReads++);
        rig.enable(16);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private void setTimer(int millis) {
        assertEquals(Status.OK, rig.setFeature(Feature.KEEP_ALIVE_TIMER, millis).status());
    }

    private int timer(int select) {
        return rig.getFeature(Feature.KEEP_ALIVE_TIMER, select, 0).dw0();
    }

    private void keepAlive() {
        assertEquals(Status.OK, rig.admin(AdminOpcode.KEEP_ALIVE, sqe -> {}).status());
    }

    private void pass(long millis) {
        rig.nanos += millis * MILLI;
        rig.step();
    }

    private boolean hasFailed() throws Exception {
        return Csts.fatal(rig.csts());
    }

    @Test
    void shouldSayThatItsGranularityIs100Milliseconds() {
        rig.identify(Cns.CONTROLLER, 0);

        assertEquals(1, IdentifyController.KAS.get(rig.guest.hva(ControllerRig.DATA)));
    }

    @ParameterizedTest
    @CsvSource({"0,0", "1,100", "100,100", "101,200", "5000,5000", "4294967200,4294967200"})
    void shouldRoundTheTimeoutUpToTheGranularity(long millis, long kept) {
        setTimer((int) millis);

        assertEquals(kept, Integer.toUnsignedLong(timer(Feature.SELECT_CURRENT)));
        assertEquals(0, timer(Feature.SELECT_DEFAULT));
        assertEquals(0, timer(Feature.SELECT_SAVED));
    }

    @ParameterizedTest
    @ValueSource(longs = {4_294_967_201L, 4_294_967_295L})
    void shouldRefuseATimeoutThatCannotBeRoundedUp(long millis) {
        setTimer(300);

        assertEquals(
                Status.KEEP_ALIVE_TIMEOUT_INVALID.dnr(),
                rig.setFeature(Feature.KEEP_ALIVE_TIMER, (int) millis).code());
        assertEquals(300, timer(Feature.SELECT_CURRENT));
    }

    @Test
    void shouldFailWhenTheHostIsNotHeardOfInTime() throws Exception {
        setTimer(1000);
        pass(999);
        assertFalse(hasFailed());

        pass(1);

        assertTrue(hasFailed());
        int cid = rig.submit(AdminOpcode.KEEP_ALIVE, sqe -> {});
        assertNull(rig.next(), "a failed controller does no command, such as " + cid);
    }

    @Test
    void shouldCountFromTheLastKeepAliveAndFromTheLastTimeThatTheTimerWasSet() throws Exception {
        setTimer(1000);
        pass(900);
        keepAlive();
        pass(900);
        keepAlive();
        pass(900);
        setTimer(1000);
        pass(999);
        assertFalse(hasFailed());

        pass(1);

        assertTrue(hasFailed());
    }

    @Test
    void shouldNotCountOtherCommands() throws Exception {
        setTimer(1000);
        pass(900);
        rig.identify(Cns.CONTROLLER, 0);

        pass(100);

        assertTrue(hasFailed());
    }

    @Test
    void shouldTakeAKeepAliveThatHasComeInTimeHoweverLateItLooks() throws Exception {
        setTimer(1000);
        rig.submit(AdminOpcode.KEEP_ALIVE, sqe -> {});

        pass(60_000);

        assertFalse(hasFailed());
    }

    @Test
    void shouldHaveAnEntryInTheErrorLogAfterAReset() throws Exception {
        setTimer(100);
        pass(100);
        rig.write(Registers.CC, ControllerRig.cc(false));
        rig.enable(16);
        rig.getLog(LogPage.ERROR_INFORMATION, 0, 64, false);

        long entry = rig.guest.hva(ControllerRig.DATA);
        assertEquals(1, ErrorLogEntry.ERROR_COUNT.get(entry));
        assertEquals(Status.KEEP_ALIVE_TIMER_EXPIRED.code(), ErrorLogEntry.status(entry));
        assertEquals(ErrorLogEntry.UNKNOWN, ErrorLogEntry.CID.getInt(entry));
        assertEquals(ErrorLogEntry.UNKNOWN, ErrorLogEntry.SQID.getInt(entry));
    }

    @Test
    void shouldTakeTheCommandAlsoWhileTheTimerIsOff() throws Exception {
        keepAlive();

        pass(1 << 30);

        assertFalse(hasFailed());
    }

    @Test
    void shouldStopWhenItIsSwitchedOffOrReset() throws Exception {
        setTimer(1000);
        setTimer(0);
        pass(5000);
        assertFalse(hasFailed());
        setTimer(1000);
        rig.write(Registers.CC, ControllerRig.cc(false));
        pass(5000);
        rig.enable(16);
        pass(5000);

        assertFalse(hasFailed());
        assertEquals(0, timer(Feature.SELECT_CURRENT));
    }

    @Test
    void shouldNotCountDuringAShutdown() throws Exception {
        setTimer(1000);
        rig.holdOneCommand();
        rig.write(Registers.CC, Cc.withShn(ControllerRig.cc(true), Cc.SHN_NORMAL));

        pass(5000);

        assertFalse(hasFailed());
        assertEquals(Long.MAX_VALUE, rig.controller.maxRestNanos());
    }

    @Test
    void shouldCountWhileTheControllerMayNotUseMemory() throws Exception {
        setTimer(1000);
        rig.setBusMaster(false);

        pass(1000);

        assertTrue(hasFailed());
    }

    // ---- a poller that rests

    @Test
    void shouldRestNoLongerThanUntilTheTimerExpires() throws Exception {
        setTimer(1000);
        assertFalse(rig.controller.isDormantUntilWoken(), "nobody else tells of the time");
        rig.nanos += 400 * MILLI;
        assertEquals(600 * MILLI, rig.controller.maxRestNanos());
        rig.nanos += 600 * MILLI;
        assertEquals(0, rig.controller.maxRestNanos());

        rig.controller.doWork(); // the first cycle after a rest that ended in time

        assertTrue(hasFailed());
        assertEquals(Long.MAX_VALUE, rig.controller.maxRestNanos());
    }

    @Test
    void shouldReadNoClockWhileItIsOff() {
        rig.step();
        clockReads = 0;

        rig.step();

        assertEquals(0, clockReads);
    }

    @Test
    void shouldReadTheClockInOneOfSeveralCyclesWhileItIsOn() {
        setTimer(1000);
        rig.step();
        clockReads = 0;

        rig.step(); // 8 cycles

        assertEquals(1, clockReads);
    }
}

package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AsyncEvent;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Cns;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.ErrorLogEntry;
import io.sluice.nvme.IdentifyController;
import io.sluice.nvme.LogPage;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Doorbell Buffer Config: NVMe 1.4, 5.7 and 7.13. */
class DoorbellBufferTest {
    private static final long SHADOW = 0x30_0000;
    private static final long EVENT_IDX = 0x30_1000;
    private static final long ELSEWHERE = 0x30_8000;
    private static final int ENTRIES = 16;

    private ControllerRig rig;
    private ShadowGuest guest;

    @BeforeEach
    void open() throws Exception {
        open(ControllerConfig.of("test", "SN0123"));
    }

    private void open(ControllerConfig config) throws Exception {
        if (rig != null) {
            rig.close();
        }
        rig = new ControllerRig(config);
        rig.enable(16);
        guest = new ShadowGuest(rig.guest.hva(SHADOW), rig.guest.hva(EVENT_IDX));
    }

    private void openTrapped() throws Exception {
        open(ControllerConfig.of("test", "SN0123").withTrappedDoorbells());
        createPair();
        assertEquals(Status.OK, configure(SHADOW, EVENT_IDX));
        rig.step();
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private void createPair() {
        rig.createCq(1, ENTRIES, -1);
        rig.createSq(1, ENTRIES, 1);
    }

    private int configure(long prp1, long prp2) {
        return rig.admin(AdminOpcode.DOORBELL_BUFFER_CONFIG, sqe -> {
                    Sqe.setPrp1(sqe, prp1);
                    Sqe.setPrp2(sqe, prp2);
                })
                .code();
    }

    private void putFlushes(int from, int count) {
        for (int i = 0; i < count; i++) {
            rig.putFlush(1, (from + i) % ENTRIES, from + i);
        }
    }

    private void assertTaken(int commands) {
        rig.step();
        assertEquals(commands, rig.path.submitted);
    }

    private void assertFailed(boolean failed) throws Exception {
        assertEquals(failed, Csts.fatal(rig.csts()));
    }

    @Test
    void shouldOfferTheCommand() {
        rig.identify(Cns.CONTROLLER, 0);

        assertEquals(
                IdentifyController.OACS_DOORBELL_BUFFER,
                IdentifyController.OACS.get(rig.guest.hva(ControllerRig.DATA)));
    }

    // ---- where doorbells are

    @Test
    void shouldReadTailsFromTheShadowAndNotFromThePage() {
        createPair();
        assertEquals(Status.OK, configure(SHADOW, EVENT_IDX));
        putFlushes(0, 5);
        rig.ring(Doorbells.sqTailDoorbell(1), 5);
        assertTaken(0);

        guest.moveTail(1, 2);

        assertTaken(2);
        rig.ringByMessage(Doorbells.sqTailDoorbell(1), 5);
        assertTaken(2);
    }

    @Test
    void shouldReadHeadsFromTheShadowAndNotFromThePage() {
        rig.createCq(1, 2, -1);
        rig.createSq(1, ENTRIES, 1);
        assertEquals(Status.OK, configure(SHADOW, EVENT_IDX));
        putFlushes(0, 3);
        guest.moveTail(1, 3);
        assertTaken(1);
        rig.ring(Doorbells.cqHeadDoorbell(1), 1);
        assertTaken(1);

        guest.moveHead(1, 1);

        assertTaken(2);
    }

    @Test
    void shouldGoOnWhereThePageWas() {
        createPair();
        putFlushes(0, 5);
        rig.ring(Doorbells.sqTailDoorbell(1), 3);
        assertTaken(3);
        rig.ring(Doorbells.cqHeadDoorbell(1), 2);

        assertEquals(Status.OK, configure(SHADOW, EVENT_IDX));

        assertEquals(3, guest.tail(1));
        assertEquals(2, guest.head(1));
        assertEquals(3, guest.eventIdx(1));
        assertTaken(3);
        guest.moveTail(1, 5);
        assertTaken(5);
    }

    @Test
    void shouldZeroTheDoorbellsOfAQueueThatIsCreatedLater() {
        assertEquals(Status.OK, configure(SHADOW, EVENT_IDX));
        Memory.fill(rig.guest.hva(SHADOW), 8192, (byte) 0x05);

        createPair();

        assertEquals(0, guest.tail(1));
        assertEquals(0, guest.head(1));
        assertEquals(0, guest.eventIdx(1));
        assertEquals(0x0505_0505, guest.tail(2), "no queue of ours");
        putFlushes(0, 1);
        guest.moveTail(1, 1);
        assertTaken(1);
    }

    @Test
    void shouldLeaveTheAdminQueueOnThePage() {
        assertEquals(Status.OK, configure(SHADOW, EVENT_IDX));
        Memory.fill(rig.guest.hva(SHADOW), 8, (byte) 0x03);

        for (int i = 0; i < 40; i++) {
            assertEquals(Status.OK, rig.identify(Cns.CONTROLLER, 0).status());
        }
    }

    @Test
    void shouldReadThePageAgainAfterAReset() throws Exception {
        createPair();
        assertEquals(Status.OK, configure(SHADOW, EVENT_IDX));
        rig.write(Registers.CC, ControllerRig.cc(false));
        rig.enable(16);
        createPair();
        putFlushes(0, 3);
        guest.moveTail(1, 3);
        assertTaken(0);

        rig.ring(Doorbells.sqTailDoorbell(1), 2);

        assertTaken(2);
    }

    @Test
    void shouldMoveFromOneBufferToAnother() {
        createPair();
        assertEquals(Status.OK, configure(SHADOW, EVENT_IDX));
        putFlushes(0, 4);
        guest.moveTail(1, 1);
        assertTaken(1);

        assertEquals(Status.OK, configure(ELSEWHERE, SHADOW));

        guest.moveTail(1, 2);
        assertTaken(1);
        new ShadowGuest(rig.guest.hva(ELSEWHERE), rig.guest.hva(SHADOW)).moveTail(1, 4);
        assertTaken(4);
    }

    @Test
    void shouldTellOfAnInvalidValueInTheShadow() {
        createPair();
        assertEquals(Status.OK, configure(SHADOW, EVENT_IDX));
        int parked = rig.submit(AdminOpcode.ASYNC_EVENT_REQUEST, sqe -> {});
        guest.moveTail(1, ENTRIES);

        ControllerRig.Completion event = rig.next();
        assertEquals(parked, event.cid());
        assertEquals(AsyncEvent.INVALID_DOORBELL_VALUE.dw0(), event.dw0());
        assertEquals(0, rig.path.submitted);
    }

    // ---- what is refused

    @ParameterizedTest
    @CsvSource({
        "0x300010,0x301000,24", // inside a page
        "0x300000,0x301800,32",
        "0x300000,0x300000,32", // one page for both
        "0x40000000,0x301000,24", // no memory
        "0x300000,0x40000000,32",
        "0xfffffffffffff000,0x301000,24",
        "0x310000,0x301000,24", // read-only
        "0x300000,0x310000,32",
        "0x311000,0x301000,24", // not shared
        "0x300000,0x311000,32"
    })
    void shouldRefuseBuffersThatCannotBeUsedAndLeaveTheDoorbellsWhereTheyAre(String prp1, String prp2, int blamed) {
        rig.guest.mapPage(0x31_0000, 0x31_0000, Translator.READ);
        rig.guest.makePageRemote(0x31_1000);
        createPair();

        assertEquals(
                Status.INVALID_FIELD.dnr(),
                configure(
                        Long.parseUnsignedLong(prp1.substring(2), 16), Long.parseUnsignedLong(prp2.substring(2), 16)));

        rig.getLog(LogPage.ERROR_INFORMATION, 0, 64, false);
        assertEquals(blamed, ErrorLogEntry.PARAMETER_LOCATION.get(rig.guest.hva(ControllerRig.DATA)));
        putFlushes(0, 1);
        rig.ring(Doorbells.sqTailDoorbell(1), 1);
        assertTaken(1);
    }

    @ParameterizedTest
    @CsvSource({
        "0x302000,0x304000,true",
        "0x301000,0x304000,false",
        "0x302000,0x305000,false",
        "0x302000,0x306000,false"
    })
    void shouldWantAWholeMemoryPageForEachBuffer(String prp1, String prp2, boolean taken) throws Exception {
        rig.guest.unmapPage(0x30_7000);
        rig.write(Registers.CC, ControllerRig.cc(false));
        rig.setAdminQueue(16);
        rig.write(Registers.CC, Cc.withMps(ControllerRig.cc(true), 1)); // 8 KiB
        assertTrue(Csts.ready(rig.csts()));

        assertEquals(taken ? Status.OK : Status.INVALID_FIELD.dnr(), configure(Long.decode(prp1), Long.decode(prp2)));
    }

    // ---- memory that goes

    @ParameterizedTest
    @ValueSource(longs = {SHADOW, EVENT_IDX})
    void shouldTakeNothingWhileABufferIsUnmappedAndGoOnWhenItIsBack(long page) throws Exception {
        createPair();
        assertEquals(Status.OK, configure(SHADOW, EVENT_IDX));
        putFlushes(0, 5);
        guest.moveTail(1, 2);
        assertTaken(2);
        rig.guest.unmapPage(page);
        rig.step();
        guest.moveTail(1, 3);
        assertTaken(2);
        assertFalse(rig.controller.isDormantUntilWoken());
        rig.nanos += QueueFaults.PATIENCE_NANOS;
        rig.step();
        assertFailed(false);

        Memory.copy(rig.guest.hva(page), rig.guest.hva(ELSEWHERE), ControllerRig.PAGE);
        rig.guest.mapPage(page, ELSEWHERE, Translator.READ | Translator.WRITE);

        assertTaken(3);
        long shadow = page == SHADOW ? ELSEWHERE : SHADOW;
        new ShadowGuest(rig.guest.hva(shadow), rig.guest.hva(EVENT_IDX)).moveTail(1, 5);
        assertTaken(5);
        rig.nanos += 10 * QueueFaults.PATIENCE_NANOS;
        rig.step();
        assertFailed(false);
    }

    @Test
    void shouldFailWhenABufferDoesNotComeBack() throws Exception {
        createPair();
        assertEquals(Status.OK, configure(SHADOW, EVENT_IDX));
        rig.guest.unmapPage(SHADOW);
        rig.step();
        rig.nanos += QueueFaults.PATIENCE_NANOS + 1;
        rig.step();
        assertFailed(true);

        rig.write(Registers.CC, ControllerRig.cc(false));
        rig.enable(16);
        rig.nanos += 10 * QueueFaults.PATIENCE_NANOS;
        rig.step();

        assertFailed(false);
    }

    @Test
    void shouldCreateAQueueWhileABufferIsUnmapped() {
        assertEquals(Status.OK, configure(SHADOW, EVENT_IDX));
        rig.guest.unmapPage(EVENT_IDX);
        createPair();
        putFlushes(0, 1);
        guest.moveTail(1, 1);
        assertTaken(0);

        rig.guest.mapPage(EVENT_IDX, EVENT_IDX, Translator.READ | Translator.WRITE);

        assertTaken(1);
    }

    // ---- a poller that sleeps: doorbells that come as messages

    @Test
    void shouldAskForAMessageBeforeItSleeps() throws Exception {
        openTrapped();
        putFlushes(0, 3);
        guest.moveTail(1, 3);
        assertTaken(3);

        assertTrue(rig.controller.isDormant());

        assertEquals(3, guest.eventIdx(1));
        putFlushes(3, 1);
        assertTrue(guest.moveTail(1, 4));
        rig.ring(Doorbells.sqTailDoorbell(1), 4);
        assertTaken(4);
    }

    /** Of the poller, when it has others to look after, which do not let it sleep: it parks. */
    @Test
    void shouldAskForAMessageBeforeItRestsABit() throws Exception {
        openTrapped();
        putFlushes(0, 2);
        rig.path.holds = true;
        guest.moveTail(1, 1);
        assertTaken(1);
        assertFalse(rig.controller.isDormant(), "a command is in flight");

        assertEquals(Long.MAX_VALUE, rig.controller.maxRestNanos());

        assertEquals(1, guest.eventIdx(1));
        assertTrue(guest.moveTail(1, 2));
        rig.path.holds = false;
        rig.path.endAll(Status.OK);
    }

    @Test
    void shouldNotSleepOverADoorbell() throws Exception {
        openTrapped();
        putFlushes(0, 1);
        guest.storeTail(1, 1);

        assertFalse(rig.controller.isDormant());
    }

    @Test
    void shouldAskForOneMessageUntilItSleepsAgainOrTheIndexHasComeRound() throws Exception {
        openTrapped();
        assertTrue(rig.controller.isDormant());
        int wanted = 0;
        for (int i = 1; i <= ENTRIES; i++) {
            putFlushes(i - 1, 1);
            wanted += guest.moveTail(1, i % ENTRIES) ? 1 : 0;
            rig.step();
            guest.moveHead(1, i % ENTRIES);
        }

        assertEquals(ENTRIES, rig.path.submitted);
        assertEquals(1, wanted);
        assertTrue(rig.controller.isDormant());
        assertTrue(guest.moveTail(1, 1));
    }

    @Test
    void shouldAskForAMessageAlsoAfterAnInvalidValue() throws Exception {
        openTrapped();
        guest.storeTail(1, 0x1234);
        rig.step();
        assertTrue(rig.controller.isDormant());

        assertTrue(guest.moveTail(1, 1));
    }

    @Test
    void shouldNotSleepWhileThePinWaitsForTheGuestToConsume() throws Exception {
        open(ControllerConfig.of("test", "SN0123").withTrappedDoorbells());
        rig.createCq(1, ENTRIES, 0);
        rig.createSq(1, ENTRIES, 1);
        assertEquals(Status.OK, configure(SHADOW, EVENT_IDX));
        putFlushes(0, 1);
        guest.moveTail(1, 1);
        assertTaken(1);
        assertFalse(rig.controller.isDormant());

        guest.moveHead(1, 1);
        rig.step();

        assertTrue(rig.controller.isDormant());
    }

    @Test
    void shouldNotSleepWhileCommandsWaitForRoomForTheirCompletions() throws Exception {
        open(ControllerConfig.of("test", "SN0123").withTrappedDoorbells());
        rig.createCq(1, 2, -1);
        rig.createSq(1, ENTRIES, 1);
        assertEquals(Status.OK, configure(SHADOW, EVENT_IDX));
        putFlushes(0, 2);
        guest.moveTail(1, 2);
        assertTaken(1);

        assertFalse(rig.controller.isDormant());
        assertEquals(Long.MAX_VALUE, rig.controller.maxRestNanos(), "it may park, and try again after that");
    }

    @Test
    void shouldNotSleepButMayRestWhileABufferIsUnmapped() throws Exception {
        openTrapped();
        rig.guest.unmapPage(SHADOW);
        rig.step();

        assertFalse(rig.controller.isDormant());
        assertEquals(Long.MAX_VALUE, rig.controller.maxRestNanos());
    }

    @Test
    void shouldNeverSleepOverDoorbellsThatAreMemory() {
        createPair();
        assertEquals(Status.OK, configure(SHADOW, EVENT_IDX));
        rig.step();

        assertFalse(rig.controller.isDormant());
    }
}

package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.AsyncEvent;
import io.sluice.nvme.Cns;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.ErrorLogEntry;
import io.sluice.nvme.Feature;
import io.sluice.nvme.FeatureValue;
import io.sluice.nvme.LogPage;
import io.sluice.nvme.NamespaceList;
import io.sluice.nvme.Registers;
import io.sluice.nvme.SmartLog;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Asynchronous Event Request, Abort, and what makes events: NVMe 1.4, 5.1 and 5.2. */
class AsyncEventTest {
    private ControllerRig rig;
    private long data;

    @BeforeEach
    void open() throws Exception {
        rig = new ControllerRig();
        rig.enable(16);
        data = rig.guest.hva(ControllerRig.DATA);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private int park() {
        int cid = rig.submit(AdminOpcode.ASYNC_EVENT_REQUEST, sqe -> {});
        rig.step();
        return cid;
    }

    private void ringAbsentQueue() throws Exception {
        rig.writeBar0(Doorbells.sqTailDoorbell(9), 4, 1);
    }

    // ---- requests

    @Test
    void shouldIdentifyByATwoEntryAdminQueueWithAllEventRequestsOutstanding() throws Exception {
        rig.write(Registers.CC, ControllerRig.cc(false));
        rig.enable(2);
        for (int i = 0; i < AsyncEvents.LIMIT; i++) {
            park();
        }
        for (int i = 0; i < 50; i++) {
            assertEquals(Status.OK, rig.identify(Cns.CONTROLLER, 0).status());
        }
    }

    @Test
    void shouldRefuseOneRequestTooMany() {
        for (int i = 0; i < AsyncEvents.LIMIT; i++) {
            park();
        }
        int cid = rig.submit(AdminOpcode.ASYNC_EVENT_REQUEST, sqe -> {});
        ControllerRig.Completion completion = rig.next();

        assertEquals(cid, completion.cid());
        assertEquals(Status.ASYNC_EVENT_REQUEST_LIMIT_EXCEEDED.dnr(), completion.code());
        assertNull(rig.next());
    }

    @Test
    void shouldDropRequestsWhenTheControllerIsReset() throws Exception {
        park();
        rig.write(Registers.CC, ControllerRig.cc(false));
        rig.enable(16);
        ringAbsentQueue();

        assertNull(rig.next());
    }

    @Test
    void shouldPostAnEventOnlyWhenTheCompletionQueueHasRoom() throws Exception {
        rig.write(Registers.CC, ControllerRig.cc(false));
        rig.enable(2);
        int parked = park();
        int identify = rig.submit(AdminOpcode.IDENTIFY, sqe -> {
            AdminSqe.setIdentify(sqe, Cns.CONTROLLER, 0);
            Sqe.setPrp1(sqe, ControllerRig.DATA);
        });
        rig.step(); // its completion fills the queue
        ringAbsentQueue();
        rig.step();

        assertEquals(identify, rig.next().cid());
        ControllerRig.Completion event = rig.next();
        assertEquals(parked, event.cid());
        assertEquals(AsyncEvent.INVALID_DOORBELL_REGISTER.dw0(), event.dw0());
    }

    // ---- error events

    @ParameterizedTest
    @CsvSource({"1,false", "1,true", "64,false", "65,true", "400,false"})
    void shouldTellOfADoorbellOfAQueueThatIsNotThere(int qid, boolean cqHead) throws Exception {
        int parked = park();
        int offset = cqHead ? Doorbells.cqHeadDoorbell(qid) : Doorbells.sqTailDoorbell(qid);
        rig.writeBar0(offset, 4, 3);

        ControllerRig.Completion event = rig.next();
        assertEquals(parked, event.cid());
        assertEquals(Status.OK, event.status());
        assertEquals(0x0001_0000, event.dw0(), "type 0, information 0, log page 1");
        assertEquals(0, rig.doorbell(offset), "the write is ignored");
    }

    @Test
    void shouldIgnoreADoorbellBeforeItIsEnabledAndTellOfItAfterwards() throws Exception {
        rig.write(Registers.CC, ControllerRig.cc(false));
        rig.writeBar0(Doorbells.sqTailDoorbell(0), 4, 3);
        rig.writeBar0(Doorbells.sqTailDoorbell(7), 4, 3);
        assertEquals(0, rig.doorbell(Doorbells.sqTailDoorbell(0)));
        assertEquals(0, rig.doorbell(Doorbells.sqTailDoorbell(7)));
        rig.enable(16);
        int parked = park();

        ControllerRig.Completion event = rig.next();
        assertEquals(parked, event.cid());
        assertEquals(AsyncEvent.INVALID_DOORBELL_REGISTER.dw0(), event.dw0());
        assertNull(rig.next(), "once");
    }

    @Test
    void shouldIgnoreThePagesDoorbellsOfQueuesThatAreNotThere() {
        park();
        rig.ring(Doorbells.sqTailDoorbell(5), 3);

        assertNull(rig.next());
    }

    @ParameterizedTest
    @CsvSource({"16,false", "65535,false", "16,true"})
    void shouldTellOfAnInvalidValueOfADoorbell(int value, boolean byMessage) throws Exception {
        rig.createCq(1, 16, -1);
        rig.createSq(1, 16, 1);
        int parked = park();
        if (byMessage) {
            rig.writeBar0(Doorbells.sqTailDoorbell(1), 4, value);
        } else {
            rig.ring(Doorbells.sqTailDoorbell(1), value);
        }

        ControllerRig.Completion event = rig.next();
        assertEquals(parked, event.cid());
        assertEquals(0x0001_0100, event.dw0(), "type 0, information 1, log page 1");
        assertEquals(0, rig.path.submitted);
    }

    /** A queue whose interrupts are by MSI-X is not looked at for INTx. */
    @Test
    void shouldTellOfABadHeadThatComesByPageAndThenOfAnotherThatComesByMessage() throws Exception {
        rig.createCq(1, 16, -1);
        rig.createSq(1, 16, 1);
        rig.ring(Doorbells.cqHeadDoorbell(1), 999);
        assertInvalidDoorbellIsTold();
        rig.writeBar0(Doorbells.cqHeadDoorbell(1), 4, 998);
        assertInvalidDoorbellIsTold();
        rig.writeBar0(Doorbells.cqHeadDoorbell(1), 4, 998);
        assertInvalidDoorbellIsTold();
    }

    private void assertInvalidDoorbellIsTold() {
        rig.getLog(LogPage.ERROR_INFORMATION, 0, 64, false); // unmasks the event
        park();
        ControllerRig.Completion event = rig.next();
        assertEquals(AsyncEvent.INVALID_DOORBELL_VALUE.dw0(), event == null ? -1 : event.dw0());
    }

    @Test
    void shouldTellOfACompletionQueueHeadBeyondItsTail() throws Exception {
        rig.createCq(1, 16, -1);
        rig.createSq(1, 16, 1);
        park();
        rig.ring(Doorbells.cqHeadDoorbell(1), 5);
        // The head is looked at when the queue seems full.
        for (int i = 0; i < 15; i++) {
            rig.putFlush(1, i, i);
        }
        rig.ring(Doorbells.sqTailDoorbell(1), 15);
        rig.step();
        rig.putFlush(1, 15, 15);
        rig.ring(Doorbells.sqTailDoorbell(1), 0);
        rig.ring(Doorbells.cqHeadDoorbell(1), 16);

        assertEquals(AsyncEvent.INVALID_DOORBELL_VALUE.dw0(), rig.next().dw0());
    }

    @Test
    void shouldGoOnWhenAGoodDoorbellFollowsABadOne() {
        rig.createCq(1, 16, -1);
        rig.createSq(1, 16, 1);
        rig.putFlush(1, 0, 7);
        rig.ring(Doorbells.sqTailDoorbell(1), 99);
        rig.step();
        rig.ring(Doorbells.sqTailDoorbell(1), 1);
        rig.step();

        assertEquals(1, rig.path.submitted);
    }

    @Test
    void shouldMaskATypeUntilItsLogPageIsRead() throws Exception {
        park();
        int second = park();
        ringAbsentQueue();
        assertEquals(AsyncEvent.INVALID_DOORBELL_REGISTER.dw0(), rig.next().dw0());
        ringAbsentQueue();
        assertNull(rig.next(), "masked");
        rig.getLog(LogPage.ERROR_INFORMATION, 0, 64, true);
        assertNull(rig.next(), "Retain Asynchronous Event keeps the mask");
        rig.getLog(LogPage.SMART, 0, 64, false);
        assertNull(rig.next(), "another page");

        rig.getLog(LogPage.ERROR_INFORMATION, 0, 64, false);

        assertEquals(second, rig.next().cid());
    }

    @Test
    void shouldNotUnmaskWhenReadingTheLogPageFails() throws Exception {
        park();
        park();
        ringAbsentQueue();
        rig.next();
        ringAbsentQueue();
        rig.guest.unmapPage(ControllerRig.DATA);
        assertEquals(
                Status.DATA_TRANSFER_ERROR.code(),
                rig.getLog(LogPage.ERROR_INFORMATION, 0, 64, false).code());

        assertNull(rig.next());
    }

    @Test
    void shouldKeepAnEventUntilARequestComes() throws Exception {
        ringAbsentQueue();
        assertNull(rig.next());
        int parked = rig.submit(AdminOpcode.ASYNC_EVENT_REQUEST, sqe -> {});

        assertEquals(parked, rig.next().cid());
    }

    @Test
    void shouldHaveAnErrorLogEntryForAnErrorEvent() throws Exception {
        ringAbsentQueue();
        rig.getLog(LogPage.ERROR_INFORMATION, 0, 64, false);

        assertEquals(1, ErrorLogEntry.ERROR_COUNT.get(data));
        assertEquals(0xffff, ErrorLogEntry.SQID.get(data));
        assertEquals(0xffff, ErrorLogEntry.CID.get(data));
        assertEquals(Status.INVALID_QUEUE_IDENTIFIER.code(), ErrorLogEntry.status(data));
    }

    @Test
    void shouldHaveTheQueueOfAnInvalidDoorbellInTheErrorLog() {
        rig.createCq(1, 16, -1);
        rig.createSq(1, 16, 1);
        rig.ring(Doorbells.sqTailDoorbell(1), 99);
        rig.step();
        rig.getLog(LogPage.ERROR_INFORMATION, 0, 64, false);

        assertEquals(1, ErrorLogEntry.SQID.get(data));
        assertEquals(0xffff, ErrorLogEntry.CID.get(data));
        assertEquals(Status.INVALID_FIELD.code(), ErrorLogEntry.status(data));
    }

    // ---- SMART events

    @Test
    void shouldTellThatATemperatureThresholdIsPassedWhereThatIsWanted() {
        rig.setFeature(Feature.ASYNC_EVENT_CONFIGURATION, SmartLog.WARNING_TEMPERATURE);
        int parked = park();
        rig.setFeature(Feature.TEMPERATURE_THRESHOLD, Health.TEMPERATURE);

        ControllerRig.Completion event = rig.next();
        assertEquals(parked, event.cid());
        assertEquals(0x0002_0101, event.dw0(), "type 1, information 1, log page 2");
        rig.getLog(LogPage.SMART, 0, 512, false);
        assertEquals(SmartLog.WARNING_TEMPERATURE, SmartLog.CRITICAL_WARNING.getInt(data));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, SmartLog.WARNING_SPARE, FeatureValue.EVENT_NAMESPACE_ATTRIBUTES})
    void shouldNotTellOfTheTemperatureWhereThatIsNotWanted(int configuration) {
        rig.setFeature(Feature.ASYNC_EVENT_CONFIGURATION, configuration);
        park();
        rig.setFeature(Feature.TEMPERATURE_THRESHOLD, Health.TEMPERATURE - 5);

        assertNull(rig.next());
    }

    /** NVMe 1.4, 5.21.1.11: "If the condition for an event is true when the corresponding notice is enabled". */
    @Test
    void shouldTellOfATemperatureThatIsPassedAlreadyWhenThatBeginsToBeWanted() {
        rig.setFeature(Feature.TEMPERATURE_THRESHOLD, Health.TEMPERATURE);
        park();
        assertNull(rig.next());

        rig.setFeature(Feature.ASYNC_EVENT_CONFIGURATION, SmartLog.WARNING_TEMPERATURE);

        assertEquals(AsyncEvent.TEMPERATURE_THRESHOLD.dw0(), rig.next().dw0());
        park();
        rig.getLog(LogPage.SMART, 0, 512, false);
        rig.setFeature(Feature.ASYNC_EVENT_CONFIGURATION, SmartLog.WARNING_TEMPERATURE);
        assertNull(rig.next(), "it has been wanted before, and told of");
    }

    @Test
    void shouldTellOfTheTemperatureAgainWhenItPassesAThresholdAgain() {
        rig.setFeature(Feature.ASYNC_EVENT_CONFIGURATION, SmartLog.WARNING_TEMPERATURE);
        int under = FeatureValue.THRESHOLD_UNDER << 20;
        for (int i = 0; i < 3; i++) {
            int parked = park();
            rig.setFeature(Feature.TEMPERATURE_THRESHOLD, under + Health.TEMPERATURE + i);
            ControllerRig.Completion event = rig.next();
            assertEquals(parked, event == null ? -1 : event.cid());
            rig.setFeature(Feature.TEMPERATURE_THRESHOLD, under);
            rig.getLog(LogPage.SMART, 0, 512, false);
        }
    }

    @Test
    void shouldNotTellOfAnEventThatHasCeasedToBeWanted() {
        rig.setFeature(Feature.ASYNC_EVENT_CONFIGURATION, SmartLog.WARNING_TEMPERATURE);
        rig.setFeature(Feature.TEMPERATURE_THRESHOLD, Health.TEMPERATURE);
        rig.setFeature(Feature.ASYNC_EVENT_CONFIGURATION, 0);
        park();

        assertNull(rig.next());
    }

    @Test
    void shouldTellOfAnErrorWhateverIsWanted() throws Exception {
        ringAbsentQueue();
        rig.setFeature(Feature.ASYNC_EVENT_CONFIGURATION, 0);
        park();

        assertEquals(AsyncEvent.INVALID_DOORBELL_REGISTER.dw0(), rig.next().dw0());
    }

    // ---- notices

    @Test
    void shouldTellOfAChangedNamespaceWhereThatIsWanted() {
        rig.setFeature(Feature.ASYNC_EVENT_CONFIGURATION, FeatureValue.EVENT_NAMESPACE_ATTRIBUTES);
        int parked = park();
        rig.controller.liveNamespaces().tell(3);
        rig.controller.liveNamespaces().tell(1);

        ControllerRig.Completion event = rig.next();
        assertEquals(parked, event.cid());
        assertEquals(0x0004_0002, event.dw0(), "type 2, information 0, log page 4");
        rig.getLog(LogPage.CHANGED_NAMESPACES, 0, 4096, true);
        rig.getLog(LogPage.CHANGED_NAMESPACES, 0, 4096, false);
        assertEquals(2, NamespaceList.count(data));
        assertEquals(1, NamespaceList.nsid(data, 0));
        assertEquals(3, NamespaceList.nsid(data, 1));
        rig.getLog(LogPage.CHANGED_NAMESPACES, 0, 4096, false);
        assertEquals(0, NamespaceList.count(data), "reading clears the list");
    }

    @Test
    void shouldTellOfAListedNamespaceWhenThatBeginsToBeWanted() {
        rig.controller.liveNamespaces().tell(1);
        park();
        rig.setFeature(Feature.ASYNC_EVENT_CONFIGURATION, FeatureValue.EVENT_NAMESPACE_ATTRIBUTES);

        assertEquals(AsyncEvent.NAMESPACE_ATTRIBUTE_CHANGED.dw0(), rig.next().dw0());
    }

    @Test
    void shouldListAChangedNamespaceButNotTellOfItWhereThatIsNotWanted() {
        park();
        rig.controller.liveNamespaces().tell(1);

        assertNull(rig.next());
        rig.getLog(LogPage.CHANGED_NAMESPACES, 0, 4096, false);
        assertEquals(1, NamespaceList.count(data));
    }

    @Test
    void shouldSayOnlyThatTooManyNamespacesHaveChangedWhenTheListIsFull() {
        for (int nsid = 1; nsid <= NamespaceList.MAX_COUNT + 1; nsid++) {
            rig.controller.liveNamespaces().tell(nsid);
        }
        rig.getLog(LogPage.CHANGED_NAMESPACES, 0, 4096, false);

        assertEquals(1, NamespaceList.count(data));
        assertEquals(Sqe.NSID_ALL, NamespaceList.nsid(data, 0));
    }

    // ---- Abort

    @Test
    void shouldAbortAWaitingEventRequest() {
        park();
        int parked = park();
        ControllerRig.Completion abort = rig.admin(AdminOpcode.ABORT, sqe -> AdminSqe.setAbort(sqe, 0, parked));

        assertEquals(Status.OK, abort.status());
        assertEquals(0, abort.dw0());
        ControllerRig.Completion aborted = rig.next();
        assertEquals(parked, aborted.cid());
        assertEquals(Status.ABORT_REQUESTED.code(), aborted.code());
        assertNull(rig.next(), "the other request waits on");
    }

    @Test
    void shouldSayThatNothingWasAbortedWhenThereIsNoSuchCommand() {
        rig.createCq(1, 16, -1);
        rig.createSq(1, 16, 1);
        for (int sqid = 0; sqid < 2; sqid++) {
            int queue = sqid;
            ControllerRig.Completion abort = rig.admin(AdminOpcode.ABORT, sqe -> AdminSqe.setAbort(sqe, queue, 0x4321));

            assertEquals(Status.OK, abort.status());
            assertEquals(1, abort.dw0());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 64, 65, 65535})
    void shouldRefuseToAbortInAQueueThatIsNotThere(int sqid) {
        assertEquals(
                Status.INVALID_FIELD.dnr(),
                rig.admin(AdminOpcode.ABORT, sqe -> AdminSqe.setAbort(sqe, sqid, 0))
                        .code());
    }
}

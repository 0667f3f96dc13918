package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.dma.IovaAllocator;
import io.sluice.host.FaultyNvme.Fate;
import io.sluice.host.FaultyNvme.Faults;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AsyncEvent;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import io.sluice.pci.PciHeader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Time-outs, resets and death, one at a time, in virtual time. {@link FaultRunsTest} mixes them. */
class RecoveryTest {
    private static final long IOVAS = 0xffff_ffffL;
    private static final Timeouts TIMEOUTS = new Timeouts(30_000, 5_000, 5_000, 3);

    private final FaultyNvme device = new FaultyNvme();
    private final VirtualClock clock = new VirtualClock();
    private final List<Long> tokens = new ArrayList<>();
    private final List<Integer> statuses = new ArrayList<>();
    private NvmeDriver driver;
    private QueuePair pair;
    private DmaArea area;
    private Thread supervisor;

    @BeforeEach
    void start() throws IOException {
        IovaAllocator iovas = new IovaAllocator(List.of(new IovaAllocator.Range(0, IOVAS)));
        DriverOptions options =
                DriverOptions.polled(2, 16).withTimeouts(TIMEOUTS).withClock(clock);
        driver = NvmeDriver.start(device, iovas, options);
        pair = driver.queuePairs().getFirst();
        area = driver.allocate("data", 4096);
        cycle();
    }

    @AfterEach
    void close() {
        driver.close();
        assertEquals(0, device.maps.size(), "memory is left mapped");
        device.close();
    }

    private void setFate(Fate fate) {
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                return qid == 0 ? Fate.DONE : fate;
            }

            @Override
            public boolean abortWorks() {
                return false;
            }
        };
    }

    private void heal() {
        device.faults = Faults.NONE;
        device.readyNeverComes = false;
        device.readyNeverGoes = false;
    }

    private void read(long token) throws IOException {
        assertTrue(pair.read(1, 0, 1, area.iova(), 512, token));
        pair.ring();
    }

    /** One duty cycle of a poller and of the supervisor. */
    private void cycle() throws IOException {
        for (QueuePair each : driver.queuePairs()) {
            try {
                each.poll(this::ended, 16);
            } catch (DeviceFailure tellsOfAReset) {
                assertFalse(tellsOfAReset.getMessage().isEmpty());
            }
            each.checkDeadlines(clock.nanoTime());
        }
        driver.supervise(clock.nanoTime());
    }

    private void ended(long token, int status, int dw0) {
        tokens.add(token);
        statuses.add(status);
    }

    private void passSeconds(int seconds) throws IOException {
        for (int i = 0; i < seconds; i++) {
            clock.advanceMillis(1_000);
            cycle();
        }
    }

    private void assertWorks() throws IOException {
        tokens.clear();
        statuses.clear();
        read(99);
        cycle();
        assertEquals(List.of(99L), tokens);
        assertEquals(List.of(Status.OK), statuses);
    }

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
    void shouldResetWhenAPairIsLeftHalted() throws IOException {
        pair.halt();
        passSeconds(2);
        assertEquals(1, driver.resets());
        assertWorks();
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
        assertEquals(QueuePair.Mode.QUIET, pair.mode());
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

    // ---- closing

    @Test
    void shouldRefuseAdminCommandsWhenItIsClosed() throws IOException {
        driver.close();
        assertThrows(DeviceFailure.class, driver::health);
        assertThrows(DeviceFailure.class, () -> driver.errors(1));
        assertThrows(DeviceFailure.class, () -> driver.feature(7));
        assertThrows(DeviceFailure.class, () -> driver.admin(AdminRequest.of(AdminOpcode.FORMAT_NVM, 1, 0)));
        assertFalse(driver.admin().abort(1, 0, 8));
        driver.admin().requestEvents(4);
        driver.admin().poll();
        assertThrows(IOException.class, () -> driver.allocate("late", 4096));
    }

    @Test
    void shouldCloseWhileAnotherThreadWaitsForAnAdminCommand() throws Exception {
        CountDownLatch waiting = new CountDownLatch(1);
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                waiting.countDown();
                return Fate.LOST;
            }
        };
        clock.stop();
        AtomicReference<Exception> end = new AtomicReference<>();
        Thread asker = Thread.ofPlatform().start(() -> end.set(assertThrows(IOException.class, driver::health)));
        waiting.await();
        clock.go();
        driver.close();
        asker.join();
        assertEquals(DeviceFailure.class, end.get().getClass());
    }

    @Test
    void shouldCloseInBoundedTimeWhenTheControllerDoesNotObey() {
        device.readyNeverGoes = true;
        long before = clock.nanoTime();
        driver.close();
        assertTrue(clock.nanoTime() - before <= 2_100_000_000L);
        assertEquals(0, device.config.getShort(PciHeader.COMMAND) & PciHeader.COMMAND_BUS_MASTER, "no DMA any more");
    }

    @Test
    void shouldShutDownWhenAQueueIsNotDeletedAndAnotherIsStill() throws IOException {
        setFate(Fate.LOST);
        read(7);
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                return qid == 0 && opcode == AdminOpcode.DELETE_IO_SQ ? Fate.LOST : Fate.DONE;
            }
        };
        driver.shutDown();
        assertTrue(device.log.contains("shutdown"));
        driver.supervise(clock.nanoTime());
        assertEquals("disable", device.log.getLast(), "nobody enables it again");
        assertEquals(1, pair.poll(this::ended, 16));
        assertEquals(List.of(DriverStatus.DEVICE_DEAD), statuses);
        assertThrows(DeviceFailure.class, () -> pair.poll(this::ended, 16));
        assertThrows(DeviceFailure.class, driver::health);
        driver.shutDown();
    }

    @Test
    void shouldShutDownWhenItsQueuesAreStillBeingGivenBack() throws IOException {
        driver.requestReset("the test says so");
        driver.supervise(clock.nanoTime());
        assertEquals(QueuePair.Mode.ENDING, pair.mode());
        driver.shutDown();
        assertTrue(device.log.contains("shutdown"));
        assertEquals(QueuePair.Mode.DEAD, pair.mode());
    }

    // ---- asynchronous events

    @Test
    void shouldTellEventsAndAskForTheNextOnes() throws IOException {
        List<DeviceEvent> events = new ArrayList<>();
        driver.listen(events::add);
        cycle();
        int requests = device.eventRequests.size();
        assertTrue(requests > 0);
        assertTrue(device.event(AsyncEvent.TEMPERATURE_THRESHOLD.dw0()));
        cycle();
        assertEquals(AsyncEvent.TEMPERATURE_THRESHOLD, events.getFirst().known());
        assertEquals(4, events.getFirst().log().get(0), "the SMART log's critical warning");
        assertEquals(requests, device.eventRequests.size(), "asked again");
        driver.requestReset("the test says so");
        passSeconds(2);
        assertEquals(requests, device.eventRequests.size(), "asked again after a reset");
        assertEquals(1, events.size());
    }

    @Test
    void shouldAskForTheEventsThatAreOfferedAndAgainAfterAReset() throws IOException {
        device.optionalEvents = 0x7f00;
        driver.close();
        start();
        driver.listen(event -> {});
        cycle();
        assertEquals(0x31f, device.eventConfiguration, "namespaces, firmware, and the critical warnings");
        device.eventConfiguration = -1;
        cycle();
        assertEquals(-1, device.eventConfiguration, "once is enough");
        driver.requestReset("the test says so");
        passSeconds(2);
        assertEquals(0x31f, device.eventConfiguration);
    }

    @Test
    void shouldTellThatANamespaceHasChangedWhenTheControllerSaysSo() throws IOException {
        List<NamespaceChange> changes = new ArrayList<>();
        driver.listenForNamespaces(changes::add);
        cycle();
        assertTrue(device.event(AsyncEvent.NAMESPACE_ATTRIBUTE_CHANGED.dw0()));
        cycle();
        assertEquals(List.of(), changes, "it is the same");
        device.namespaceBlocks = 2000;
        assertTrue(device.event(AsyncEvent.NAMESPACE_ATTRIBUTE_CHANGED.dw0()));
        cycle();
        assertEquals(1, changes.size());
        assertEquals(1000, changes.getFirst().before().blockCount());
        assertEquals(2000, changes.getFirst().after().blockCount());
        assertEquals(2000, driver.namespace(1).blockCount());
    }

    @Test
    void shouldTellThatANamespaceHasChangedInAResetBeforeAnybodyDoesIo() throws IOException {
        List<QueuePair.Mode> modes = new ArrayList<>();
        driver.listenForNamespaces(change -> {
            modes.add(pair.mode());
            throw new IllegalStateException("what a listener does wrong is its own affair");
        });
        device.namespaceBlocks = 2000;
        driver.requestReset("the test says so");
        passSeconds(3);
        assertEquals(List.of(QueuePair.Mode.ENDING), modes);
        assertEquals(1, driver.resets());
        assertWorks();
    }

    // ---- long admin commands

    @Test
    void shouldGiveACommandThatIsPassedThroughAsLongAsItsCallerSays() {
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                return Fate.LOST;
            }
        };
        AdminRequest format = AdminRequest.of(AdminOpcode.FORMAT_NVM, 1, 0);
        assertEquals(60_000, format.timeoutMillis());
        long start = clock.nanoTime();
        DeviceFailure late = assertThrows(DeviceFailure.class, () -> driver.admin(format.withTimeoutMillis(100_000)));
        assertTrue(late.getMessage().contains("within 100000 ms"), late.getMessage());
        assertTrue(clock.nanoTime() - start >= 100_000_000_000L);
        assertThrows(IllegalArgumentException.class, () -> format.withTimeoutMillis(0));
    }

    @Test
    void shouldAbortAndResetWhileALongAdminCommandIsAwaited() throws IOException {
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                return Fate.LOST;
            }

            @Override
            public boolean abortWorks() {
                return false;
            }
        };
        read(7);
        clock.onPause = () -> {
            if (driver.resets() == 0) {
                inAnotherThread(this::cycle);
            }
        };
        AdminRequest format = AdminRequest.of(AdminOpcode.FORMAT_NVM, 1, 0).withTimeoutMillis(Integer.MAX_VALUE);
        int[] formats = {0};
        device.faults = new Faults() {
            @Override
            public Fate fate(int qid, int opcode) {
                return opcode == AdminOpcode.FORMAT_NVM && formats[0]++ == 0 ? Fate.LOST : Fate.DONE;
            }

            @Override
            public boolean abortWorks() {
                return false;
            }
        };
        DeviceFailure ended = assertThrows(DeviceFailure.class, () -> driver.admin(format));
        assertTrue(ended.getMessage().contains("is being reset"), ended.getMessage());
        clock.onPause = () -> {};
        passSeconds(3);
        assertEquals(1, device.aborts);
        assertEquals(1, driver.resets());
        assertEquals(List.of(7L), tokens);
    }

    /** The reset waits until the command's own thread has noticed, so the caller goes on while it does. */
    private void inAnotherThread(Executable work) {
        if (supervisor == null || !supervisor.isAlive()) {
            supervisor = Thread.ofPlatform().start(() -> assertDoesNotThrow(work));
        }
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

    // ---- death

    private void assertDead() throws IOException {
        passSeconds(40);
        assertTrue(driver.isDead());
        assertEquals(List.of(7L), tokens);
        assertEquals(List.of(DriverStatus.DEVICE_DEAD), statuses);
        assertTrue(Status.isDoNotRetry(DriverStatus.DEVICE_DEAD));
        assertFalse(pair.flush(1, 8), "nothing is taken any more");
        assertThrows(DeviceFailure.class, pair::ring);
        DeviceFailure failure = assertThrows(DeviceFailure.class, () -> pair.poll(this::ended, 16));
        assertTrue(
                failure.getMessage().contains("is dead after 3 resets that failed or did not help"),
                failure.getMessage());
        assertThrows(DeviceFailure.class, () -> driver.feature(7));
        assertThrows(DeviceFailure.class, driver::checkAlive);
        assertEquals(0, device.config.getShort(PciHeader.COMMAND) & PciHeader.COMMAND_BUS_MASTER, "no DMA any more");
    }

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
                if (driver.isDead() || pair.mode() == QueuePair.Mode.DEAD) {
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
        assertEquals(QueuePair.Mode.ENDING, driver.queuePairs().getLast().mode());
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
}

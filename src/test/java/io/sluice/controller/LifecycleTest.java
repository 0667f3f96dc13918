package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.Aqa;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Cns;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Feature;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.pci.PciHeader;
import io.sluice.poll.CommandQueue;
import java.util.function.IntUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** CC and CSTS, resets, shutdown, failure: NVMe 1.4, 3.1.5, 3.1.6, 7.3 and 7.6. */
class LifecycleTest {
    private static final int READY = Csts.withReady(0, true);
    private static final int FATAL = Csts.withFatal(0, true);

    private ControllerRig rig;

    @BeforeEach
    void open() throws Exception {
        rig = new ControllerRig();
    }

    @AfterEach
    void close() {
        rig.close();
    }

    // ---- CC.EN from 0 to 1

    @Test
    void shouldBecomeReadyWhenEnabled() throws Exception {
        rig.enable(16);

        assertEquals(READY, rig.csts());
    }

    static Stream<Named<IntUnaryOperator>> badConfigurations() {
        return Stream.of(
                Named.of("CSS 1", cc -> Cc.withCss(cc, 1)),
                Named.of("CSS admin only", cc -> Cc.withCss(cc, Cc.CSS_ADMIN_ONLY)),
                Named.of("MPS above MPSMAX", cc -> Cc.withMps(cc, RegisterFile.MPS_MAX + 1)),
                Named.of("MPS 15", cc -> Cc.withMps(cc, 15)),
                Named.of("AMS weighted round robin", cc -> Cc.withAms(cc, Cc.AMS_WEIGHTED_ROUND_ROBIN)),
                Named.of("AMS vendor specific", cc -> Cc.withAms(cc, 7)),
                Named.of("IOSQES 5", cc -> Cc.withIosqes(cc, 5)),
                Named.of("IOSQES 7", cc -> Cc.withIosqes(cc, 7)),
                Named.of("IOCQES 3", cc -> Cc.withIocqes(cc, 3)),
                Named.of("IOCQES 6", cc -> Cc.withIocqes(cc, 6)));
    }

    @ParameterizedTest
    @MethodSource("badConfigurations")
    void shouldBeFatalWhenEnabledWithABadConfiguration(IntUnaryOperator change) throws Exception {
        rig.setAdminQueue(16);
        rig.write(Registers.CC, change.applyAsInt(ControllerRig.cc(true)));

        assertEquals(FATAL, rig.csts());
    }

    @Test
    void shouldBecomeReadyWhenTheEntrySizesAreToBeSetLater() throws Exception {
        rig.setAdminQueue(16);
        rig.write(Registers.CC, Cc.withEnabled(0, true));

        assertEquals(READY, rig.csts());
    }

    @ParameterizedTest
    @CsvSource({"1,16", "16,1", "1,1"})
    void shouldBeFatalWhenAnAdminQueueHasOneEntry(int sqEntries, int cqEntries) throws Exception {
        rig.setAdminQueue(16);
        rig.write(Registers.AQA, Aqa.of(sqEntries, cqEntries));
        rig.write(Registers.CC, ControllerRig.cc(true));

        assertEquals(FATAL, rig.csts());
    }

    @ParameterizedTest
    @ValueSource(strings = {"ASQ", "ACQ"})
    void shouldBeFatalWhenAnAdminQueueIsNotMapped(String register) throws Exception {
        rig.setAdminQueue(16);
        rig.write(Registers.valueOf(register), 0xdead_0000_0000L);
        rig.write(Registers.CC, ControllerRig.cc(true));

        assertEquals(FATAL, rig.csts());
    }

    @Test
    void shouldBeFatalWhenOnlyTheFirstPageOfAnAdminQueueIsMapped() throws Exception {
        rig.setAdminQueue(65);
        rig.guest.unmapPage(ControllerRig.ASQ + ControllerRig.PAGE);
        rig.write(Registers.CC, ControllerRig.cc(true));

        assertEquals(FATAL, rig.csts());
    }

    @Test
    void shouldBeFatalWhenTheCompletionQueueIsReadOnly() throws Exception {
        rig.setAdminQueue(16);
        rig.guest.mapPage(ControllerRig.ACQ, ControllerRig.ACQ, Translator.READ);
        rig.write(Registers.CC, ControllerRig.cc(true));

        assertEquals(FATAL, rig.csts());
    }

    @Test
    void shouldBeFatalWhenAnAdminQueueIsNotAlignedToTheMemoryPageSize() throws Exception {
        rig.setAdminQueue(16);
        rig.write(Registers.ASQ, ControllerRig.ASQ + 0x1000);
        rig.write(Registers.CC, Cc.withMps(ControllerRig.cc(true), 1));

        assertEquals(FATAL, rig.csts());
    }

    @Test
    void shouldServeLargerMemoryPagesWhenTheHostAsksForThem() throws Exception {
        rig.setAdminQueue(16);
        rig.write(Registers.CC, Cc.withMps(ControllerRig.cc(true), RegisterFile.MPS_MAX));

        assertEquals(READY, rig.csts());
        assertEquals(Status.OK, rig.identify(Cns.CONTROLLER, 0).status());
    }

    @Test
    void shouldRecoverFromAFatalEnableByAReset() throws Exception {
        rig.write(Registers.CC, ControllerRig.cc(true));
        assertEquals(FATAL, rig.csts());

        rig.write(Registers.CC, ControllerRig.cc(false));
        assertEquals(0, rig.csts());
        rig.enable(16);

        assertEquals(Status.OK, rig.identify(Cns.CONTROLLER, 0).status());
    }

    @Test
    void shouldZeroAllDoorbellsBeforeItIsReady() throws Exception {
        for (int offset = Doorbells.OFFSET; offset < Doorbells.OFFSET + ControllerRig.PAGE; offset += 4) {
            rig.ring(offset, 0x5a5a);
        }
        rig.enable(16);

        for (int offset = Doorbells.OFFSET; offset < Doorbells.OFFSET + ControllerRig.PAGE; offset += 4) {
            assertEquals(0, rig.doorbell(offset), "doorbell at 0x" + Integer.toHexString(offset));
        }
        rig.step();
        assertEquals(READY, rig.csts());
    }

    // ---- CC.EN from 1 to 0

    @Test
    void shouldForgetQueuesAndFeaturesButKeepTheAdminQueuesRegistersWhenReset() throws Exception {
        rig.enable(16);
        rig.setFeature(Feature.WRITE_ATOMICITY, 1);
        rig.createCq(1, 16, -1);
        rig.write(Registers.INTMS, 1);

        rig.write(Registers.CC, ControllerRig.cc(false));

        assertEquals(0, rig.csts());
        assertEquals(0, rig.read(Registers.INTMS));
        assertEquals(0x000f_000f, rig.read(Registers.AQA));
        assertEquals(ControllerRig.ASQ, LittleEndian.get(rig.readBar0(Registers.ASQ.offset(), 8)));
        rig.enable(16);
        assertEquals(
                0,
                rig.getFeature(Feature.WRITE_ATOMICITY, Feature.SELECT_CURRENT, 0)
                        .dw0());
        assertEquals(Status.OK, rig.createCq(1, 16, -1).status(), "queue 1 is free again");
    }

    @Test
    void shouldTakeNothingMoreOnceItIsDisabled() throws Exception {
        rig.enable(16);
        rig.write(Registers.CC, ControllerRig.cc(false));
        rig.submit(AdminOpcode.IDENTIFY, sqe -> Sqe.setPrp1(sqe, ControllerRig.DATA));

        assertNull(rig.next());
    }

    @Test
    void shouldStayReadyUntilWhatIsInFlightHasEnded() throws Exception {
        rig.enable(16);
        rig.holdOneCommand();
        rig.path.cancelsLate = true;

        rig.write(Registers.CC, ControllerRig.cc(false));
        rig.step();
        assertEquals(READY, rig.csts());
        rig.path.endAll(Status.OK);
        rig.step();

        assertEquals(0, rig.csts());
        assertEquals(0, Cqe.phase(rig.ioCqe(1, 0)), "a dropped command has no completion");
    }

    @Test
    void shouldEnableAgainOnceTheResetIsThroughWhenEnWasSetTooEarly() throws Exception {
        rig.enable(16);
        rig.holdOneCommand();
        rig.path.cancelsLate = true;
        rig.write(Registers.CC, ControllerRig.cc(false));
        rig.write(Registers.CC, ControllerRig.cc(true));
        assertEquals(READY, rig.csts());

        rig.path.endAll(Status.OK);
        rig.step();

        assertEquals(READY, rig.csts());
        assertEquals(0, rig.doorbell(Doorbells.sqTailDoorbell(1)), "enabled anew");
    }

    // ---- shutdown

    @ParameterizedTest
    @ValueSource(ints = {Cc.SHN_NORMAL, Cc.SHN_ABRUPT})
    void shouldCompleteAShutdown(int notification) throws Exception {
        rig.enable(16);
        rig.write(Registers.CC, Cc.withShn(ControllerRig.cc(true), notification));

        assertEquals(Csts.withShst(READY, Csts.SHST_COMPLETE), rig.csts());
    }

    @Test
    void shouldIgnoreTheReservedShutdownNotification() throws Exception {
        rig.enable(16);
        rig.write(Registers.CC, Cc.withShn(ControllerRig.cc(true), 3));

        assertEquals(READY, rig.csts());
    }

    @Test
    void shouldCompleteAShutdownOnlyWhenNothingIsInFlight() throws Exception {
        rig.enable(16);
        rig.holdOneCommand();
        rig.write(Registers.CC, Cc.withShn(ControllerRig.cc(true), Cc.SHN_NORMAL));
        rig.step();
        assertEquals(Csts.withShst(READY, Csts.SHST_OCCURRING), rig.csts());

        rig.path.endAll(Status.OK);
        rig.step();

        assertEquals(Csts.withShst(READY, Csts.SHST_COMPLETE), rig.csts());
        assertEquals(0x77, Cqe.cid(rig.ioCqe(1, 0)), "what was in flight ends with a completion");
    }

    @Test
    void shouldTakeNoCommandAfterAShutdown() throws Exception {
        rig.enable(16);
        rig.write(Registers.CC, Cc.withShn(ControllerRig.cc(true), Cc.SHN_NORMAL));
        rig.submit(AdminOpcode.IDENTIFY, sqe -> Sqe.setPrp1(sqe, ControllerRig.DATA));
        assertNull(rig.next());

        rig.write(Registers.CC, ControllerRig.cc(true));
        assertNull(rig.next(), "only a reset ends a shutdown");
        assertEquals(Csts.SHST_COMPLETE, Csts.shst(rig.csts()));
    }

    @Test
    void shouldServeAgainWhenResetAfterAShutdown() throws Exception {
        rig.enable(16);
        rig.write(Registers.CC, Cc.withShn(ControllerRig.cc(true), Cc.SHN_NORMAL));
        rig.write(Registers.CC, Cc.withShn(ControllerRig.cc(false), Cc.SHN_NORMAL));
        assertEquals(0, rig.csts());
        rig.enable(16);

        assertEquals(Status.OK, rig.identify(Cns.CONTROLLER, 0).status());
    }

    @Test
    void shouldCompleteAShutdownOfADisabledController() throws Exception {
        rig.write(Registers.CC, Cc.withShn(0, Cc.SHN_NORMAL));

        assertEquals(Csts.withShst(0, Csts.SHST_COMPLETE), rig.csts());
        rig.enable(16);
    }

    // ---- function level reset

    @Test
    void shouldBeAsAfterPowerOnWhenTheFunctionIsReset() throws Exception {
        rig.enable(16);
        rig.createCq(1, 16, -1);
        rig.ring(Doorbells.sqTailDoorbell(5), 9);
        rig.controller.reset();

        for (Registers register : Registers.values()) {
            if (register != Registers.CAP && register != Registers.VS) {
                assertEquals(0, rig.read(register), register.toString());
            }
        }
        assertEquals(0, rig.doorbell(Doorbells.sqTailDoorbell(5)));
        assertEquals(0, rig.readConfig(PciHeader.COMMAND, 2));
    }

    @Test
    void shouldKeepTheClientsMemoryWhenTheFunctionIsReset() throws Exception {
        rig.enable(16);
        rig.controller.reset();
        rig.setBusMaster(true);
        rig.enable(16);

        assertEquals(Status.OK, rig.identify(Cns.CONTROLLER, 0).status());
    }

    @Test
    void shouldEndWhatIsInFlightWhenTheFunctionIsReset() throws Exception {
        rig.enable(16);
        rig.holdOneCommand();
        rig.controller.reset();

        assertEquals(0, rig.path.held.size());
        assertEquals(0, Cqe.phase(rig.ioCqe(1, 0)));
    }

    @Test
    void shouldServeTheNextClientWhenOneHasGone() throws Exception {
        rig.enable(16);
        rig.holdOneCommand();
        rig.controller.detach();
        try (FakeGuest next = new FakeGuest(1 << 20)) {
            rig.path.holds = false;
            rig.controller.attach(next);
            assertEquals(0, rig.csts());
            rig.controller.detach();
        }
        rig.reconnect();
        rig.enable(2);

        assertEquals(Status.OK, rig.identify(Cns.CONTROLLER, 0).status());
    }

    @Test
    void shouldNotBeEnabledWhenNoClientIsAttached() throws Exception {
        rig.controller.detach();
        rig.setAdminQueue(16);
        rig.write(Registers.CC, ControllerRig.cc(true));

        assertEquals(FATAL, rig.csts());
    }

    // ---- memory

    @Test
    void shouldAcknowledgeAChangeOfMemoryInTheNextCycle() throws Exception {
        rig.enable(16);
        rig.guest.unmapPage(ControllerRig.DATA);
        rig.controller.doWork();

        assertEquals(rig.guest.epoch.current(), rig.guest.lastReader.acknowledged());
    }

    @Test
    void shouldAcknowledgeAChangeOnlyWhenOlderCommandsHaveEnded() throws Exception {
        rig.enable(16);
        rig.holdOneCommand();
        rig.guest.unmapPage(ControllerRig.DATA);
        rig.step();
        assertTrue(rig.guest.lastReader.acknowledged() < rig.guest.epoch.current());

        rig.path.endAll(Status.OK);
        rig.step();

        assertEquals(rig.guest.epoch.current(), rig.guest.lastReader.acknowledged());
    }

    @Test
    void shouldUseTheNewMemoryWhenThePageOfAQueueHasMoved() throws Exception {
        rig.enable(16);
        rig.identify(Cns.CONTROLLER, 0);
        long elsewhere = 0x30_0000;
        Memory.copy(rig.guest.hva(ControllerRig.ASQ), rig.guest.hva(elsewhere), ControllerRig.PAGE);
        rig.guest.mapPage(ControllerRig.ASQ, elsewhere, Translator.READ);
        Memory.fill(rig.guest.hva(ControllerRig.ASQ), ControllerRig.PAGE, (byte) 0xff);
        long sqe = rig.guest.hva(elsewhere) + Sqe.BYTES;
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, AdminOpcode.ASYNC_EVENT_REQUEST, 0x99);
        rig.ring(Doorbells.sqTailDoorbell(0), 2);
        rig.step();

        assertEquals(READY, rig.csts());
        assertNull(rig.next(), "an event request, and nothing else, was fetched");
    }

    @Test
    void shouldBearWithAQueueOutOfReachForAWhileAndThenBeFatal() throws Exception {
        rig.enable(16);
        rig.guest.unmapPage(ControllerRig.ASQ);
        rig.submit(AdminOpcode.IDENTIFY, sqe -> Sqe.setPrp1(sqe, ControllerRig.DATA));
        assertNull(rig.next());
        rig.nanos += QueueFaults.PATIENCE_NANOS;
        rig.step();
        assertEquals(READY, rig.csts());

        rig.nanos += 1;
        rig.step();

        assertEquals(Csts.withFatal(READY, true), rig.csts());
    }

    @Test
    void shouldGoOnWhenAQueueComesBackIntoReach() throws Exception {
        rig.enable(16);
        rig.guest.unmapPage(ControllerRig.ASQ);
        int cid = rig.submit(AdminOpcode.IDENTIFY, sqe -> Sqe.setPrp1(sqe, ControllerRig.DATA));
        assertNull(rig.next());
        rig.guest.mapPage(ControllerRig.ASQ, ControllerRig.ASQ, Translator.READ);

        assertEquals(cid, rig.next().cid());
        rig.nanos += 10 * QueueFaults.PATIENCE_NANOS;
        assertEquals(Status.OK, rig.identify(Cns.CONTROLLER, 0).status());
    }

    // ---- what PCI switches off

    @Test
    void shouldTakeNothingWhileItIsNoBusMaster() throws Exception {
        rig.enable(16);
        rig.setBusMaster(false);
        int cid = rig.submit(AdminOpcode.IDENTIFY, sqe -> Sqe.setPrp1(sqe, ControllerRig.DATA));
        assertNull(rig.next());
        rig.setBusMaster(true);

        assertEquals(cid, rig.next().cid());
    }

    @Test
    void shouldPostNothingWhileItIsNoBusMaster() throws Exception {
        rig.enable(16);
        rig.holdOneCommand();
        rig.setBusMaster(false);
        rig.path.endsInPoll = true;
        rig.step();
        assertEquals(0, Cqe.phase(rig.ioCqe(1, 0)));

        rig.setBusMaster(true);
        rig.step();

        assertEquals(0x77, Cqe.cid(rig.ioCqe(1, 0)), "it was held back, not lost");
    }

    // ---- failure

    @Test
    void shouldBeFatalAndGoOnPollingWhenTheIoPathHasABug() throws Exception {
        rig.enable(16);
        rig.createCq(1, 16, -1);
        rig.createSq(1, 16, 1);
        rig.path.bug = new IllegalStateException("a bug");
        rig.putFlush(1, 0, 5);
        rig.ring(Doorbells.sqTailDoorbell(1), 1);

        IllegalStateException thrown = assertThrows(IllegalStateException.class, rig.controller::doWork);
        rig.controller.onFault(thrown);
        rig.step();

        assertEquals(Csts.withFatal(READY, true), rig.csts());
        rig.path.bug = null;
        rig.write(Registers.CC, ControllerRig.cc(false));
        assertEquals(0, rig.csts());
        rig.enable(16);
        assertEquals(Status.OK, rig.identify(Cns.CONTROLLER, 0).status());
    }

    @Test
    void shouldNotFailTheConnectionWhenACommandToTheAgentFails() throws Exception {
        rig.enable(16);
        rig.holdOneCommand();
        rig.path.held.get(0).complete(Status.OK); // and the path keeps it: cancelling will find it ended
        rig.path.cancelsLate = false;
        rig.controller.reset();

        assertEquals(0, rig.csts());
    }

    @Test
    void shouldEndWhatIsInFlightWhenTwoThingsFailInOneCycle() throws Exception {
        rig.enable(16);
        rig.holdOneCommand();
        IllegalStateException bug = new IllegalStateException("a bug");
        rig.controller.onFault(bug);
        rig.controller.onFault(bug);
        assertTrue(Csts.fatal(rig.csts()));

        rig.step();

        assertEquals(0, rig.path.held.size());
    }

    @Test
    void shouldBeFatalWhenTheGuestsMemoryIsDamaged() throws Exception {
        rig.enable(16);
        rig.guest.damaged = true;
        rig.controller.onFault(new InternalError("a fault occurred in an unsafe memory access operation"));

        assertTrue(Csts.fatal(rig.csts()));
        assertFalse(Csts.fatal(Csts.withFatal(rig.csts(), false)));
    }

    @Test
    void shouldKeepTheDoorbellsFileFromBeingCutShort() throws Exception {
        var page = rig.controller.region(0).mappable().orElseThrow();
        assertThrows(LinuxException.class, () -> Memfd.resize(page.memory(), 0));
        try (Mapping again = Mapping.shared(page.memory(), page.offset(), page.bytes(), Mapping.PROT_READ)) {
            assertEquals(0, Memory.getInt(again.address()));
        }
    }

    @Test
    void shouldRunUnderARealCommandQueueFromAnotherThread() throws Exception {
        CommandQueue commands = CommandQueue.to(() -> {});
        try (FakeGuest guest = new FakeGuest(1 << 20);
                NvmeController other = new NvmeController(
                        ControllerConfig.of("other", "SN9"), new ManualPath(), commands, () -> {}, System::nanoTime)) {
            Thread connection = Thread.ofPlatform().start(() -> other.attach(guest));
            while (connection.isAlive()) {
                other.doWork();
                Thread.onSpinWait();
            }
            byte[] csts = new byte[4];
            other.read(0, Registers.CSTS.offset(), csts);
            assertEquals(0, LittleEndian.get(csts));
        }
    }
}

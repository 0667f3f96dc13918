package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.device.FunctionStalled;
import io.sluice.device.InterruptKind;
import io.sluice.dma.DmaReader;
import io.sluice.linux.EventFd;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.nvme.Cns;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Status;
import io.sluice.pci.PciHeader;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One client goes and the next comes: nothing of the first is left, not even where it goes with commands in flight. */
class ClientChangeTest {
    private ControllerRig rig;

    @BeforeEach
    void open() throws Exception {
        rig = new ControllerRig();
    }

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void shouldNotListenToTheDoorbellPageOfAClientThatIsGone() throws Exception {
        try (Mapping kept = rig.mapDoorbells()) {
            rig.reconnect();
            rig.enable(16);
            long admin = kept.address() + Doorbells.sqTailDoorbell(0) - Doorbells.OFFSET;
            Memory.putIntRelease(admin, 9);
            rig.step();

            assertEquals(0, rig.doorbell(Doorbells.sqTailDoorbell(0)));
            assertEquals(Status.OK, rig.identify(Cns.CONTROLLER, 0).status());
            assertEquals(9, Memory.getIntAcquire(admin), "it rings a bell that nobody hears");
        }
    }

    @Test
    void shouldNotLeaveAMaskToTheNextClient() throws Exception {
        rig.controller.maskInterrupts(InterruptKind.MSIX, 0, 2);
        rig.reconnect();
        try (EventFd mine = EventFd.create();
                EventFd given = EventFd.adopt(mine.fd().duplicate())) {
            rig.controller.setInterruptTargets(InterruptKind.MSIX, 1, List.of(given));
            rig.controller.triggerInterrupts(InterruptKind.MSIX, 1, 1);

            assertEquals(1, mine.drain());
        }
    }

    @Test
    void shouldLetGoOfTheMemoryOnceTheLastCommandOfAClientThatIsGoneHasEnded() throws Exception {
        DmaReader reader = leaveWithACommandInFlight();
        rig.guest.unmapPage(ControllerRig.DATA);
        rig.controller.doWork();
        assertTrue(reader.acknowledged() < rig.guest.epoch.current(), "the command may still use the page");

        rig.path.endAll(Status.OK);
        rig.controller.doWork();

        assertEquals(Long.MAX_VALUE, reader.acknowledged(), "closed");
        assertTrue(rig.controller.isDormant());
    }

    @Test
    void shouldTakeNoClientWhileCommandsOfTheLastOneAreInFlightAndThenOneThatFindsAllNew() throws Exception {
        leaveWithACommandInFlight();
        assertThrows(FunctionStalled.class, () -> rig.controller.attach(rig.guest));

        rig.path.endAll(Status.OK);
        rig.controller.attach(rig.guest);

        assertEquals(0, rig.readConfig(PciHeader.COMMAND, 2));
        assertEquals(0, rig.read(Registers.CC));
        assertEquals(0, rig.read(Registers.AQA));
    }

    @Test
    void shouldFailAtOnceAndServeTheNextClientWhenThePathCannotEndWhatItHas() throws Exception {
        rig.enable(16);
        rig.holdOneCommand();
        rig.path.failure = "the device is lost";
        rig.controller.doWork();
        assertTrue(Csts.fatal(rig.csts()), "so that the guest need not wait for it");

        rig.write(Registers.CC, ControllerRig.cc(false));
        rig.step();
        assertTrue(Csts.ready(rig.csts()), "its memory may be in use still");
        rig.reconnect();
        assertEquals(List.of(), rig.path.held);
        rig.enable(16);
        assertFalse(Csts.fatal(rig.csts()));
    }

    @Test
    void shouldFinishAFunctionResetThatTookTooLongAsAFunctionReset() throws Exception {
        rig.enable(16);
        rig.holdOneCommand();
        rig.path.cancelsLate = true;
        assertThrows(FunctionStalled.class, rig.controller::reset);
        assertFalse(rig.controller.isDormant());

        rig.path.endAll(Status.OK);
        rig.controller.doWork();

        assertEquals(0, rig.csts());
        assertEquals(0, rig.read(Registers.CC));
        assertEquals(0, rig.read(Registers.AQA));
        assertEquals(0, rig.readConfig(PciHeader.COMMAND, 2));
        assertEquals(0, rig.doorbell(Doorbells.sqTailDoorbell(1)));
    }

    private DmaReader leaveWithACommandInFlight() throws Exception {
        rig.enable(16);
        rig.holdOneCommand();
        rig.path.cancelsLate = true;
        DmaReader reader = rig.guest.lastReader;
        rig.controller.detach();
        return reader;
    }
}

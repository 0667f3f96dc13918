package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.nvme.Csts;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Feature;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Status;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Commands in flight while the guest's memory changes, and an unmap that is answered without them. */
class MemoryChangeTest {
    private static final int READY = Csts.withReady(0, true);

    private ControllerRig rig;

    @BeforeEach
    void open() throws Exception {
        rig = new ControllerRig();
    }

    @AfterEach
    void close() {
        rig.path.cancelsLate = false;
        rig.close();
    }

    private void hold(int opcode) {
        rig.createCq(1, 16, -1);
        rig.createSq(1, 16, 1);
        rig.path.holds = true;
        if (opcode == NvmOpcode.READ) {
            rig.putRead(1, 0, 0x77);
        } else {
            rig.putFlush(1, 0, 0x77);
        }
        rig.ring(Doorbells.sqTailDoorbell(1), 1);
        rig.step();
        assertEquals(1, rig.path.held.size());
    }

    @Test
    void shouldAcknowledgeAChangeAtOnceWhenACommandInFlightUsesNoGuestMemory() throws Exception {
        rig.enable(16);
        hold(NvmOpcode.FLUSH);
        rig.guest.unmapPage(ControllerRig.DATA);
        rig.step();

        assertEquals(1, rig.path.held.size());
        assertEquals(rig.guest.epoch.current(), rig.guest.lastReader.acknowledged());
        assertFalse(rig.controller.isDormant());
    }

    @Test
    void shouldFailAndDropWhatIsInFlightWhenAnUnmapWasAnsweredWithoutIt() throws Exception {
        rig.enable(16);
        hold(NvmOpcode.READ);
        rig.path.cancelsLate = true;
        rig.guest.unmapPage(ControllerRig.DATA);
        rig.step();
        assertEquals(READY, rig.csts());
        rig.guest.missDeadline();
        rig.step();

        assertEquals(Csts.withFatal(READY, true), rig.csts());
        assertTrue(rig.guest.lastReader.acknowledged() < rig.guest.epoch.current(), "it is in flight still");
        rig.path.endAll(Status.OK);
        rig.step();
        assertEquals(0, rig.ioCqe(1, 0), "and is not posted when it ends");
        assertEquals(rig.guest.epoch.current(), rig.guest.lastReader.acknowledged());
        rig.write(Registers.CC, ControllerRig.cc(false));
        rig.step();
        rig.enable(16);
        assertEquals(Status.OK, rig.getFeature(Feature.ARBITRATION, 0, 0).status(), "a reset makes it good");
    }

    @Test
    void shouldNotFailWhenItWasLeftBehindWithNothingToDo() throws Exception {
        rig.guest.missDeadline();
        rig.step();
        rig.enable(16);
        rig.step();

        assertEquals(READY, rig.csts());
    }
}

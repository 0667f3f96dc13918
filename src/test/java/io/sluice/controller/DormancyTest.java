package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.nvme.Aqa;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Status;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When the poller may sleep until it is woken: only while nothing that the guest can write without a message matters. */
class DormancyTest {
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
    void shouldBeDormantUntilTheGuestEnables() throws Exception {
        assertTrue(rig.controller.isDormant());

        rig.enable(16);

        assertFalse(rig.controller.isDormant(), "its doorbells are memory: nobody tells of them");
    }

    @Test
    void shouldBeDormantUntilWokenWhenNothingIsInTheQueues() throws Exception {
        rig.enable(16);
        assertTrue(rig.controller.isDormantUntilWoken());

        rig.holdOneCommand();

        assertFalse(rig.controller.isDormantUntilWoken(), "a command is in flight");
    }

    @Test
    void shouldBeDormantWhenNobodyIsAttached() throws Exception {
        rig.enable(16);
        rig.controller.detach();

        assertTrue(rig.controller.isDormant());
    }

    @Test
    void shouldBeDormantOnceADisableIsThrough() throws Exception {
        rig.enable(16);
        rig.holdOneCommand();
        rig.path.cancelsLate = true;
        rig.write(Registers.CC, ControllerRig.cc(false));
        rig.step();
        assertFalse(rig.controller.isDormant(), "a command is still in flight");

        rig.path.endAll(Status.OK);
        rig.step();

        assertTrue(rig.controller.isDormant());
    }

    @Test
    void shouldBeDormantOnceAShutdownIsThrough() throws Exception {
        rig.enable(16);
        rig.holdOneCommand();
        rig.write(Registers.CC, Cc.withShn(ControllerRig.cc(true), Cc.SHN_NORMAL));
        rig.step();
        assertFalse(rig.controller.isDormant(), "a command is still in flight");

        rig.path.endAll(Status.OK);
        rig.step();

        assertTrue(rig.controller.isDormant());
    }

    @Test
    void shouldBeDormantWhenItHasFailed() throws Exception {
        rig.write(Registers.AQA, Aqa.of(1, 1));
        rig.write(Registers.CC, ControllerRig.cc(true));
        rig.step();
        assertTrue(Csts.fatal(rig.csts()));

        assertTrue(rig.controller.isDormant());
    }
}

package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.device.InterruptKind;
import io.sluice.device.Region;
import io.sluice.linux.EventFd;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Feature;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Status;
import io.sluice.pci.CapabilityId;
import io.sluice.pci.MsixCapability;
import io.sluice.pci.PciHeader;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** MSI-X, INTx or polling: NVMe 1.4, 7.5. Targets are the controller's, so each test keeps a duplicate to look at. */
class InterruptPolicyTest {
    private ControllerRig rig;
    private final List<EventFd> watched = new ArrayList<>();

    @BeforeEach
    void open() throws Exception {
        rig = new ControllerRig();
    }

    @AfterEach
    void close() {
        rig.close();
        watched.forEach(EventFd::close);
    }

    /** Sets a new target, and returns the other end of it. */
    private EventFd target(InterruptKind kind, int index) throws Exception {
        EventFd target = EventFd.create();
        EventFd watch = EventFd.adopt(target.fd().duplicate());
        watched.add(watch);
        rig.controller.setInterruptTargets(kind, index, List.of(target));
        return watch;
    }

    private void enableMsix(boolean enabled) throws Exception {
        int at = capability(CapabilityId.MSIX);
        rig.writeConfig(at + MsixCapability.CONTROL, 2, enabled ? MsixCapability.CONTROL_ENABLE : 0);
    }

    private int capability(int id) throws Exception {
        int at = rig.readConfig(PciHeader.CAPABILITIES_POINTER, 1);
        for (int i = 0; i < 48 && at != 0; i++) {
            if (rig.readConfig(at, 1) == id) {
                return at;
            }
            at = rig.readConfig(at + 1, 1);
        }
        throw new AssertionError("no capability " + id);
    }

    private int interruptStatus() throws Exception {
        return rig.readConfig(PciHeader.STATUS, 2) & PciHeader.STATUS_INTERRUPT;
    }

    private void submitOne() {
        rig.submit(AdminOpcode.GET_FEATURES, sqe -> AdminSqe.setGetFeatures(sqe, 0, Feature.ARBITRATION, 0));
        rig.step();
    }

    // ---- MSI-X

    @Test
    void shouldSignalTheQueuesVectorWhenMsixIsEnabled() throws Exception {
        EventFd admin = target(InterruptKind.MSIX, 0);
        EventFd io = target(InterruptKind.MSIX, 5);
        enableMsix(true);
        rig.enable(16);
        assertEquals(Status.OK, rig.createCq(1, 16, 5).status());
        rig.createSq(1, 16, 1);
        assertTrue(admin.drain() > 0);
        assertEquals(0, io.drain());

        rig.putFlush(1, 0, 1);
        rig.ring(Doorbells.sqTailDoorbell(1), 1);
        rig.step();

        assertEquals(1, io.drain());
        assertEquals(0, admin.drain());
        assertEquals(0, interruptStatus());
    }

    @Test
    void shouldNotSignalAQueueWithoutInterrupts() throws Exception {
        EventFd zero = target(InterruptKind.MSIX, 0);
        enableMsix(true);
        rig.enable(16);
        rig.createCq(1, 16, -1);
        rig.createSq(1, 16, 1);
        zero.drain();
        rig.putFlush(1, 0, 1);
        rig.ring(Doorbells.sqTailDoorbell(1), 1);
        rig.step();

        assertEquals(0, zero.drain());
        assertEquals(1, rig.path.submitted);
    }

    @Test
    void shouldSignalWhatWasRaisedWhileThereWasNoTarget() throws Exception {
        enableMsix(true);
        rig.enable(16);
        submitOne();

        assertEquals(1, target(InterruptKind.MSIX, 0).drain());
    }

    @Test
    void shouldShowWhatWaitsForATargetInThePendingBits() throws Exception {
        enableMsix(true);
        rig.enable(16);
        submitOne();
        byte[] pending = new byte[8];
        rig.controller.read(PciSide.MSIX_BAR, 0x800, pending);
        assertEquals(1, LittleEndian.get(pending));

        target(InterruptKind.MSIX, 0);
        rig.controller.read(PciSide.MSIX_BAR, 0x800, pending);

        assertEquals(0, LittleEndian.get(pending));
    }

    @Test
    void shouldNotSignalMsixWhenItIsNotEnabled() throws Exception {
        EventFd vector = target(InterruptKind.MSIX, 0);
        rig.enable(16);
        submitOne();

        assertEquals(0, vector.drain());
    }

    // ---- INTx

    @Test
    void shouldAssertThePinUntilAllIsConsumed() throws Exception {
        EventFd pin = target(InterruptKind.INTX, 0);
        rig.enable(16);
        submitOne();
        assertEquals(1, pin.drain());
        assertTrue(interruptStatus() != 0);

        rig.controller.unmaskInterrupts(InterruptKind.INTX, 0, 1);
        assertEquals(1, pin.drain(), "asserted still, so signalled again");
        assertTrue(rig.next() != null);
        rig.step();
        assertEquals(0, interruptStatus());
        rig.controller.unmaskInterrupts(InterruptKind.INTX, 0, 1);

        assertEquals(0, pin.drain());
    }

    @Test
    void shouldNotSignalAgainWhenTheCompletionIsConsumedBeforeTheUnmask() throws Exception {
        EventFd pin = target(InterruptKind.INTX, 0);
        rig.enable(16);
        submitOne();
        pin.drain();
        rig.ring(Doorbells.cqHeadDoorbell(0), 1); // consumed, and no cycle has run since
        rig.controller.unmaskInterrupts(InterruptKind.INTX, 0, 1);

        assertEquals(0, pin.drain());
    }

    @Test
    void shouldMaskThePinByIntmsAndUnmaskItByIntmc() throws Exception {
        EventFd pin = target(InterruptKind.INTX, 0);
        rig.enable(16);
        rig.write(Registers.INTMS, 1);
        submitOne();
        assertEquals(0, pin.drain());
        assertEquals(0, interruptStatus());

        rig.write(Registers.INTMC, 1);

        assertEquals(1, pin.drain());
        rig.write(Registers.INTMS, 1);
        assertEquals(0, interruptStatus());
    }

    @Test
    void shouldShowButNotSignalThePinWhenItIsDisabled() throws Exception {
        EventFd pin = target(InterruptKind.INTX, 0);
        rig.writeConfig(PciHeader.COMMAND, 2, PciHeader.COMMAND_BUS_MASTER | PciHeader.COMMAND_INTX_DISABLE);
        rig.enable(16);
        submitOne();
        assertEquals(0, pin.drain());
        assertTrue(interruptStatus() != 0);

        rig.setBusMaster(true);

        assertEquals(1, pin.drain());
    }

    @Test
    void shouldDropThePinWhenMsixIsEnabled() throws Exception {
        rig.enable(16);
        submitOne();
        assertTrue(interruptStatus() != 0);
        enableMsix(true);

        assertEquals(0, interruptStatus());
    }

    @Test
    void shouldDropThePinWhenItIsReset() throws Exception {
        rig.enable(16);
        submitOne();
        rig.write(Registers.CC, ControllerRig.cc(false));

        assertEquals(0, interruptStatus());
    }

    @Test
    void shouldIgnoreTheMaskRegistersUnderMsix() throws Exception {
        enableMsix(true);
        rig.write(Registers.INTMS, 0xff);

        assertEquals(0, rig.read(Registers.INTMS));
    }

    // ---- what a connection does

    @Test
    void shouldCloseTargetsThatAreReplacedOrLeft() throws Exception {
        EventFd first = EventFd.create();
        EventFd second = EventFd.create();
        rig.controller.setInterruptTargets(InterruptKind.MSIX, 3, List.of(first));
        rig.controller.setInterruptTargets(InterruptKind.MSIX, 3, List.of(second));
        assertFalse(first.fd().isOpen());
        assertTrue(second.fd().isOpen());

        rig.controller.detach();

        assertFalse(second.fd().isOpen());
        rig.controller.attach(rig.guest);
    }

    @Test
    void shouldTriggerAsTheConnectionAsks() throws Exception {
        EventFd err = target(InterruptKind.ERR, 0);
        EventFd vector = target(InterruptKind.MSIX, 64);
        rig.controller.triggerInterrupts(InterruptKind.ERR, 0, 1);
        rig.controller.triggerInterrupts(InterruptKind.MSIX, 60, 5);

        assertEquals(1, err.drain());
        assertEquals(1, vector.drain());
    }

    @Test
    void shouldHoldAMaskedVectorBack() throws Exception {
        EventFd vector = target(InterruptKind.MSIX, 2);
        rig.controller.maskInterrupts(InterruptKind.MSIX, 2, 1);
        rig.controller.triggerInterrupts(InterruptKind.MSIX, 2, 1);
        assertEquals(0, vector.drain());
        rig.controller.unmaskInterrupts(InterruptKind.MSIX, 2, 1);

        assertEquals(1, vector.drain());
    }

    @Test
    void shouldHaveAVectorForEachCompletionQueue() {
        assertEquals(65, rig.controller.interruptCount(InterruptKind.MSIX));
        assertEquals(1, rig.controller.interruptCount(InterruptKind.INTX));
        assertEquals(0, rig.controller.interruptCount(InterruptKind.MSI));
    }

    @Test
    void shouldRefuseInterruptsThatItDoesNotHaveAndStayWell() throws Exception {
        assertThrows(
                IndexOutOfBoundsException.class, () -> rig.controller.triggerInterrupts(InterruptKind.MSIX, 65, 1));
        rig.enable(16);
        assertEquals(Status.OK, rig.identify(1, 0).status());
        assertEquals(Region.CONFIG, rig.controller.region(Region.CONFIG).index());
    }
}

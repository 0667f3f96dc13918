package io.sluice.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.EventFd;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class InterruptBankTest {
    private final List<EventFd> opened = new ArrayList<>();
    private final InterruptBank bank = new InterruptBank(4);

    @AfterEach
    void close() {
        opened.forEach(EventFd::close);
    }

    private EventFd eventFd() throws Exception {
        EventFd eventFd = EventFd.create();
        opened.add(eventFd);
        return eventFd;
    }

    private EventFd target(InterruptKind kind, int index) throws Exception {
        EventFd eventFd = eventFd();
        bank.setTargets(kind, index, List.of(eventFd));
        return eventFd;
    }

    @Test
    void shouldSignalTheVectorThatIsRaisedAndNoOther() throws Exception {
        EventFd one = target(InterruptKind.MSIX, 1);
        EventFd two = target(InterruptKind.MSIX, 2);

        bank.raiseMsix(2);

        assertEquals(0, one.drain());
        assertEquals(1, two.drain());
    }

    @Test
    void shouldLatchAndSignalOnceWhenATargetComesAfterTheInterrupts() throws Exception {
        bank.raiseMsix(3);
        bank.raiseMsix(3);

        EventFd late = target(InterruptKind.MSIX, 3);
        assertEquals(1, late.drain());

        bank.setTargets(InterruptKind.MSIX, 3, List.of(eventFd()));
        assertEquals(0, opened.get(1).drain(), "the latch fires once only");
    }

    @Test
    void shouldLoseNothingWhenTargetsAreTakenAwayAndSetAgain() throws Exception {
        target(InterruptKind.MSIX, 0);
        bank.setTargets(InterruptKind.MSIX, 0, Arrays.asList(new EventFd[4]));
        bank.raiseMsix(0);

        EventFd again = target(InterruptKind.MSIX, 0);

        assertEquals(1, again.drain());
    }

    @Test
    void shouldGiveReplacedTargetsBackWhenSettingOthers() throws Exception {
        EventFd old = target(InterruptKind.MSIX, 1);

        List<EventFd> replaced = bank.setTargets(InterruptKind.MSIX, 0, Arrays.asList(null, eventFd(), null));

        assertEquals(List.of(old), replaced);
    }

    @Test
    void shouldGiveAllTargetsBackWhenTheClientIsGone() throws Exception {
        EventFd intx = target(InterruptKind.INTX, 0);
        EventFd msix = target(InterruptKind.MSIX, 2);
        EventFd err = target(InterruptKind.ERR, 0);
        EventFd req = target(InterruptKind.REQ, 0);

        assertEquals(List.of(intx, msix, err, req), bank.powerOn());
        assertEquals(List.of(), bank.powerOn());
    }

    @ParameterizedTest
    @EnumSource(names = {"INTX", "MSIX", "ERR", "REQ"})
    void shouldNotLeaveAMaskToTheNextClient(InterruptKind kind) throws Exception {
        bank.setMasked(kind, 0, bank.count(kind), true);
        bank.powerOn();
        EventFd target = target(kind, 0);

        if (kind == InterruptKind.INTX) {
            bank.setIntx(true);
        } else {
            bank.trigger(kind, 0, 1);
        }

        assertEquals(1, target.drain());
    }

    @Test
    void shouldNotLeaveARaisedInterruptToTheNextClient() throws Exception {
        bank.raiseMsix(1);
        bank.setIntx(true);
        bank.powerOn();

        assertEquals(0, target(InterruptKind.MSIX, 1).drain());
        assertEquals(0, target(InterruptKind.INTX, 0).drain());
    }

    @Test
    void shouldHoldAnInterruptBackWhenMaskedAndSignalItWhenUnmasked() throws Exception {
        EventFd target = target(InterruptKind.MSIX, 1);
        bank.setMasked(InterruptKind.MSIX, 0, 4, true);
        bank.raiseMsix(1);
        assertEquals(0, target.drain());

        bank.setMasked(InterruptKind.MSIX, 1, 1, false);

        assertEquals(1, target.drain());
    }

    @Test
    void shouldForgetWhatWasRaisedWhenCleared() throws Exception {
        bank.raiseMsix(0);
        bank.raise(InterruptKind.ERR);
        bank.setIntx(true);

        bank.clear();

        assertEquals(0, target(InterruptKind.MSIX, 0).drain());
        assertEquals(0, target(InterruptKind.ERR, 0).drain());
        assertEquals(0, target(InterruptKind.INTX, 0).drain());
        assertFalse(bank.intxAsserted());
    }

    @Test
    void shouldSignalIntxOnceUntilUnmaskedWhenItStaysAsserted() throws Exception {
        EventFd target = target(InterruptKind.INTX, 0);

        bank.setIntx(true);
        bank.setIntx(true);
        assertEquals(1, target.drain());
        assertTrue(bank.intxAsserted());
        bank.setMasked(InterruptKind.INTX, 0, 1, false);

        assertEquals(1, target.drain(), "asserted still, so signalled again");
    }

    @Test
    void shouldNotSignalIntxWhenUnmaskedAfterItsLevelFell() throws Exception {
        EventFd target = target(InterruptKind.INTX, 0);
        bank.setIntx(true);
        target.drain();

        bank.setIntx(false);
        bank.setMasked(InterruptKind.INTX, 0, 1, false);

        assertEquals(0, target.drain());
    }

    @Test
    void shouldNotSignalIntxAgainWhileItIsMaskedAndItsLevelRises() throws Exception {
        EventFd target = target(InterruptKind.INTX, 0);
        bank.setIntx(true);
        target.drain();

        bank.setIntx(false);
        bank.setIntx(true);
        assertEquals(0, target.drain());
        bank.setMasked(InterruptKind.INTX, 0, 1, false);

        assertEquals(1, target.drain());
    }

    @Test
    void shouldSignalIntxWhenATargetComesWhileItIsAsserted() throws Exception {
        bank.setIntx(true);

        assertEquals(1, target(InterruptKind.INTX, 0).drain());
    }

    @Test
    void shouldSignalWhenTriggeredByHand() throws Exception {
        EventFd intx = target(InterruptKind.INTX, 0);
        EventFd msix = target(InterruptKind.MSIX, 3);
        EventFd req = target(InterruptKind.REQ, 0);

        bank.trigger(InterruptKind.INTX, 0, 1);
        bank.trigger(InterruptKind.MSIX, 0, 4);
        bank.trigger(InterruptKind.REQ, 0, 1);

        assertEquals(List.of(1L, 1L, 1L), List.of(intx.drain(), msix.drain(), req.drain()));
    }

    @Test
    void shouldRefuseInterruptsThatItDoesNotHave() {
        assertThrows(IndexOutOfBoundsException.class, () -> bank.trigger(InterruptKind.MSIX, 4, 1));
        assertThrows(IndexOutOfBoundsException.class, () -> bank.trigger(InterruptKind.MSIX, 3, 2));
        assertThrows(IndexOutOfBoundsException.class, () -> bank.trigger(InterruptKind.MSIX, 1, Integer.MAX_VALUE));
        assertThrows(IndexOutOfBoundsException.class, () -> bank.trigger(InterruptKind.MSIX, -1, 1));
        assertThrows(IndexOutOfBoundsException.class, () -> bank.setMasked(InterruptKind.MSI, 0, 1, true));
        assertThrows(
                IndexOutOfBoundsException.class,
                () -> bank.setTargets(InterruptKind.INTX, 1, Arrays.asList((EventFd) null)));
    }
}

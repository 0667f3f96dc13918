package io.sluice.vfiouser.server;

import io.sluice.device.InterruptKind;
import io.sluice.device.PciFunction;
import io.sluice.linux.EventFd;
import io.sluice.linux.EventFdSender;
import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.vfiouser.IrqSet;
import io.sluice.vfiouser.Message;
import io.sluice.vfiouser.VfioUserException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * DEVICE_SET_IRQS: every action with every kind of data.
 *
 * <pre>
 *               NONE                  BOOL                    EVENTFD with fds       EVENTFD without
 *   TRIGGER     signal all;           signal where true       signal these from      signal them no more
 *               count 0: disable                              now on
 *   MASK        mask all              mask where true         INTx: mask when        INTx: no more
 *   UNMASK      unmask all            unmask where true       this is signalled
 * </pre>
 */
final class InterruptRequests {
    private final PciFunction function;
    private final IntxEvents intxEvents;
    private final EventFdSender sender;

    /** @param sender the client, as the sender of its eventfds */
    InterruptRequests(PciFunction function, IntxEvents intxEvents, EventFdSender sender) {
        this.function = function;
        this.intxEvents = intxEvents;
        this.sender = sender;
    }

    Reply set(Message message) throws VfioUserException {
        IrqSet set = IrqSet.decode(message.body());
        InterruptKind kind = InterruptKind.ofIndex(set.index());
        if (kind == null) {
            throw refused(set, "there is no such index, only 0 to " + (InterruptKind.COUNT - 1));
        }
        checkFlags(set, kind);
        checkFds(set, message.fdCount());
        if (set.count() == 0) {
            disable(set, kind);
            return Reply.DONE;
        }
        int available = function.interruptCount(kind);
        if (set.start() >= available || set.count() > available - set.start()) {
            throw refused(set, "there are " + available + " interrupts of this kind");
        }
        switch (set.data()) {
            case IrqSet.DATA_NONE -> act(set.action(), kind, (int) set.start(), (int) set.count());
            case IrqSet.DATA_BOOL -> actWhereTrue(set, kind);
            default -> setEventFds(set, kind, message);
        }
        return Reply.DONE;
    }

    private static void checkFlags(IrqSet set, InterruptKind kind) throws VfioUserException {
        if (Integer.bitCount(set.data()) != 1 || Integer.bitCount(set.action()) != 1 || set.unknownFlags() != 0) {
            throw refused(set, "flags are exactly one kind of data and one action");
        }
        boolean triggers = set.action() == IrqSet.ACTION_TRIGGER;
        if (!triggers && (kind == InterruptKind.ERR || kind == InterruptKind.REQ)) {
            throw refused(set, "error and request interrupts cannot be masked");
        }
        if (!triggers && set.data() == IrqSet.DATA_EVENTFD && kind != InterruptKind.INTX) {
            throw refused(set, "only INTx is masked and unmasked by eventfd");
        }
    }

    private static void checkFds(IrqSet set, int fdCount) throws VfioUserException {
        boolean takesFds = set.data() == IrqSet.DATA_EVENTFD;
        if (fdCount != 0 && (!takesFds || fdCount != set.count())) {
            throw refused(
                    set, "it came with " + fdCount + " descriptors; it takes " + (takesFds ? set.count() : "none"));
        }
    }

    /** Takes all targets of a kind away. Masks do not outlive them: a kind is enabled unmasked, as by VFIO. */
    private void disable(IrqSet set, InterruptKind kind) throws VfioUserException {
        if (set.data() != IrqSet.DATA_NONE || set.action() != IrqSet.ACTION_TRIGGER || set.start() != 0) {
            throw refused(set, "a count of 0 disables, with start 0, no data and the action trigger");
        }
        if (kind == InterruptKind.INTX) {
            intxEvents.clear();
        }
        int count = function.interruptCount(kind);
        if (count > 0) {
            function.setInterruptTargets(kind, 0, Arrays.asList(new EventFd[count]));
            function.unmaskInterrupts(kind, 0, count);
        }
    }

    private void act(int action, InterruptKind kind, int start, int count) {
        switch (action) {
            case IrqSet.ACTION_MASK -> function.maskInterrupts(kind, start, count);
            case IrqSet.ACTION_UNMASK -> function.unmaskInterrupts(kind, start, count);
            default -> function.triggerInterrupts(kind, start, count);
        }
    }

    private void actWhereTrue(IrqSet set, InterruptKind kind) {
        byte[] booleans = set.booleans();
        for (int i = 0; i < booleans.length; i++) {
            if (booleans[i] != 0) {
                act(set.action(), kind, (int) set.start() + i, 1);
            }
        }
    }

    private void setEventFds(IrqSet set, InterruptKind kind, Message message) throws VfioUserException {
        List<EventFd> eventFds =
                message.fdCount() == 0 ? Arrays.asList(new EventFd[(int) set.count()]) : adopt(set, message.takeFds());
        switch (set.action()) {
            case IrqSet.ACTION_MASK -> intxEvents.setMask(eventFds.getFirst());
            case IrqSet.ACTION_UNMASK -> intxEvents.setUnmask(eventFds.getFirst());
            default -> function.setInterruptTargets(kind, (int) set.start(), eventFds);
        }
    }

    /** Takes all of them, or closes all of them: a pipe in the place of an eventfd could make a poller block. */
    private List<EventFd> adopt(IrqSet set, List<Fd> fds) throws VfioUserException {
        List<EventFd> eventFds = new ArrayList<>();
        try {
            for (Fd fd : fds) {
                eventFds.add(EventFd.adopt(fd, sender));
            }
            return eventFds;
        } catch (LinuxException e) {
            fds.forEach(Fd::close);
            throw refused(set, e.getMessage());
        }
    }

    private static VfioUserException refused(IrqSet set, String why) {
        return Refuse.invalid("cannot do " + set + ": " + why);
    }
}

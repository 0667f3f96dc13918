package io.sluice.vfiouser.server;

import io.sluice.device.InterruptKind;
import io.sluice.device.PciFunction;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.linux.PollSet;

/**
 * The eventfds by which a client masks and unmasks INTx without a message, as KVM does at the end of an interrupt. The
 * connection's thread serves them while it waits for a message.
 */
final class IntxEvents {
    private static final int SOCKET = 0;
    private static final int NONE = -1;

    private final PciFunction function;
    private final PollSet pollSet = new PollSet(3);
    private EventFd mask;
    private EventFd unmask;

    IntxEvents(PciFunction function) {
        this.function = function;
    }

    /** Sets or, with null, takes away the eventfd that masks; owned by this from now on. */
    void setMask(EventFd newMask) {
        close(mask);
        mask = newMask;
    }

    /** Sets or, with null, takes away the eventfd that unmasks; owned by this from now on. */
    void setUnmask(EventFd newUnmask) {
        close(unmask);
        unmask = newUnmask;
    }

    /** Takes both away and closes them. */
    void clear() {
        setMask(null);
        setUnmask(null);
    }

    private static void close(EventFd eventFd) {
        if (eventFd != null) {
            eventFd.close();
        }
    }

    boolean isEmpty() {
        return mask == null && unmask == null;
    }

    /** Waits until there is something to receive, and does what the eventfds ask for meanwhile. */
    void serveUntilReadable(Fd socket) throws LinuxException {
        pollSet.clear();
        pollSet.add(socket, PollSet.IN);
        int maskIndex = mask == null ? NONE : pollSet.add(mask.fd(), PollSet.IN);
        int unmaskIndex = unmask == null ? NONE : pollSet.add(unmask.fd(), PollSet.IN);
        do {
            pollSet.await(-1);
            if (isSignalled(mask, maskIndex)) {
                function.maskInterrupts(InterruptKind.INTX, 0, 1);
            }
            if (isSignalled(unmask, unmaskIndex)) {
                function.unmaskInterrupts(InterruptKind.INTX, 0, 1);
            }
        } while (pollSet.ready(SOCKET) == 0);
    }

    /** Only one that is ready is read: reading another one is a system call for nothing, and would wait if it blocks. */
    private boolean isSignalled(EventFd eventFd, int index) {
        return index != NONE && pollSet.ready(index) != 0 && eventFd.drain() > 0;
    }
}

package io.sluice.device;

import io.sluice.linux.EventFd;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * All interrupts of a function: one INTx pin, MSI-X vectors, the error and the request interrupt.
 *
 * <p>Belongs to the function's agent: all calls are on its thread. A connection's thread sends them as commands, and closes
 * the eventfds that {@link #setTargets} gives back after its command has been answered.
 */
public final class InterruptBank {
    private final LevelLine intx = new LevelLine();
    private final InterruptLine[] msix;
    private final InterruptLine[] err = lines(1);
    private final InterruptLine[] req = lines(1);

    /**
     * A bank with no targets and nothing raised.
     *
     * @param msixVectors number of MSI-X vectors, 1 to 2048
     */
    public InterruptBank(int msixVectors) {
        msix = lines(msixVectors);
    }

    private static InterruptLine[] lines(int count) {
        return IntStream.range(0, count).mapToObj(i -> new InterruptLine()).toArray(InterruptLine[]::new);
    }

    /** How many interrupts of a kind there are. */
    public int count(InterruptKind kind) {
        return switch (kind) {
            case INTX -> 1;
            case MSI -> 0;
            case MSIX -> msix.length;
            case ERR, REQ -> 1;
        };
    }

    /** Raises an MSI-X vector. Costs one system call; allocates nothing. */
    public void raiseMsix(int vector) {
        msix[vector].raise();
    }

    /** Whether an MSI-X vector has been raised and not signalled yet: its bit in the pending bit array. */
    public boolean isMsixPending(int vector) {
        return msix[vector].isLatched();
    }

    /** Sets the level of INTx. */
    public void setIntx(boolean asserted) {
        intx.setLevel(asserted);
    }

    /** The level of INTx, as the Interrupt Status bit of PCI's status register shows it. */
    public boolean intxAsserted() {
        return intx.asserted();
    }

    /** Asks for the device back, or tells of an uncorrectable error. */
    public void raise(InterruptKind kind) {
        edgeLines(kind)[0].raise();
    }

    /**
     * Sets targets from {@code start} on; null elements take them away.
     *
     * @return the targets so far, without nulls, for the caller to close
     * @throws IndexOutOfBoundsException if there are not so many interrupts
     */
    public List<EventFd> setTargets(InterruptKind kind, int start, List<EventFd> targets) {
        check(kind, start, targets.size());
        List<EventFd> replaced = new ArrayList<>();
        for (int i = 0; i < targets.size(); i++) {
            EventFd old = kind == InterruptKind.INTX
                    ? intx.setTarget(targets.get(i))
                    : edgeLines(kind)[start + i].setTarget(targets.get(i));
            if (old != null) {
                replaced.add(old);
            }
        }
        return replaced;
    }

    /**
     * As after power-on, for the next client: nothing is raised, no mask is set, and there are no targets.
     *
     * @return the targets so far, for the caller to close
     */
    public List<EventFd> powerOn() {
        clear();
        List<EventFd> all = new ArrayList<>();
        for (InterruptKind kind : InterruptKind.values()) {
            all.addAll(setTargets(kind, 0, Arrays.asList(new EventFd[count(kind)])));
            setMasked(kind, 0, count(kind), false);
        }
        return all;
    }

    public void setMasked(InterruptKind kind, int start, int count, boolean masked) {
        check(kind, start, count);
        for (int i = start; i < start + count; i++) {
            if (kind == InterruptKind.INTX) {
                intx.setMasked(masked);
            } else {
                edgeLines(kind)[i].setMasked(masked);
            }
        }
    }

    /** Signals as though the device had raised them. */
    public void trigger(InterruptKind kind, int start, int count) {
        check(kind, start, count);
        for (int i = start; i < start + count; i++) {
            if (kind == InterruptKind.INTX) {
                intx.trigger();
            } else {
                edgeLines(kind)[i].raise();
            }
        }
    }

    /** Reset: nothing is raised any more. Targets and masks stay. */
    public void clear() {
        intx.setLevel(false);
        for (InterruptLine line : msix) {
            line.clear();
        }
        err[0].clear();
        req[0].clear();
    }

    private InterruptLine[] edgeLines(InterruptKind kind) {
        return switch (kind) {
            case MSIX -> msix;
            case ERR -> err;
            case REQ -> req;
            case INTX, MSI -> throw new IllegalArgumentException(kind + " has no edge-triggered lines");
        };
    }

    private void check(InterruptKind kind, int start, int count) {
        if (start < 0 || count < 0 || start > count(kind) - count) {
            throw new IndexOutOfBoundsException(
                    kind + " has " + count(kind) + " interrupts, not " + start + " to " + (start + (long) count - 1));
        }
    }
}

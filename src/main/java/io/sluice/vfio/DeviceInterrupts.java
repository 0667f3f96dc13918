package io.sluice.vfio;

import io.sluice.device.InterruptKind;
import io.sluice.linux.Errno;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.uapi.Vfio;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * A VFIO device's interrupts: eventfds that the kernel signals.
 *
 * <p>Older kernels fix the number of MSI-X vectors when the first are enabled. Where more are asked for later, all are
 * disabled and set again: what the device raises in between is lost, so a driver that wants to lose nothing sets all at once.
 */
final class DeviceInterrupts {
    private static final int NONE = -1;

    /** Of these a device has one enabled at a time. */
    private static final Set<InterruptKind> PINS_AND_MESSAGES =
            EnumSet.of(InterruptKind.INTX, InterruptKind.MSI, InterruptKind.MSIX);

    private final Kernel kernel;
    private final String device;
    private final Fd fd;

    /** Duplicates of the descriptors that are set, of the kinds that are enabled; null for none. */
    private final Map<InterruptKind, Fd[]> set = new EnumMap<>(InterruptKind.class);

    DeviceInterrupts(Kernel kernel, String device, Fd fd) {
        this.kernel = kernel;
        this.device = device;
        this.fd = fd;
    }

    int count(InterruptKind kind) throws IOException {
        try (Struct info = new Struct(Vfio.IrqInfo.BYTES)) {
            info.putInt(Vfio.IrqInfo.INDEX, kind.index());
            kernel.ioctl(fd, "VFIO_DEVICE_GET_IRQ_INFO", Vfio.DEVICE_GET_IRQ_INFO, info.address());
            return info.getInt(Vfio.IrqInfo.COUNT);
        } catch (LinuxException e) {
            if (e.errno() == Errno.EINVAL) {
                return 0; // a kind that this device does not have, such as ERR without PCI Express
            }
            throw e;
        }
    }

    /**
     * Sets targets. If it fails, those that were set before are set again; the exception says so where not even that works,
     * and none of the kind is set then.
     */
    void set(InterruptKind kind, int start, List<EventFd> targets) throws IOException {
        require(kind, start, targets.size());
        Fd[] before = set.getOrDefault(kind, new Fd[0]);
        Fd[] wanted = Arrays.copyOf(before, Math.max(before.length, start + targets.size()));
        List<Fd> fresh = duplicates(targets);
        for (int i = 0; i < targets.size(); i++) {
            wanted[start + i] = fresh.get(i);
        }
        try {
            if (wanted.length > before.length) {
                disableInKernel(kind, before);
                trigger(kind, 0, wanted);
            } else {
                trigger(kind, start, Arrays.copyOfRange(wanted, start, start + targets.size()));
            }
        } catch (IOException e) {
            closeAll(fresh);
            throw restored(kind, before, e);
        }
        set.put(kind, wanted);
        closeAll(Arrays.asList(before)
                .subList(Math.min(start, before.length), Math.min(start + targets.size(), before.length)));
    }

    /** Those of its own, as the caller may close its eventfds, and all are sent again when more are set. */
    private static List<Fd> duplicates(List<EventFd> targets) throws IOException {
        List<Fd> fresh = new ArrayList<>();
        try {
            for (EventFd target : targets) {
                fresh.add(target == null ? null : target.fd().duplicate());
            }
            return fresh;
        } catch (IOException | RuntimeException e) {
            closeAll(fresh);
            throw e;
        }
    }

    private static void closeAll(List<Fd> descriptors) {
        descriptors.stream().filter(Objects::nonNull).forEach(Fd::close);
    }

    private IOException restored(InterruptKind kind, Fd[] before, IOException why) {
        if (before.length == 0) {
            return why;
        }
        try {
            disableInKernel(kind, before);
            trigger(kind, 0, before);
            return why;
        } catch (IOException worse) {
            set.remove(kind);
            closeAll(Arrays.asList(before));
            why.addSuppressed(worse);
            return new IOException(
                    why.getMessage() + "; and those of kind " + kind
                            + " that were set before could not be set again, so that none is: " + worse.getMessage(),
                    why);
        }
    }

    void disable(InterruptKind kind) throws IOException {
        Fd[] before = set.get(kind);
        if (before != null) {
            disableInKernel(kind, before);
            set.remove(kind);
            closeAll(Arrays.asList(before));
        }
    }

    private void disableInKernel(InterruptKind kind, Fd[] before) throws IOException {
        if (before.length > 0) {
            request(Vfio.IRQ_SET_DATA_NONE | Vfio.IRQ_SET_ACTION_TRIGGER, kind, 0, 0);
        }
    }

    private void trigger(InterruptKind kind, int start, Fd[] targets) throws IOException {
        int[] numbers = Arrays.stream(targets)
                .mapToInt(target -> target == null ? NONE : target.number())
                .toArray();
        try {
            request(Vfio.IRQ_SET_DATA_EVENTFD | Vfio.IRQ_SET_ACTION_TRIGGER, kind, start, numbers);
        } catch (LinuxException e) {
            if (e.errno() == Errno.EINVAL) {
                throw new IOException(e.getMessage() + otherKind(kind), e);
            }
            throw e;
        }
    }

    /** The commonest cause of an EINVAL, which the kernel does not tell. */
    private String otherKind(InterruptKind kind) {
        return PINS_AND_MESSAGES.stream()
                .filter(other -> other != kind && PINS_AND_MESSAGES.contains(kind) && set.containsKey(other))
                .map(other -> ". A device raises interrupts of one kind at a time, and " + device + " uses " + other
                        + ": disable those first")
                .findFirst()
                .orElse("");
    }

    /** Lets go of its descriptors; the device's own is closed already, so that the kernel signals none of them. */
    void close() {
        set.values().forEach(targets -> closeAll(Arrays.asList(targets)));
        set.clear();
    }

    void unmask(InterruptKind kind, int start, int count) throws IOException {
        require(kind, start, count);
        request(Vfio.IRQ_SET_DATA_NONE | Vfio.IRQ_SET_ACTION_UNMASK, kind, start, count);
    }

    private void require(InterruptKind kind, int start, int count) throws IOException {
        int there = count(kind);
        if (start < 0 || count < 0 || start > there - count) {
            throw new IOException(device + " has " + there + " interrupts of kind " + kind + "; there are none from "
                    + start + " to " + ((long) start + count - 1));
        }
    }

    private void request(int flags, InterruptKind kind, int start, int[] descriptors) throws IOException {
        try (Struct irqs = new Struct(Vfio.IrqSet.BYTES + descriptors.length * Integer.BYTES)) {
            for (int i = 0; i < descriptors.length; i++) {
                irqs.putInt(Vfio.IrqSet.DATA + i * Integer.BYTES, descriptors[i]);
            }
            send(irqs, flags, kind, start, descriptors.length);
        }
    }

    private void request(int flags, InterruptKind kind, int start, int count) throws IOException {
        try (Struct irqs = new Struct(Vfio.IrqSet.BYTES)) {
            send(irqs, flags, kind, start, count);
        }
    }

    private void send(Struct irqs, int flags, InterruptKind kind, int start, int count) throws IOException {
        irqs.putInt(Vfio.IrqSet.FLAGS, flags)
                .putInt(Vfio.IrqSet.INDEX, kind.index())
                .putInt(Vfio.IrqSet.START, start)
                .putInt(Vfio.IrqSet.COUNT, count);
        int refused = kernel.ioctl(fd, "VFIO_DEVICE_SET_IRQS", Vfio.DEVICE_SET_IRQS, irqs.address());
        if (refused > 0) { // the kernel could have so many vectors only
            throw new IOException(
                    "the host has only " + refused + " interrupt vectors left for " + device + ": use fewer queues");
        }
    }
}

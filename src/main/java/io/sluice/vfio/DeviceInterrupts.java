package io.sluice.vfio;

import io.sluice.device.InterruptKind;
import io.sluice.linux.Errno;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.uapi.Vfio;
import java.io.IOException;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * A VFIO device's interrupts: eventfds that the kernel signals.
 *
 * <p>Older kernels fix the number of MSI-X vectors when the first are enabled. Where more are asked for later, all are
 * disabled and set again: what the device raises in between is lost, so a driver that wants to lose nothing sets all at once.
 */
final class DeviceInterrupts {
    private static final int NONE = -1;

    private final Kernel kernel;
    private final String device;
    private final Fd fd;

    /** The descriptors that are set, of the kinds that are enabled; -1 for none. */
    private final Map<InterruptKind, int[]> set = new EnumMap<>(InterruptKind.class);

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

    void set(InterruptKind kind, int start, List<EventFd> targets) throws IOException {
        require(kind, start, targets.size());
        int[] before = set.getOrDefault(kind, new int[0]);
        int[] wanted = Arrays.copyOf(before, Math.max(before.length, start + targets.size()));
        Arrays.fill(wanted, before.length, wanted.length, NONE);
        for (int i = 0; i < targets.size(); i++) {
            EventFd target = targets.get(i);
            wanted[start + i] = target == null ? NONE : target.fd().number();
        }
        if (before.length == 0 || wanted.length > before.length) {
            disable(kind);
            request(Vfio.IRQ_SET_DATA_EVENTFD | Vfio.IRQ_SET_ACTION_TRIGGER, kind, 0, wanted);
        } else {
            int[] changed = Arrays.copyOfRange(wanted, start, start + targets.size());
            request(Vfio.IRQ_SET_DATA_EVENTFD | Vfio.IRQ_SET_ACTION_TRIGGER, kind, start, changed);
        }
        set.put(kind, wanted);
    }

    void disable(InterruptKind kind) throws IOException {
        if (set.remove(kind) != null) {
            request(Vfio.IRQ_SET_DATA_NONE | Vfio.IRQ_SET_ACTION_TRIGGER, kind, 0, 0);
        }
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

package io.sluice.vfio;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.device.InterruptKind;
import io.sluice.linux.Errno;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.linux.Posix;
import io.sluice.mem.Memory;
import io.sluice.uapi.Vfio;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * VFIO as a test wants it: answers ioctls as the kernel does, keeps the order of all calls, and sees to it that no DMA mapping
 * outlives its memory. Descriptors are real memfds, so that reading, writing and mapping work.
 */
final class FakeKernel implements Kernel {
    static final long REGION_STRIDE = 1 << 20;
    static final int BAR_BYTES = 16 << 10;

    final List<String> calls = new ArrayList<>();

    /** IOVA to (host address, bytes). */
    final Map<Long, long[]> dma = new LinkedHashMap<>();

    /** Memory for DMA that is mapped here; pieces of BARs are closed by their BAR. */
    final Set<Mapping> mapped = new HashSet<>();

    private final Set<Mapping> pieces = new HashSet<>();
    final Set<Integer> open = new HashSet<>();

    /** The number of the call that fails, from 0; negative for none. */
    int failsAt = -1;

    /** What fails by its name, with which error. */
    final Map<String, Integer> failures = new LinkedHashMap<>();

    LockedMemory lockedMemory = new LockedMemory(Posix.UNLIMITED, 0, false);
    int apiVersion = Vfio.API_VERSION;
    boolean hasType1 = true;
    boolean viable = true;
    boolean canReset = true;
    byte[] iommuCapabilities = new byte[0];
    byte[] barCapabilities = new byte[0];
    long pageSizes = 0x4020_1000;
    int msixCount = 8;
    int vectorsOfTheHost = Integer.MAX_VALUE;
    final List<String> irqs = new ArrayList<>();

    /** By "index:vector": the kernel's own reference to each eventfd that was set. */
    private final Map<String, EventFd> targets = new LinkedHashMap<>();

    /** An index of interrupts that cannot be set, with EINVAL; negative for none. */
    int refusedIrqIndex = -1;

    private int containerNumber = -1;
    private int deviceNumber = -1;

    private void step(String call) throws LinuxException {
        int number = calls.size();
        calls.add(call);
        Integer errno = failures.get(call.split(" ", 2)[0]);
        if (number == failsAt || errno != null) {
            throw new LinuxException(call, "in a test", errno == null ? Errno.EIO : errno);
        }
    }

    @Override
    public Fd open(Path path) throws LinuxException {
        step("open " + path.getFileName());
        Fd fd = Memfd.create("fake " + path.getFileName(), REGION_STRIDE);
        if (path.endsWith("vfio/vfio")) {
            containerNumber = fd.number();
        }
        open.add(fd.number());
        return fd;
    }

    @Override
    public int ioctl(Fd fd, String name, long request, long argument) throws LinuxException {
        step(name);
        assertTrue(open.contains(fd.number()), name + " of a closed descriptor");
        return switch ((int) request) {
            case Vfio.GET_API_VERSION -> apiVersion;
            case Vfio.CHECK_EXTENSION -> hasType1 && argument == Vfio.TYPE1V2_IOMMU ? 1 : 0;
            case Vfio.GROUP_GET_STATUS -> put(argument, Vfio.GroupStatus.FLAGS, viable ? Vfio.GROUP_FLAGS_VIABLE : 0);
            case Vfio.GROUP_SET_CONTAINER -> Memory.getInt(argument) == containerNumber ? 0 : fail(name);
            case Vfio.GROUP_GET_DEVICE_FD -> newDevice();
            case Vfio.IOMMU_GET_INFO -> iommuInfo(argument);
            case Vfio.IOMMU_MAP_DMA -> map(argument);
            case Vfio.IOMMU_UNMAP_DMA -> unmap(argument);
            case Vfio.DEVICE_GET_INFO ->
                put(argument, Vfio.DeviceInfo.FLAGS, Vfio.DEVICE_FLAGS_PCI | (canReset ? Vfio.DEVICE_FLAGS_RESET : 0));
            case Vfio.DEVICE_GET_REGION_INFO -> regionInfo(argument);
            case Vfio.DEVICE_GET_IRQ_INFO -> irqInfo(argument);
            case Vfio.DEVICE_SET_IRQS -> setIrqs(argument);
            case Vfio.SET_IOMMU, Vfio.DEVICE_RESET -> 0;
            default -> throw new AssertionError(name + " is not expected");
        };
    }

    private static int put(long struct, int offset, int value) {
        Memory.putInt(struct + offset, value);
        return 0;
    }

    private static int fail(String name) throws LinuxException {
        throw new LinuxException("ioctl", name, Errno.EINVAL);
    }

    /** The device's file: region N begins at N MiB. */
    private int newDevice() throws LinuxException {
        Fd fd = Memfd.create("fake device", 9 * REGION_STRIDE);
        deviceNumber = fd.number();
        open.add(deviceNumber);
        return deviceNumber;
    }

    private int iommuInfo(long info) {
        int flags = Vfio.IOMMU_INFO_PGSIZES | (iommuCapabilities.length == 0 ? 0 : Vfio.IOMMU_INFO_CAPS);
        put(info, Vfio.IommuType1Info.FLAGS, flags);
        Memory.putLong(info + Vfio.IommuType1Info.IOVA_PGSIZES, pageSizes);
        return capabilities(info, Vfio.IommuType1Info.BYTES, Vfio.IommuType1Info.CAP_OFFSET, iommuCapabilities);
    }

    /** As the kernel does: if there is room, the capabilities; in any case how much room they need. */
    private static int capabilities(long struct, int fixedBytes, int capOffset, byte[] capabilities) {
        int room = Memory.getInt(struct);
        if (capabilities.length > 0 && room >= fixedBytes + capabilities.length) {
            put(struct, capOffset, fixedBytes);
            Memory.copyIn(capabilities, 0, struct + fixedBytes, capabilities.length);
        }
        return put(struct, 0, fixedBytes + capabilities.length);
    }

    private int map(long map) throws LinuxException {
        long iova = Memory.getLong(map + Vfio.IommuType1DmaMap.IOVA);
        long hva = Memory.getLong(map + Vfio.IommuType1DmaMap.VADDR);
        long bytes = Memory.getLong(map + Vfio.IommuType1DmaMap.SIZE);
        assertTrue(mapped.stream().anyMatch(each -> holds(each, hva, bytes)), "DMA to memory that is not mapped");
        dma.put(iova, new long[] {hva, bytes});
        return 0;
    }

    private int unmap(long unmap) throws LinuxException {
        long iova = Memory.getLong(unmap + Vfio.IommuType1DmaUnmap.IOVA);
        if (dma.remove(iova) == null) {
            Memory.putLong(unmap + Vfio.IommuType1DmaUnmap.SIZE, 0);
        }
        return 0;
    }

    private static boolean holds(Mapping mapping, long hva, long bytes) {
        return hva >= mapping.address() && hva + bytes <= mapping.address() + mapping.length();
    }

    private int regionInfo(long info) {
        int index = Memory.getInt(info + Vfio.RegionInfo.INDEX);
        boolean bar0 = index == Vfio.PCI_BAR0_REGION_INDEX;
        boolean there = bar0 || index == Vfio.PCI_CONFIG_REGION_INDEX;
        int caps = bar0 && barCapabilities.length > 0 ? Vfio.REGION_INFO_FLAG_CAPS : 0;
        put(info, Vfio.RegionInfo.FLAGS, (bar0 ? Vfio.REGION_INFO_FLAG_MMAP : 0) | caps);
        Memory.putLong(info + Vfio.RegionInfo.SIZE, there ? bar0 ? BAR_BYTES : 4096 : 0);
        Memory.putLong(info + Vfio.RegionInfo.OFFSET, index * REGION_STRIDE);
        return capabilities(
                info, Vfio.RegionInfo.BYTES, Vfio.RegionInfo.CAP_OFFSET, bar0 ? barCapabilities : new byte[0]);
    }

    private int irqInfo(long info) throws LinuxException {
        int index = Memory.getInt(info + Vfio.IrqInfo.INDEX);
        if (index == Vfio.PCI_ERR_IRQ_INDEX) {
            return fail("a device that is not PCI Express has no ERR");
        }
        return put(info, Vfio.IrqInfo.COUNT, index == Vfio.PCI_MSIX_IRQ_INDEX ? msixCount : 1);
    }

    private int setIrqs(long set) throws LinuxException {
        int count = Memory.getInt(set + Vfio.IrqSet.COUNT);
        int flags = Memory.getInt(set + Vfio.IrqSet.FLAGS);
        int index = Memory.getInt(set + Vfio.IrqSet.INDEX);
        int start = Memory.getInt(set + Vfio.IrqSet.START);
        boolean eventFds = (flags & Vfio.IRQ_SET_DATA_EVENTFD) != 0;
        List<String> data = new ArrayList<>();
        for (int i = 0; eventFds && i < count; i++) {
            data.add(Memory.getInt(set + Vfio.IrqSet.DATA + 4L * i) < 0 ? "-" : "set");
        }
        irqs.add(Integer.toHexString(flags) + " index " + index + " start " + start + " count " + count + " " + data);
        if (eventFds && index == refusedIrqIndex) {
            return fail("VFIO_DEVICE_SET_IRQS");
        }
        if (count > vectorsOfTheHost) {
            return vectorsOfTheHost;
        }
        if (flags == (Vfio.IRQ_SET_DATA_NONE | Vfio.IRQ_SET_ACTION_TRIGGER) && count == 0) {
            disconnect(index + ":");
        }
        for (int i = 0; eventFds && i < count; i++) {
            connect(index + ":" + (start + i), Memory.getInt(set + Vfio.IrqSet.DATA + 4L * i));
        }
        return 0;
    }

    /** As the kernel does: a reference of its own to what the number is now, if that is an eventfd. */
    private void connect(String vector, int number) throws LinuxException {
        EventFd before = targets.remove(vector);
        if (before != null) {
            before.close();
        }
        if (number >= 0) {
            targets.put(vector, EventFd.adopt(Fd.adopt(number).duplicate()));
        }
    }

    private void disconnect(String prefix) {
        targets.forEach((vector, target) -> {
            if (vector.startsWith(prefix)) {
                target.close();
            }
        });
        targets.keySet().removeIf(vector -> vector.startsWith(prefix));
    }

    /** How many eventfds the kernel has a reference to. */
    int targets() {
        return targets.size();
    }

    /** The device raises an interrupt; false if nobody wants it. */
    boolean raise(InterruptKind kind, int vector) {
        EventFd target = targets.get(kind.index() + ":" + vector);
        return target != null && target.signal();
    }

    @Override
    public Mapping map(Fd fd, long offset, long length, int protection) throws LinuxException {
        step("mmap");
        Mapping mapping = Mapping.shared(fd, offset, length, protection);
        (fd.number() == deviceNumber ? pieces : mapped).add(mapping);
        return mapping;
    }

    @Override
    public void unmap(Mapping mapping) {
        calls.add("munmap");
        assertTrue(mapped.remove(mapping) || pieces.remove(mapping), "unmapped twice: " + mapping);
        boolean reachable = open.contains(containerNumber)
                && dma.values().stream().anyMatch(piece -> holds(mapping, piece[0], piece[1]));
        assertFalse(reachable, "the device can still reach " + mapping);
        mapping.close();
    }

    @Override
    public long pread(Fd fd, long address, long bytes, long offset) throws LinuxException {
        step("pread");
        return SYSTEM.pread(fd, address, bytes, offset);
    }

    @Override
    public long pwrite(Fd fd, long address, long bytes, long offset) throws LinuxException {
        step("pwrite");
        return SYSTEM.pwrite(fd, address, bytes, offset);
    }

    @Override
    public LockedMemory lockedMemory() {
        return lockedMemory;
    }

    @Override
    public void close(Fd fd) {
        int number = fd.number();
        String what = number == containerNumber ? "container" : number == deviceNumber ? "device" : "group";
        calls.add("close " + what);
        assertTrue(open.remove(number), "closed twice: " + what);
        if (number == deviceNumber) {
            disconnect("");
        }
        fd.close();
    }
}

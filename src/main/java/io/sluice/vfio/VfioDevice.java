package io.sluice.vfio;

import io.sluice.device.InterruptKind;
import io.sluice.device.MappedBar;
import io.sluice.device.PciDevice;
import io.sluice.device.Region;
import io.sluice.dma.IovaAllocator;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.FileStatus;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.pci.ConfigReader;
import io.sluice.pci.MsixCapability;
import io.sluice.pci.PciHeader;
import io.sluice.uapi.Vfio;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A PCI device of this host that vfio-pci has: the real thing.
 *
 * <pre>
 *   open:  group ─▶ IOMMU ─▶ device ─▶ regions          close:  bus master off ─▶ BARs unmapped ─▶ device (the kernel
 *                                                               resets it) ─▶ IOMMU ─▶ only then the memory for DMA
 * </pre>
 *
 * <p>No DMA mapping outlives the memory behind it: this object maps that memory for itself, and lets go of it only when the
 * IOMMU has. If the IOMMU refuses to let go, the memory stays until the IOMMU's descriptors are closed.
 *
 * <p>Thread-safe; a mapped BAR may be accessed by any thread until {@link #close}.
 */
public final class VfioDevice implements PciDevice {
    private static final Path SYS = Path.of("/sys");
    private static final Path DEV = Path.of("/dev");

    private final Kernel kernel;
    private final String address;
    private final Iommu iommu;
    private final Fd device;
    private final int flags;
    private final long configOffset;
    private final DeviceInterrupts interrupts;
    private final List<MappedBar> bars = new ArrayList<>();

    /** By IOVA, in order of mapping. */
    private final Map<Long, DmaMapping> maps = new LinkedHashMap<>();

    private boolean closed;

    /** Memory that the device reaches, mapped here for as long. */
    private record DmaMapping(Mapping memory, long bytes) {}

    private VfioDevice(Kernel kernel, String address, Iommu iommu, Fd device) throws IOException {
        this.kernel = kernel;
        this.address = address;
        this.iommu = iommu;
        this.device = device;
        flags = deviceFlags();
        configOffset = BarMaps.ask(kernel, device, Region.CONFIG).fileOffset();
        interrupts = new DeviceInterrupts(kernel, address, device);
    }

    /** The same, without a look at how much memory may be locked. */
    public static VfioDevice open(String address) throws IOException {
        return open(address, 0);
    }

    /**
     * Takes a device that is bound to vfio-pci.
     *
     * @param address its PCI address, such as 0000:01:00.0
     * @param dmaBytes how much memory it is to reach at least; whether that may be locked is looked at first
     * @throws IOException what is not as it must be, and what to do about it; nothing is left behind
     */
    public static VfioDevice open(String address, long dmaBytes) throws IOException {
        return open(Kernel.SYSTEM, SYS, DEV, address, dmaBytes);
    }

    static VfioDevice open(Kernel kernel, Path sys, Path dev, String address, long dmaBytes) throws IOException {
        IommuGroup group = IommuGroup.of(sys, address);
        LockedMemory memory = kernel.lockedMemory();
        if (!memory.allows(dmaBytes)) {
            throw new IOException("cannot drive " + address + ". " + memory.advice(dmaBytes));
        }
        Iommu iommu = Type1.open(kernel, dev, group, address);
        try {
            Fd device = iommu.openDevice(address);
            try {
                return new VfioDevice(kernel, address, iommu, device);
            } catch (IOException | RuntimeException | Error e) {
                kernel.close(device);
                throw e;
            }
        } catch (IOException | RuntimeException | Error e) {
            iommu.close();
            throw e;
        }
    }

    private int deviceFlags() throws IOException {
        try (Struct info = new Struct(Vfio.DeviceInfo.BYTES)) {
            kernel.ioctl(device, "VFIO_DEVICE_GET_INFO", Vfio.DEVICE_GET_INFO, info.address());
            int found = info.getInt(Vfio.DeviceInfo.FLAGS);
            if ((found & Vfio.DEVICE_FLAGS_PCI) == 0) {
                throw new IOException(
                        address + " is no PCI device to VFIO (flags 0x" + Integer.toHexString(found) + ")");
            }
            return found;
        }
    }

    @Override
    public String name() {
        return address;
    }

    /** Addresses at which the device can see memory, for the one allocator of IOVAs. */
    public List<IovaAllocator.Range> usableIovas() {
        return iommu.usableIovas();
    }

    /** How many more pieces of memory can be mapped for DMA; {@link Long#MAX_VALUE} where the kernel does not say. */
    public synchronized long availableMappings() throws IOException {
        requireOpen();
        return iommu.availableMappings();
    }

    // ---- configuration space

    @Override
    public synchronized int readConfig(int offset, int bytes) throws IOException {
        requireOpen();
        return (int) readAt(configOffset + offset, bytes);
    }

    @Override
    public synchronized void writeConfig(int offset, int bytes, int value) throws IOException {
        requireOpen();
        writeAt(configOffset + offset, bytes, value);
    }

    private long readAt(long fileOffset, int width) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            long at = arena.allocate(Long.BYTES, Long.BYTES).address();
            check("reading", fileOffset, width, kernel.pread(device, at, width, fileOffset));
            return Memory.getLong(at);
        }
    }

    private void writeAt(long fileOffset, int width, long value) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            long at = arena.allocate(Long.BYTES, Long.BYTES).address();
            Memory.putLong(at, value);
            check("writing", fileOffset, width, kernel.pwrite(device, at, width, fileOffset));
        }
    }

    private void check(String what, long fileOffset, int width, long done) throws IOException {
        if (done != width) {
            throw new IOException(what + " " + width + " bytes of " + address + " at offset 0x"
                    + Long.toHexString(fileOffset) + " of its file: only " + done + " were done");
        }
    }

    private void requireOpen() throws IOException {
        if (closed) {
            throw new IOException(address + " is closed");
        }
    }

    // ---- BARs

    @Override
    public synchronized Bar openBar(int index) throws IOException {
        requireOpen();
        if (index < Region.BAR0 || index > Region.BAR5) {
            throw new IllegalArgumentException("BARs are 0 to 5, not " + index);
        }
        BarMaps.RegionInfo region = BarMaps.ask(kernel, device, index);
        if (region.bytes() == 0) {
            throw new IOException(address + " has no BAR " + index);
        }
        List<BarMaps.Area> areas = BarMaps.areas(region, index, msix());
        List<MappedBar.Piece> pieces = BarMaps.map(kernel, device, region, areas);
        MappedBar bar = new MappedBar("BAR " + index + " of " + address, region.bytes(), pieces, byFile(region));
        bars.add(bar);
        return bar;
    }

    private MsixCapability msix() throws IOException {
        ConfigReader reader = (offset, bytes) -> {
            try {
                return (int) readAt(configOffset + offset, bytes);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        };
        try {
            return MsixCapability.of(reader);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private MappedBar.Fallback byFile(BarMaps.RegionInfo region) {
        return new MappedBar.Fallback() {
            @Override
            public long read(long offset, int width) throws IOException {
                synchronized (VfioDevice.this) {
                    requireOpen();
                    return readAt(region.fileOffset() + offset, width);
                }
            }

            @Override
            public void write(long offset, int width, long value) throws IOException {
                synchronized (VfioDevice.this) {
                    requireOpen();
                    writeAt(region.fileOffset() + offset, width, value);
                }
            }
        };
    }

    // ---- interrupts

    @Override
    public synchronized int interruptCount(InterruptKind kind) throws IOException {
        requireOpen();
        return interrupts.count(kind);
    }

    @Override
    public synchronized void setInterruptTargets(InterruptKind kind, int start, List<EventFd> targets)
            throws IOException {
        requireOpen();
        interrupts.set(kind, start, targets);
    }

    @Override
    public synchronized void disableInterrupts(InterruptKind kind) throws IOException {
        requireOpen();
        interrupts.disable(kind);
    }

    @Override
    public synchronized void unmaskInterrupts(InterruptKind kind, int start, int count) throws IOException {
        requireOpen();
        interrupts.unmask(kind, start, count);
    }

    // ---- DMA

    @Override
    public synchronized void mapDma(Fd memory, long offset, long bytes, long iova, int access) throws IOException {
        Mapping mapping = map(memory, offset, bytes, iova, access);
        try {
            iommu.map(mapping.address() + (offset & (FileStatus.of(memory).pageSize() - 1)), bytes, iova, access);
        } catch (IOException | RuntimeException | Error e) {
            kernel.unmap(mapping);
            throw e;
        }
        maps.put(iova, new DmaMapping(mapping, bytes));
    }

    /** The pages are locked by the IOMMU's own mapping; this one lets this process take it away as any other. */
    @Override
    public synchronized void adoptDma(Fd memory, long offset, long bytes, long iova, int access) throws IOException {
        maps.put(iova, new DmaMapping(map(memory, offset, bytes, iova, access), bytes));
    }

    private Mapping map(Fd memory, long offset, long bytes, long iova, int access) throws IOException {
        requireOpen();
        if (maps.containsKey(iova)) {
            throw new IOException("IOVA 0x" + Long.toHexString(iova) + " of " + address + " is mapped already");
        }
        // A piece of a file on hugepages may begin inside a page; mmap takes whole ones.
        long page = FileStatus.of(memory).pageSize();
        long from = offset & -page;
        long to = (offset + bytes + page - 1) & -page;
        int protection = Mapping.PROT_READ | ((access & Translator.WRITE) == 0 ? 0 : Mapping.PROT_WRITE);
        return kernel.map(memory, from, to - from, protection);
    }

    @Override
    public synchronized void unmapDma(long iova, long bytes) throws IOException {
        requireOpen();
        DmaMapping mapped = maps.get(iova);
        if (mapped == null || mapped.bytes() != bytes) {
            throw new IOException(bytes + " bytes at IOVA 0x" + Long.toHexString(iova) + " of " + address
                    + " were not mapped as one piece");
        }
        iommu.unmap(iova, bytes);
        maps.remove(iova);
        kernel.unmap(mapped.memory());
    }

    @Override
    public synchronized void dropDma(long iova, long bytes) throws IOException {
        requireOpen();
        iommu.clear(iova, bytes);
    }

    // ---- reset, close

    @Override
    public boolean canReset() {
        return (flags & Vfio.DEVICE_FLAGS_RESET) != 0;
    }

    @Override
    public synchronized void reset() throws IOException {
        requireOpen();
        if (!canReset()) {
            throw new IOException(address + " cannot be reset by itself: it has neither a function level reset nor a"
                    + " slot of its own");
        }
        kernel.ioctl(device, "VFIO_DEVICE_RESET", Vfio.DEVICE_RESET, 0);
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        stopDma();
        closed = true;
        bars.forEach(MappedBar::close);
        kernel.close(device);
        interrupts.close();
        iommu.close();
        maps.values().forEach(mapped -> kernel.unmap(mapped.memory()));
        maps.clear();
    }

    private void stopDma() {
        try {
            int command = readConfig(PciHeader.COMMAND, Short.BYTES);
            writeConfig(PciHeader.COMMAND, Short.BYTES, command & ~PciHeader.COMMAND_BUS_MASTER);
        } catch (IOException gone) {
            // A device that is gone does no DMA; any other loses all memory with the IOMMU, which is next.
        }
    }
}

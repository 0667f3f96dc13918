package io.sluice.vfio;

import io.sluice.dma.IovaAllocator;
import io.sluice.linux.Errno;
import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.uapi.Vfio;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The IOMMU by VFIO's type 1 interface, version 2: a container with one group in it.
 *
 * <pre>
 *   open container ─▶ API version ─▶ type 1 v2? ─▶ open group ─▶ viable? ─▶ join ─▶ set IOMMU ─▶ ask for its limits
 *                                                                                   any step fails: undo those before it
 * </pre>
 *
 * <p>What is mapped is locked in RAM and counted against RLIMIT_MEMLOCK.
 */
final class Type1 implements Iommu {
    /** Where a kernel before 5.4 lists no ranges: 39 bits are what the smallest of IOMMUs translates. */
    private static final long OLD_KERNELS_LAST_IOVA = (1L << 39) - 1;

    /** Interrupts go there on x86; the IOMMU never translates it. */
    private static final IovaAllocator.Range MSI_WINDOW = new IovaAllocator.Range(0xfee0_0000L, 0xfeef_ffffL);

    private static final long ASSUMED_PAGE_SIZES = Memory.PAGE_BYTES;

    private static final String NO_REMAPPING =
            "The commonest reason is that this host's IOMMU does not remap interrupts (dmesg says so then), so that a device"
                    + " could forge any: switch interrupt remapping on in the firmware's set-up (VT-d with x2APIC; AMD-Vi)."
                    + " Where that cannot be, and whoever drives the device is trusted like root: modprobe vfio_iommu_type1"
                    + " && echo 1 > /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";

    private final Kernel kernel;
    private final String device;
    private final IommuGroup members;
    private final Fd container;
    private Fd group;
    private List<IovaAllocator.Range> ranges = List.of();
    private long pageSizes;

    private Type1(Kernel kernel, String device, IommuGroup members, Fd container) {
        this.kernel = kernel;
        this.device = device;
        this.members = members;
        this.container = container;
    }

    /**
     * Puts a group into a container of its own.
     *
     * @param dev where device files are
     * @param device whose group it is, for messages
     * @throws IOException with what to do; nothing is left open
     */
    static Type1 open(Kernel kernel, Path dev, IommuGroup members, String device) throws IOException {
        Path file = dev.resolve("vfio/vfio");
        Type1 iommu = new Type1(kernel, device, members, open(kernel, file, "load VFIO: modprobe vfio-pci"));
        try {
            iommu.checkInterface();
            iommu.join(dev.resolve("vfio/" + members.number()));
            iommu.readInfo();
            return iommu;
        } catch (IOException | RuntimeException | Error e) {
            iommu.close();
            throw e;
        }
    }

    private static Fd open(Kernel kernel, Path file, String whenAbsent) throws IOException {
        try {
            return kernel.open(file);
        } catch (LinuxException e) {
            String advice = switch (e.errno()) {
                case Errno.ENOENT, Errno.ENODEV -> ". It is not there: " + whenAbsent;
                case Errno.EACCES, Errno.EPERM -> ". Run this as root, or give yourself the file: chown $USER " + file;
                case Errno.EBUSY -> ". Another process drives a device of this group: find it by `fuser " + file + "`";
                default -> "";
            };
            throw new IOException(e.getMessage() + advice, e);
        }
    }

    private void checkInterface() throws IOException {
        int version = kernel.ioctl(container, "VFIO_GET_API_VERSION", Vfio.GET_API_VERSION, 0);
        if (version != Vfio.API_VERSION) {
            throw new IOException(
                    "this kernel's VFIO has the interface " + version + "; Sluice knows " + Vfio.API_VERSION + " only");
        }
        if (kernel.ioctl(container, "VFIO_CHECK_EXTENSION", Vfio.CHECK_EXTENSION, Vfio.TYPE1V2_IOMMU) == 0) {
            throw new IOException("VFIO has no driver for this host's IOMMU (type 1 v2): load it by"
                    + " `modprobe vfio_iommu_type1`, and see that the kernel's command line switches the IOMMU on");
        }
    }

    private void join(Path file) throws IOException {
        group = open(kernel, file, "vfio-pci has no device of group " + members.number() + " any more");
        try (Struct status = new Struct(Vfio.GroupStatus.BYTES)) {
            kernel.ioctl(group, "VFIO_GROUP_GET_STATUS", Vfio.GROUP_GET_STATUS, status.address());
            if ((status.getInt(Vfio.GroupStatus.FLAGS) & Vfio.GROUP_FLAGS_VIABLE) == 0) {
                throw new IOException("VFIO does not give " + device + " away (IOMMU group " + members.number()
                        + " is not viable): " + members.spoilers());
            }
        }
        try (Arena arena = Arena.ofConfined()) {
            long descriptor = arena.allocate(Integer.BYTES, Integer.BYTES).address();
            Memory.putInt(descriptor, container.number());
            kernel.ioctl(group, "VFIO_GROUP_SET_CONTAINER", Vfio.GROUP_SET_CONTAINER, descriptor);
        } catch (LinuxException e) {
            throw notGivenAway(e);
        }
        setIommu();
    }

    private void setIommu() throws IOException {
        try {
            kernel.ioctl(container, "VFIO_SET_IOMMU", Vfio.SET_IOMMU, Vfio.TYPE1V2_IOMMU);
        } catch (LinuxException e) {
            throw e.errno() == Errno.EPERM ? new IOException(e.getMessage() + ". " + NO_REMAPPING, e) : e;
        }
    }

    /** The kernel knows by now that the group is not free, and does not say why. */
    private IOException notGivenAway(LinuxException e) {
        boolean taken = e.errno() == Errno.EPERM || e.errno() == Errno.EBUSY;
        return taken
                ? new IOException(
                        "VFIO does not give " + device + " away (IOMMU group " + members.number() + "): "
                                + e.getMessage() + ". Either another process drives a device of that group (find it by"
                                + " `fuser /dev/vfio/" + members.number() + "`), or " + members.spoilers(),
                        e)
                : e;
    }

    private Struct info() throws LinuxException {
        return Struct.ask(
                kernel, container, "VFIO_IOMMU_GET_INFO", Vfio.IOMMU_GET_INFO, Vfio.IommuType1Info.BYTES, -1, 0);
    }

    private void readInfo() throws IOException {
        try (Struct info = info()) {
            boolean known = (info.getInt(Vfio.IommuType1Info.FLAGS) & Vfio.IOMMU_INFO_PGSIZES) != 0;
            pageSizes = known ? info.getLong(Vfio.IommuType1Info.IOVA_PGSIZES) : ASSUMED_PAGE_SIZES;
            ranges = ranges(info);
        }
        long smallest = Long.lowestOneBit(pageSizes);
        if (smallest != Memory.PAGE_BYTES) {
            throw new IOException("the IOMMU over " + device + " has pages of at least " + smallest
                    + " bytes; Sluice maps pages of " + Memory.PAGE_BYTES);
        }
    }

    private static int capability(Struct info, int id) {
        boolean any = (info.getInt(Vfio.IommuType1Info.FLAGS) & Vfio.IOMMU_INFO_CAPS) != 0;
        return !any
                ? 0
                : info.capability(
                        Vfio.IommuType1Info.CAP_OFFSET,
                        Vfio.InfoCapHeader.ID,
                        Vfio.InfoCapHeader.NEXT,
                        Vfio.InfoCapHeader.BYTES,
                        id);
    }

    private static List<IovaAllocator.Range> ranges(Struct info) throws IOException {
        int at = capability(info, Vfio.IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
        if (at == 0) {
            return List.of(
                    new IovaAllocator.Range(0, MSI_WINDOW.first() - 1),
                    new IovaAllocator.Range(MSI_WINDOW.last() + 1, OLD_KERNELS_LAST_IOVA));
        }
        int first = at + Vfio.IommuType1InfoCapIovaRange.IOVA_RANGES;
        boolean whole = info.holds(at, Vfio.IommuType1InfoCapIovaRange.IOVA_RANGES);
        long count = whole ? Integer.toUnsignedLong(info.getInt(at + Vfio.IommuType1InfoCapIovaRange.NR_IOVAS)) : 0;
        if (count == 0 || !info.holds(first, count * Vfio.IovaRange.BYTES)) {
            throw new IOException("the kernel lists " + count + " ranges of DMA addresses, and not where they are");
        }
        List<IovaAllocator.Range> ranges = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int range = first + i * Vfio.IovaRange.BYTES;
            ranges.add(new IovaAllocator.Range(
                    info.getLong(range + Vfio.IovaRange.START), info.getLong(range + Vfio.IovaRange.END)));
        }
        return List.copyOf(ranges);
    }

    @Override
    public Fd openDevice(String address) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            long name = arena.allocateFrom(address).address();
            return Fd.adopt(kernel.ioctl(group, "VFIO_GROUP_GET_DEVICE_FD", Vfio.GROUP_GET_DEVICE_FD, name));
        } catch (LinuxException e) {
            throw notGivenAway(e);
        }
    }

    @Override
    public List<IovaAllocator.Range> usableIovas() {
        return ranges;
    }

    @Override
    public long pageSizes() {
        return pageSizes;
    }

    @Override
    public long availableMappings() throws IOException {
        try (Struct info = info()) {
            int at = capability(info, Vfio.IOMMU_TYPE1_INFO_DMA_AVAIL);
            return at == 0
                    ? Long.MAX_VALUE
                    : Integer.toUnsignedLong(info.getInt(at + Vfio.IommuType1InfoDmaAvail.AVAIL));
        }
    }

    @Override
    public void map(long hva, long bytes, long iova, int access) throws IOException {
        int flags = ((access & Translator.READ) == 0 ? 0 : Vfio.DMA_MAP_FLAG_READ)
                | ((access & Translator.WRITE) == 0 ? 0 : Vfio.DMA_MAP_FLAG_WRITE);
        try (Struct map = new Struct(Vfio.IommuType1DmaMap.BYTES)) {
            map.putInt(Vfio.IommuType1DmaMap.FLAGS, flags)
                    .putLong(Vfio.IommuType1DmaMap.VADDR, hva)
                    .putLong(Vfio.IommuType1DmaMap.IOVA, iova)
                    .putLong(Vfio.IommuType1DmaMap.SIZE, bytes);
            kernel.ioctl(container, "VFIO_IOMMU_MAP_DMA", Vfio.IOMMU_MAP_DMA, map.address());
        } catch (LinuxException e) {
            throw new IOException(
                    "cannot let " + device + " reach " + bytes + " bytes at IOVA 0x" + Long.toHexString(iova) + ": "
                            + e.getMessage() + adviceFor(e.errno(), bytes),
                    e);
        }
    }

    private String adviceFor(int errno, long bytes) {
        return switch (errno) {
            case Errno.ENOMEM -> ". " + kernel.lockedMemory().whenRefused(bytes);
            case Errno.ENOSPC ->
                ". The container has no mapping left. Raise the limit for those that are opened from then on: echo 1000000 >"
                        + " /sys/module/vfio_iommu_type1/parameters/dma_entry_limit";
            case Errno.EEXIST -> ". The address is mapped already";
            default -> "";
        };
    }

    @Override
    public void unmap(long iova, long bytes) throws IOException {
        long done = take(iova, bytes);
        if (done != bytes) {
            throw new IOException("the IOMMU took " + done + " bytes away from " + device + " at IOVA 0x"
                    + Long.toHexString(iova) + ", not the " + bytes + " that were asked for");
        }
    }

    @Override
    public void clear(long iova, long bytes) throws IOException {
        take(iova, bytes);
    }

    /** Returns how many bytes were mapped. */
    private long take(long iova, long bytes) throws IOException {
        try (Struct unmap = new Struct(Vfio.IommuType1DmaUnmap.BYTES)) {
            unmap.putLong(Vfio.IommuType1DmaUnmap.IOVA, iova).putLong(Vfio.IommuType1DmaUnmap.SIZE, bytes);
            kernel.ioctl(container, "VFIO_IOMMU_UNMAP_DMA", Vfio.IOMMU_UNMAP_DMA, unmap.address());
            return unmap.getLong(Vfio.IommuType1DmaUnmap.SIZE);
        }
    }

    /** The last descriptor of a container takes all its mappings with it. */
    @Override
    public void close() {
        if (group != null) {
            kernel.close(group);
        }
        kernel.close(container);
    }
}

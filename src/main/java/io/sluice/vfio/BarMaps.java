package io.sluice.vfio;

import io.sluice.device.MappedBar.Piece;
import io.sluice.linux.Errno;
import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.pci.MsixCapability;
import io.sluice.pci.MsixTable;
import io.sluice.uapi.Vfio;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Which parts of a BAR are mapped. VFIO says so for some devices (sparse mmap); else it is all of it, but for the pages of
 * the MSI-X table where the kernel keeps them for itself.
 *
 * <pre>
 *   BAR 0 of QEMU's NVMe:   | registers | doorbells |  MSI-X table, pending bits  |
 *                           |◀──── mapped ─────────▶|   by pread and pwrite       |
 * </pre>
 */
final class BarMaps {
    /**
     * A region as the kernel describes it.
     *
     * @param bytes 0 where the device has no such region
     * @param fileOffset where it begins in the device's file
     * @param listed whether the kernel lists the areas that can be mapped; it may list none
     * @param sparse those areas
     */
    record RegionInfo(int flags, long bytes, long fileOffset, boolean listed, List<Area> sparse, boolean msixMappable) {
        boolean mappable() {
            return (flags & Vfio.REGION_INFO_FLAG_MMAP) != 0;
        }
    }

    /** Part of a region, in bytes from its start. */
    record Area(long offset, long bytes) {}

    private BarMaps() {}

    static RegionInfo ask(Kernel kernel, Fd device, int index) throws LinuxException {
        try (Struct info = Struct.ask(
                kernel,
                device,
                "VFIO_DEVICE_GET_REGION_INFO",
                Vfio.DEVICE_GET_REGION_INFO,
                Vfio.RegionInfo.BYTES,
                Vfio.RegionInfo.INDEX,
                index)) {
            int flags = info.getInt(Vfio.RegionInfo.FLAGS);
            int listed = capability(info, flags, Vfio.REGION_INFO_CAP_SPARSE_MMAP);
            return new RegionInfo(
                    flags,
                    info.getLong(Vfio.RegionInfo.SIZE),
                    info.getLong(Vfio.RegionInfo.OFFSET),
                    // Capabilities that were announced and are not there may have had such a list.
                    listed != 0 || info.isCutShort(),
                    listed == 0 ? List.of() : sparse(info, listed),
                    capability(info, flags, Vfio.REGION_INFO_CAP_MSIX_MAPPABLE) != 0);
        }
    }

    private static int capability(Struct info, int flags, int id) {
        return (flags & Vfio.REGION_INFO_FLAG_CAPS) == 0
                ? 0
                : info.capability(
                        Vfio.RegionInfo.CAP_OFFSET,
                        Vfio.InfoCapHeader.ID,
                        Vfio.InfoCapHeader.NEXT,
                        Vfio.InfoCapHeader.BYTES,
                        id);
    }

    /** None where the list is longer than the answer: nothing is mapped then, and all goes by the file. */
    private static List<Area> sparse(Struct info, int at) {
        if (!info.holds(at, Vfio.RegionInfoCapSparseMmap.AREAS)) {
            return List.of();
        }
        long count = Integer.toUnsignedLong(info.getInt(at + Vfio.RegionInfoCapSparseMmap.NR_AREAS));
        int first = at + Vfio.RegionInfoCapSparseMmap.AREAS;
        if (!info.holds(first, count * Vfio.RegionSparseMmapArea.BYTES)) {
            return List.of();
        }
        List<Area> areas = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int area = first + i * Vfio.RegionSparseMmapArea.BYTES;
            areas.add(new Area(
                    info.getLong(area + Vfio.RegionSparseMmapArea.OFFSET),
                    info.getLong(area + Vfio.RegionSparseMmapArea.SIZE)));
        }
        return areas;
    }

    /** What to map of a BAR, whole pages. */
    static List<Area> areas(RegionInfo region, int bar, MsixCapability msix) {
        if (!region.mappable() || region.bytes() < Memory.PAGE_BYTES) {
            return List.of();
        }
        if (region.listed()) {
            return region.sparse().stream()
                    .filter(area -> isInside(area, region.bytes()))
                    .toList();
        }
        long end = region.bytes() & -Memory.PAGE_BYTES;
        if (msix == null || msix.tableBar() != bar || region.msixMappable()) {
            return List.of(new Area(0, end));
        }
        long tableEnd = msix.tableOffset() + (long) msix.vectors() * MsixTable.ENTRY_BYTES;
        long before = Math.min(end, msix.tableOffset() & -Memory.PAGE_BYTES);
        long after = Math.min(end, (tableEnd + Memory.PAGE_BYTES - 1) & -Memory.PAGE_BYTES);
        return List.of(new Area(0, before), new Area(after, end - after)).stream()
                .filter(area -> area.bytes() > 0)
                .toList();
    }

    private static boolean isInside(Area area, long bytes) {
        return area.bytes() > 0
                && area.offset() >= 0
                && area.offset() % Memory.PAGE_BYTES == 0
                && area.offset() <= bytes - area.bytes();
    }

    /** Maps areas of a region; all of them, or none. One that the kernel does not map after all goes by the file. */
    static List<Piece> map(Kernel kernel, Fd device, RegionInfo region, List<Area> areas) throws IOException {
        List<Piece> pieces = new ArrayList<>();
        try {
            for (Area area : areas) {
                map(kernel, device, region, area).ifPresent(pieces::add);
            }
            return pieces;
        } catch (IOException | RuntimeException | Error e) {
            pieces.forEach(piece -> kernel.unmap(piece.mapping()));
            throw e;
        }
    }

    private static Optional<Piece> map(Kernel kernel, Fd device, RegionInfo region, Area area) throws IOException {
        int protection = Mapping.PROT_READ + Mapping.PROT_WRITE;
        try {
            Mapping mapping = kernel.map(device, region.fileOffset() + area.offset(), area.bytes(), protection);
            return Optional.of(new Piece(area.offset(), mapping));
        } catch (LinuxException e) {
            if (e.errno()
                    == Errno.EINVAL) { // kernels before 4.16 say that the MSI-X table's page can be mapped, and it
                // cannot
                return Optional.empty();
            }
            throw e;
        }
    }
}

package io.sluice.vfio;

import io.sluice.device.MappedBar.Piece;
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
     */
    record RegionInfo(int flags, long bytes, long fileOffset, List<Area> sparse, boolean msixMappable) {
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
            return new RegionInfo(
                    flags,
                    info.getLong(Vfio.RegionInfo.SIZE),
                    info.getLong(Vfio.RegionInfo.OFFSET),
                    sparse(info, flags),
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

    private static List<Area> sparse(Struct info, int flags) {
        int at = capability(info, flags, Vfio.REGION_INFO_CAP_SPARSE_MMAP);
        List<Area> areas = new ArrayList<>();
        if (at != 0) {
            int count = info.getInt(at + Vfio.RegionInfoCapSparseMmap.NR_AREAS);
            for (int i = 0; i < count; i++) {
                int area = at + Vfio.RegionInfoCapSparseMmap.AREAS + i * Vfio.RegionSparseMmapArea.BYTES;
                areas.add(new Area(
                        info.getLong(area + Vfio.RegionSparseMmapArea.OFFSET),
                        info.getLong(area + Vfio.RegionSparseMmapArea.SIZE)));
            }
        }
        return areas;
    }

    /** What to map of a BAR, whole pages. */
    static List<Area> areas(RegionInfo region, int bar, MsixCapability msix) {
        if (!region.mappable() || region.bytes() < Memory.PAGE_BYTES) {
            return List.of();
        }
        if (!region.sparse().isEmpty()) {
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

    /** Maps areas of a region; all of them, or none. */
    static List<Piece> map(Kernel kernel, Fd device, RegionInfo region, List<Area> areas) throws IOException {
        List<Piece> pieces = new ArrayList<>();
        try {
            for (Area area : areas) {
                int protection = Mapping.PROT_READ + Mapping.PROT_WRITE;
                Mapping mapping = kernel.map(device, region.fileOffset() + area.offset(), area.bytes(), protection);
                pieces.add(new Piece(area.offset(), mapping));
            }
            return pieces;
        } catch (IOException | RuntimeException | Error e) {
            pieces.forEach(piece -> kernel.unmap(piece.mapping()));
            throw e;
        }
    }
}

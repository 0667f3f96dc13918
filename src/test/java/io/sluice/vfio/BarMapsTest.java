package io.sluice.vfio;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.pci.MsixCapability;
import io.sluice.uapi.Vfio;
import io.sluice.vfio.BarMaps.Area;
import io.sluice.vfio.BarMaps.RegionInfo;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which parts of a BAR are mapped. */
class BarMapsTest {
    private static final int MMAP = Vfio.REGION_INFO_FLAG_MMAP;

    private static RegionInfo region(int flags, long bytes, boolean msixMappable, Area... sparse) {
        return new RegionInfo(flags, bytes, 0, List.of(sparse), msixMappable);
    }

    private static MsixCapability table(int bar, long offset, int vectors) {
        return new MsixCapability(0x40, vectors, false, false, bar, offset, bar, offset + 0x1000);
    }

    @Test
    void shouldMapAllWhenThereIsNoTableInTheBar() {
        assertEquals(List.of(new Area(0, 0x4000)), BarMaps.areas(region(MMAP, 0x4000, false), 0, null));
        assertEquals(List.of(new Area(0, 0x4000)), BarMaps.areas(region(MMAP, 0x4000, false), 0, table(4, 0x2000, 65)));
    }

    @Test
    void shouldMapAroundTheTablesPages() {
        assertEquals(
                List.of(new Area(0, 0x2000), new Area(0x3000, 0x1000)),
                BarMaps.areas(region(MMAP, 0x4000, false), 0, table(0, 0x2000, 65)));
        assertEquals(
                List.of(new Area(0, 0x2000), new Area(0x4000, 0x4000)),
                BarMaps.areas(region(MMAP, 0x8000, false), 0, table(0, 0x2800, 256)),
                "a table over two pages");
        assertEquals(List.of(new Area(0x1000, 0x3000)), BarMaps.areas(region(MMAP, 0x4000, false), 0, table(0, 0, 2)));
        assertEquals(List.of(new Area(0, 0x3000)), BarMaps.areas(region(MMAP, 0x4000, false), 0, table(0, 0x3000, 2)));
    }

    @Test
    void shouldMapTheTableTooWhereTheKernelAllowsIt() {
        assertEquals(List.of(new Area(0, 0x4000)), BarMaps.areas(region(MMAP, 0x4000, true), 0, table(0, 0x2000, 65)));
    }

    @Test
    void shouldMapOnlyWhatTheKernelListsAndWhatCanBe() {
        RegionInfo region = region(
                MMAP,
                0x4000,
                false,
                new Area(0x1000, 0x1000),
                new Area(0x3000, 0x2000),
                new Area(0x800, 0x1000),
                new Area(-0x1000, 0x1000),
                new Area(0, 0),
                new Area(0x1000, Long.MAX_VALUE));

        assertEquals(List.of(new Area(0x1000, 0x1000)), BarMaps.areas(region, 0, null));
    }

    @Test
    void shouldMapNothingWhenTheKernelDoesNotAllowIt() {
        assertEquals(List.of(), BarMaps.areas(region(0, 0x4000, false), 0, null));
        assertEquals(List.of(), BarMaps.areas(region(MMAP, 0x100, false), 0, null), "less than a page");
    }

    @Test
    void shouldNotOverflowWhenATableIsOutsideOfItsBar() {
        assertEquals(
                List.of(new Area(0, 0x4000)),
                BarMaps.areas(region(MMAP, 0x4000, false), 0, table(0, 0xffff_fff8L, 2048)));
    }
}

package io.sluice.vfio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Errno;
import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.pci.MsixCapability;
import io.sluice.uapi.Vfio;
import io.sluice.vfio.BarMaps.Area;
import io.sluice.vfio.BarMaps.RegionInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which parts of a BAR are mapped. */
class BarMapsTest {
    private static final int MMAP = Vfio.REGION_INFO_FLAG_MMAP;

    private static RegionInfo region(int flags, long bytes, boolean msixMappable, Area... sparse) {
        return new RegionInfo(flags, bytes, 0, sparse.length > 0, List.of(sparse), msixMappable);
    }

    /** What becomes of the capabilities that the kernel answers with, for BAR 0 of 16 KiB. */
    private static RegionInfo asked(byte[]... capabilities) throws Exception {
        FakeKernel kernel = new FakeKernel();
        ByteBuffer all = ByteBuffer.allocate(
                Arrays.stream(capabilities).mapToInt(each -> each.length).sum());
        Arrays.stream(capabilities).forEach(all::put);
        kernel.barCapabilities = all.array();
        Fd device = kernel.open(Path.of("device"));
        try {
            return BarMaps.ask(kernel, device, Vfio.PCI_BAR0_REGION_INDEX);
        } finally {
            device.close();
        }
    }

    /** A capability's header, struct vfio_info_cap_header, and what follows. */
    private static byte[] capability(int id, int next, long... longs) {
        ByteBuffer bytes = ByteBuffer.allocate(8 + longs.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putShort((short) id).putShort((short) 1).putInt(next);
        Arrays.stream(longs).forEach(bytes::putLong);
        return bytes.array();
    }

    /** struct vfio_region_info_cap_sparse_mmap: the number of areas, then offset and size of each. */
    private static byte[] sparse(int next, int count, long... areas) {
        long[] longs = new long[areas.length + 1];
        longs[0] = Integer.toUnsignedLong(count);
        System.arraycopy(areas, 0, longs, 1, areas.length);
        return capability(Vfio.REGION_INFO_CAP_SPARSE_MMAP, next, longs);
    }

    @Test
    void shouldTakeAllWithoutCapabilities() throws Exception {
        assertEquals(List.of(new Area(0, 0x4000)), BarMaps.areas(asked(), 0, null));
    }

    @Test
    void shouldReadTheAreasAndTheTableThatTheKernelLists() throws Exception {
        byte[] table = capability(Vfio.REGION_INFO_CAP_MSIX_MAPPABLE, Vfio.RegionInfo.BYTES + 8);
        RegionInfo region = asked(table, sparse(0, 2, 0, 0x1000, 0x3000, 0x1000));

        assertTrue(region.msixMappable());
        assertEquals(
                List.of(new Area(0, 0x1000), new Area(0x3000, 0x1000)), BarMaps.areas(region, 0, table(0, 0x2000, 8)));
        assertFalse(asked(sparse(0, 1, 0, 0x1000)).msixMappable());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 0x1000_0000, Integer.MAX_VALUE, -1, Integer.MIN_VALUE})
    void shouldMapNothingWhenTheListCannotBe(int count) throws Exception {
        RegionInfo region = asked(sparse(0, count, 0, 0x1000, 0x3000, 0x1000));

        assertEquals(List.of(), BarMaps.areas(region, 0, null));
    }

    @Test
    void shouldMapNothingWhenTheListEndsBeforeItsNumber() throws Exception {
        RegionInfo region = asked(capability(Vfio.REGION_INFO_CAP_SPARSE_MMAP, 0));
        assertEquals(List.of(), BarMaps.areas(region, 0, null));
    }

    @ParameterizedTest
    @ValueSource(ints = {Vfio.RegionInfo.BYTES, Vfio.RegionInfo.BYTES + 1, 1 << 20, -8})
    void shouldEndWhenTheChainLoopsOrLeavesTheAnswer(int next) throws Exception {
        RegionInfo region = asked(capability(77, next, 1));

        assertEquals(List.of(new Area(0, 0x4000)), BarMaps.areas(region, 0, null));
    }

    @Test
    void shouldMapNothingWhenTheAnswerIsTooLongToBeRead() throws Exception {
        RegionInfo region = asked(new byte[1 << 20]);
        assertEquals(List.of(), BarMaps.areas(region, 0, null), "there may have been a list in it");
    }

    @Test
    void shouldGoByTheFileWhereTheKernelDoesNotMapAfterAll() throws Exception {
        FakeKernel kernel = new FakeKernel();
        RegionInfo region = region(MMAP, 0x4000, false);
        Fd device = kernel.open(Path.of("device"));
        kernel.failures.put("mmap", Errno.EINVAL);
        assertEquals(List.of(), BarMaps.map(kernel, device, region, List.of(new Area(0, 0x4000))));
        kernel.failures.put("mmap", Errno.ENOMEM);
        assertThrows(LinuxException.class, () -> BarMaps.map(kernel, device, region, List.of(new Area(0, 0x4000))));
        device.close();
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

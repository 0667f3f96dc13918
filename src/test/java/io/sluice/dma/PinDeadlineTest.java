package io.sluice.dma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When the device loses memory, as seen from the readers and the client: before the answer, whatever a reader does. */
class PinDeadlineTest extends PinFixture {
    private DmaReader reader;

    @BeforeEach
    void mapAll() throws Exception {
        map(0, 8 * MIB, 0);
        map(1L << 32, 4 * MIB, 4 * MIB); // shares the pin
        map(1L << 33, 4 * MIB, 8 * MIB);
        reader = space.register("poller", () -> {});
        iommu.takeCalls();
    }

    /** Unmaps while the reader does not acknowledge. */
    private void unmapAtTheDeadline(long gpa, long bytes) throws Exception {
        passing = true;
        unmap(gpa, bytes);
        passing = false;
    }

    @Test
    void shouldUnpinOnlyWhenEveryReaderHasAcknowledged() throws Exception {
        reader.close();
        List<Integer> mapped = new ArrayList<>();
        DmaReader[] prompt = new DmaReader[1];
        prompt[0] = space.register("prompt", () -> {
            mapped.add(iommu.pieces());
            assertTrue(iova(1L << 33, READ) < 0, "out of the view before");
            prompt[0].acknowledge(prompt[0].current());
        });
        unmap(1L << 33, 4 * MIB);
        assertEquals(List.of(3), mapped);
        assertEquals(2, iommu.pieces());
        prompt[0].close();
    }

    @Test
    void shouldTakeThePinFromTheDeviceFirstWhenAReaderStalls() throws Exception {
        long iova = iova(1L << 33, READ);
        long hva = space.hostView().translate(1L << 33, 8, READ);
        unmapAtTheDeadline(1L << 33, 4 * MIB);
        assertTrue(reader.takeMissed());
        assertEquals(List.of("unmap 8388608+4194304"), iommu.takeCalls());
        file.assertPage(8 * MIB, hva);
        map(1L << 34, 4 * MIB, 8 * MIB);
        assertTrue(iova(1L << 34, READ) != iova, "a late command may still use the old address");
        unmapAtTheDeadline(1L << 34, 4 * MIB);
        reader.acknowledge(reader.current());
        map(1L << 34, 4 * MIB, 8 * MIB);
        assertEquals(iova, iova(1L << 34, READ), "free again");
        reader.close();
    }

    @Test
    void shouldPinAnewWhatSharedAPinWhenAReaderStalls() throws Exception {
        long old = iova(1L << 32, READ);
        unmapAtTheDeadline(0, 8 * MIB);
        await("pinned anew", () -> iova(1L << 32, READ) > 0);
        assertEquals(List.of("unmap 0+4194304", "unmap 4194304+4194304", "map 4194304+4194304 rw"), iommu.takeCalls());
        assertNotEquals(old, iova(1L << 32, READ));
        assertReached(1L << 32, 4 * MIB, RW);
        assertThrows(DmaRefused.class, this::assertNoIovaTaken);
        reader.close();
    }

    @Test
    void shouldTakeARegionAwayWhenItCannotBePinnedAnew() throws Exception {
        iommu.before = call -> {
            if (call.startsWith("map")) {
                throw new IOException("no more");
            }
        };
        unmapAtTheDeadline(0, 8 * MIB);
        await("taken away", () -> space.regionCount() == 1);
        assertTrue(errors().getFirst().contains("no more"), errors().toString());
        reader.close();
    }

    @Test
    void shouldTakeAllFromTheDeviceWhenTheSpaceIsClosedUnderAStalledReader() throws Exception {
        passing = true;
        AtomicLong left = new AtomicLong(-1);
        long hva = space.hostView().translate(0, 8, READ);
        iommu.before = call -> left.set(ProcSelf.mappings(NAME));
        space.close();
        assertEquals(0, iommu.pieces());
        assertTrue(left.get() > 0, "the device first, then the memory");
        assertEquals(0, ProcSelf.mappings(NAME));
        assertEquals(0, Memory.getLong(hva), "scratch");
        assertThrows(IllegalArgumentException.class, () -> iovas.free(0, PAGE));
        assertEquals(0, space.pins().entries());
        reader.close();
        await("given back", () -> space.backings().extents() == 0);
    }
}

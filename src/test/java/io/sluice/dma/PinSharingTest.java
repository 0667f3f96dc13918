package io.sluice.dma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Translator;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What is pinned for which region, and what shares it. */
class PinSharingTest extends PinFixture {
    @Test
    void shouldSayThatThereIsNoDeviceWhenThereIsNone() {
        try (DmaSpace alone = new DmaSpace("alone", DmaLimits.DEFAULT)) {
            String message =
                    assertThrows(IllegalStateException.class, alone::deviceView).getMessage();
            assertTrue(message.contains("alone"), message);
        }
    }

    @Test
    void shouldPinARegionInStepsThatEndAtMultiplesOfAStepInTheFile() throws Exception {
        map(1L << 40, 8 * MIB, 3 * MIB);

        assertEquals(
                List.of(
                        "map 3145728+1048576 rw", // up to 4 MiB
                        "map 4194304+4194304 rw",
                        "map 8388608+3145728 rw"),
                iommu.takeCalls());
        for (long at = 0; at < 8 * MIB; at += PAGE) {
            assertReached((1L << 40) + at, 3 * MIB + at, RW);
        }
        assertEquals(3 * MIB % (2 * MIB), iova(1L << 40, READ) % (2 * MIB), "large pages stay large pages");
        unmap(1L << 40, 8 * MIB);
        assertEquals(
                List.of("unmap 3145728+1048576", "unmap 4194304+4194304", "unmap 8388608+3145728"), iommu.takeCalls());
        assertEquals(Translator.NOT_MAPPED, iova(1L << 40, READ));
        assertNoIovaTaken();
    }

    @Test
    void shouldPinNothingAnewWhenFirmwareUnmapsAllAndMapsItAgainInPieces() throws Exception {
        map(0, FILE_BYTES, 0);
        long iova = iova(0, RW);
        iommu.takeCalls();
        Transaction pieces = space.begin();
        pieces.unmapAll();
        pieces.map(0, 0xa_0000, RW, file.give(), 0);
        pieces.map(0xa_0000, 0x2_0000, RW, null, 0);
        pieces.map(0xc_0000, 0x4_0000, RW, file.give(), 0xc_0000);
        pieces.map(MIB, FILE_BYTES - MIB, RW, file.give(), MIB);
        pieces.commit();

        assertEquals(List.of(), iommu.takeCalls());
        assertEquals(iova, iova(0, RW));
        assertEquals(Translator.NOT_LOCAL, iova(0xa_0000, READ));
        assertReached(0xc_0000, 0xc_0000, RW);
        assertReached(FILE_BYTES - PAGE, FILE_BYTES - PAGE, RW);

        Transaction whole = space.begin();
        whole.unmapAll();
        whole.map(0, FILE_BYTES, RW, file.give(), 0);
        whole.commit();
        List<String> calls = iommu.takeCalls();
        assertEquals(8, calls.size(), "the gap was in no region: all is pinned anew, in 4 steps");
        assertTrue(calls.get(3).startsWith("unmap") && calls.get(4).startsWith("map"), calls.toString());
        assertReached(0xa_0000, 0xa_0000, RW);
    }

    @Test
    void shouldPinAnewWhenARangeWasInNoRegionForAWhile() throws Exception {
        map(0, 8 * MIB, 0);
        map(1L << 32, 4 * MIB, 4 * MIB); // an alias: keeps the second half of the pin
        long old = iova(0, RW);
        unmap(0, 8 * MIB);
        // The client may have punched a hole into the first half: the pin holds what was there before.
        iommu.takeCalls();
        map(0, 4 * MIB, 0);
        assertEquals(List.of("map 0+4194304 rw"), iommu.takeCalls());
        assertNotEquals(old, iova(0, RW), "the old pin is still there, and not for this");
        assertReached(0, 0, RW);
        map(4 * MIB, 4 * MIB, 4 * MIB);
        assertEquals(List.of(), iommu.takeCalls(), "the second half was never without a region");
        assertEquals(old + 4 * MIB, iova(4 * MIB, RW));
        map(1L << 33, 8 * MIB, 0);
        assertEquals(2, iommu.takeCalls().size(), "both halves are pinned, but not by one pin");
        assertReached(1L << 33, 0, RW);
    }

    @Test
    void shouldKeepTheRestOfAPinSharedWhenOnlyAPartOfItGoes() throws Exception {
        Transaction two = space.begin();
        two.map(0, 8 * MIB, RW, file.give(), 0);
        two.map(1L << 32, 8 * MIB, RW, file.give(), 0);
        two.commit();
        assertEquals(2, iommu.takeCalls().size(), "one pin for both");
        Transaction pieces = space.begin();
        pieces.unmapAll();
        pieces.map(0, 2 * MIB, RW, file.give(), 0);
        pieces.map(6 * MIB, 2 * MIB, RW, file.give(), 6 * MIB);
        pieces.commit();
        map(1L << 32, MIB, MIB);
        map(1L << 33, MIB, 7 * MIB);
        assertEquals(List.of(), iommu.takeCalls());
        map(1L << 34, 2 * MIB, MIB);
        assertEquals(List.of("map 1048576+2097152 rw"), iommu.takeCalls(), "half of it was gone");
    }

    @Test
    void shouldGiveTheDeviceTheRightsOfTheRegionAndNoMore() throws Exception {
        map(0, MIB, READ, 0);
        map(MIB, MIB, RW, 0);
        map(2 * MIB, MIB, Translator.WRITE, 0);
        map(3 * MIB, MIB, 0, 0);
        map(4 * MIB, MIB, READ, 0);

        assertEquals(List.of("map 0+1048576 r", "map 0+1048576 rw", "map 0+1048576 w"), iommu.takeCalls());
        assertReached(0, 0, READ);
        assertReached(MIB, 0, RW);
        assertEquals(Translator.NO_ACCESS, iova(0, Translator.WRITE));
        assertEquals(Translator.NO_ACCESS, iova(2 * MIB, READ));
        assertEquals(Translator.NO_ACCESS, iova(3 * MIB, READ));
        assertEquals(iova(0, READ), iova(4 * MIB, READ));
    }

    @Test
    void shouldReachTheLastPageOfAllAddresses() throws Exception {
        map(-4 * MIB, 4 * MIB, 4 * MIB);
        assertReached(-PAGE, 8 * MIB - PAGE, RW);
        assertReached(-4 * MIB, 4 * MIB, RW);
        map(Long.MIN_VALUE, MIB, 0);
        assertReached(Long.MIN_VALUE, 0, RW);
    }

    @Test
    void shouldTellSpansThatAreNotContiguousForTheDevice() throws Exception {
        map(MIB, MIB, 8 * MIB);
        map(0, MIB, 0);
        assertEquals(
                Translator.SPLIT, space.deviceView().translate(MIB - PAGE, 2 * (int) PAGE, RW), "two pins, two places");
        Transaction again = space.begin();
        again.unmap(0, 2 * MIB);
        again.map(0, 2 * MIB, RW, file.give(), 0);
        again.commit();
        assertTrue(space.deviceView().translate(MIB - PAGE, 2 * (int) PAGE, RW) > 0);
    }

    @Test
    void shouldKeepPaceWithAVirtualIommuThatMapsTenThousandPages() throws Exception {
        Random random = new Random(1);
        List<Long> offsets = new ArrayList<>();
        for (int done = 0; done < 10_000; done += 250) {
            Transaction some = space.begin();
            for (int i = done; i < done + 250; i++) {
                offsets.add(random.nextInt((int) (FILE_BYTES / PAGE)) * PAGE);
                some.map(0xffff_0000_0000L + i * PAGE, PAGE, RW, file.give(), offsets.get(i));
            }
            some.commit();
        }
        for (int i = 0; i < 10_000; i++) {
            assertReached(0xffff_0000_0000L + i * PAGE, offsets.get(i), RW);
        }
        assertEquals(offsets.stream().distinct().count(), iommu.pieces(), "one for each page of the file");
        unmap(0xffff_0000_0000L, 5_000 * PAGE);
        assertEquals(offsets.subList(5_000, 10_000).stream().distinct().count(), iommu.pieces());
        assertEquals(iommu.pieces(), space.pins().entries());
        assertEquals(iommu.bytes(), space.pins().pinnedBytes());
    }
}

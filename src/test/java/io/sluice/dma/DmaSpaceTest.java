package io.sluice.dma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.linux.Errno;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.FileIo;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DmaSpaceTest {
    private static final int R = Translator.READ;
    private static final int W = Translator.WRITE;
    private static final int RW = R | W;
    private static final long PAGE = GuestFile.PAGE;
    private static final long MIB = GuestFile.MIB;
    private static final String NAME = "space-test";

    private GuestFile file;
    private DmaSpace space;
    private Translator view;

    @BeforeEach
    void open() throws Exception {
        file = GuestFile.create(NAME, 1, 16 * MIB);
        use(DmaLimits.DEFAULT);
    }

    private void use(DmaLimits limits) {
        space = new DmaSpace("guest", limits);
        view = space.hostView();
    }

    @AfterEach
    void nothingLeaks() throws Exception {
        space.close();
        file.close();
        assertEquals(0, ProcSelf.mappings(NAME), "mappings");
        assertEquals(0, ProcSelf.descriptors(NAME), "descriptors");
        assertEquals(0, space.backings().extents());
        assertEquals(0, space.backings().virtualBytes());
        assertEquals(0, space.backings().descriptors());
    }

    private void map(long gpa, long bytes, int access, long offset) throws Exception {
        Transaction transaction = space.begin();
        transaction.map(gpa, bytes, access, file.give(), offset);
        transaction.commit();
    }

    private long unmap(long gpa, long bytes) throws Exception {
        Transaction transaction = space.begin();
        long unmapped = transaction.unmap(gpa, bytes);
        transaction.commit();
        return unmapped;
    }

    private static void assertRefused(int errno, Executable change) {
        DmaRefused refused = assertThrows(DmaRefused.class, change);
        assertEquals(Errno.name(errno), Errno.name(refused.errno()), refused.getMessage());
        assertTrue(refused.getMessage().contains("(" + Errno.name(errno) + ")"), refused.getMessage());
    }

    @ParameterizedTest
    @ValueSource(
            longs = {
                0,
                0x1000,
                0xfebf5000L,
                (1L << 40) - 0x1000,
                0x2000_0000_0000L,
                0xffff_ffff_f000L,
                0x7fff_ffff_ffff_f000L,
                0x8000_0000_0000_0000L,
                -0x2000
            })
    void shouldTranslateWhenARegionIsAnywhereIn64Bits(long gpa) throws Exception {
        map(gpa, 2 * PAGE, RW, 5 * PAGE);
        file.assertPage(5 * PAGE, view.translate(gpa, 8, R));
        file.assertPage(6 * PAGE, view.translate(gpa + PAGE, 4096, RW));
        assertEquals(view.translate(gpa, 1, R) + 4095, view.translate(gpa + 4095, 1, W));
        assertEquals(view.translate(gpa, 1, R), view.translate(gpa, 2 * 4096, RW));
        assertEquals(Translator.NOT_MAPPED, view.translate(gpa + 2 * PAGE, 1, R));
        assertEquals(Translator.NOT_MAPPED, view.translate(gpa - 1, 1, R));
        assertEquals(Translator.NOT_MAPPED, view.translate(gpa + PAGE, 4097, R));
        assertEquals(2 * PAGE, unmap(gpa, 2 * PAGE));
        assertEquals(Translator.NOT_MAPPED, view.translate(gpa, 1, R));
    }

    @Test
    void shouldShowNothingWhenATransactionIsNotCommitted() throws Exception {
        Transaction transaction = space.begin();
        transaction.map(0, MIB, RW, file.give(), 0);
        assertEquals(Translator.NOT_MAPPED, view.translate(0, 1, R));
        transaction.commit();
        long hva = view.translate(0, 1, R);
        assertTrue(hva > 0);
        Transaction second = space.begin();
        second.unmap(0, MIB);
        assertEquals(hva, view.translate(0, 1, R));
        second.commit();
        assertEquals(Translator.NOT_MAPPED, view.translate(0, 1, R));
    }

    @Test
    void shouldMapTheFileOnceWhenManyRegionsAreInIt() throws Exception {
        Transaction transaction = space.begin();
        for (int i = 0; i < 1000; i++) {
            transaction.map(2L * i * PAGE, PAGE, RW, file.give(), i * PAGE);
        }
        transaction.commit();
        assertEquals(1, ProcSelf.mappings(NAME));
        assertEquals(2, ProcSelf.descriptors(NAME), "one of the test, one of the space");
        assertEquals(16 * MIB, space.backings().virtualBytes());
        for (int i = 0; i < 1000; i++) {
            file.assertPage(i * PAGE, view.translate(2L * i * PAGE, 4096, W));
        }
    }

    @Test
    void shouldKeepTheMappingWhenAllIsUnmappedAndMappedInPiecesAtOnce() throws Exception {
        map(0, 16 * MIB, RW, 0);
        long hva = view.translate(0, 1, R);
        Transaction transaction = space.begin();
        assertEquals(16 * MIB, transaction.unmapAll());
        transaction.map(0, 640 << 10, RW, file.give(), 0);
        transaction.map(MIB, 15 * MIB, R, file.give(), MIB);
        transaction.commit();
        assertEquals(hva, view.translate(0, 1, W));
        assertEquals(hva + 4 * MIB, view.translate(4 * MIB, 1, R));
        assertEquals(Translator.NO_ACCESS, view.translate(4 * MIB, 1, W));
        assertEquals(Translator.NOT_MAPPED, view.translate(640 << 10, 1, R));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 0x2000_0000_0000L, 0x1000})
    void shouldRefuseADirectionWhenTheRegionDoesNotAllowIt(long base) throws Exception {
        map(base, 4 * MIB, R, 0);
        map(base + 4 * MIB, 4 * MIB, W, 4 * MIB);
        map(base + 8 * MIB, 4 * MIB, 0, 8 * MIB);
        assertTrue(view.translate(base + 2 * MIB, 8, R) > 0);
        assertEquals(Translator.NO_ACCESS, view.translate(base + 2 * MIB, 8, W));
        assertEquals(Translator.NO_ACCESS, view.translate(base + 2 * MIB, 8, RW));
        assertTrue(view.translate(base + 6 * MIB, 8, W) > 0);
        assertEquals(Translator.NO_ACCESS, view.translate(base + 6 * MIB, 8, R));
        assertEquals(Translator.NO_ACCESS, view.translate(base + 10 * MIB, 8, R));
        assertEquals(Translator.NO_ACCESS, view.translate(base + 10 * MIB, 8, W));
        assertEquals(Translator.NO_ACCESS, view.translate(base + 4 * MIB - 8, 16, R), "the second half");
        assertEquals(Translator.NO_ACCESS, view.translate(base + 4 * MIB - 8, 16, W), "the first half");
    }

    @Test
    void shouldBeNotLocalWhenTheRegionHasNoFile() throws Exception {
        Transaction transaction = space.begin();
        transaction.map(0xfebf5000L, PAGE, RW, null, 0);
        transaction.map(0xc0000, 0x40000, R, null, 0);
        transaction.map(0x8000_0000_0000_0000L, 1L << 62, R, null, 0x123);
        transaction.commit();
        assertEquals(Translator.NOT_LOCAL, view.translate(0xfebf5000L, 8, W));
        assertEquals(Translator.NOT_LOCAL, view.translate(0xc0000, 8, R));
        assertEquals(Translator.NO_ACCESS, view.translate(0xc0000, 8, W));
        assertEquals(Translator.NOT_LOCAL, view.translate(0xbfff_ffff_ffff_ffffL, 1, R));
        assertEquals(0, space.backings().extents());
        assertEquals(3, space.regionCount());
        assertEquals(PAGE, unmap(0xfebf5000L, PAGE));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 0x1f_f000, 0x2000_0000_0000L, 0x2000_001f_f000L})
    void shouldAnswerOrSplitWhenASpanCrossesRegions(long base) throws Exception {
        Transaction transaction = space.begin();
        transaction.map(base, 4 * MIB, RW, file.give(), 0);
        transaction.map(base + 4 * MIB, PAGE, RW, file.give(), 4 * MIB);
        transaction.map(base + 4 * MIB + PAGE, PAGE, RW, file.give(), 8 * MIB);
        transaction.map(base + 4 * MIB + 2 * PAGE, PAGE, RW, null, 0);
        transaction.map(base + 4 * MIB + 4 * PAGE, PAGE, RW, file.give(), 0);
        transaction.commit();
        long hva = view.translate(base, 1, R);
        assertEquals(hva + MIB, view.translate(base + MIB, 3 << 20, R), "over granules");
        assertEquals(hva, view.translate(base, (4 << 20) + 4096, RW), "over regions that follow each other");
        assertEquals(Translator.SPLIT, view.translate(base, (4 << 20) + 4097, RW));
        assertEquals(Translator.SPLIT, view.translate(base + 4 * MIB, 8192, RW));
        assertEquals(Translator.SPLIT, view.translate(base + 4 * MIB + PAGE, 8192, RW));
        assertEquals(Translator.NOT_MAPPED, view.translate(base + 4 * MIB + 4 * PAGE, 8192, RW));
        assertEquals(hva, view.translate(base + 4 * MIB + 4 * PAGE, 4096, RW));
    }

    @Test
    void shouldTranslateWhenABorderIsInsideAGranule() throws Exception {
        map(0, 3 * MIB, RW, 0);
        map(3 * MIB, 4 * MIB, RW, 8 * MIB);
        for (long gpa = 0; gpa < 7 * MIB; gpa += PAGE) {
            file.assertPage(gpa < 3 * MIB ? gpa : gpa + 5 * MIB, view.translate(gpa, 4096, R));
        }
        assertEquals(Translator.NOT_MAPPED, view.translate(7 * MIB, 1, R));
        unmap(3 * MIB, 4 * MIB);
        file.assertPage(3 * MIB - PAGE, view.translate(3 * MIB - PAGE, 4096, R));
        assertEquals(Translator.NOT_MAPPED, view.translate(3 * MIB, 1, R));
    }

    @Test
    void shouldRefuseToMapWhenTheRangeIsBad() throws Exception {
        Transaction transaction = space.begin();
        assertRefused(Errno.EINVAL, () -> transaction.map(1, PAGE, RW, file.give(), 0));
        assertRefused(Errno.EINVAL, () -> transaction.map(0, PAGE + 1, RW, file.give(), 0));
        assertRefused(Errno.EINVAL, () -> transaction.map(0, PAGE, RW, file.give(), 512));
        assertRefused(Errno.EINVAL, () -> transaction.map(0, 0, RW, file.give(), 0));
        assertRefused(Errno.EINVAL, () -> transaction.map(-PAGE, 2 * PAGE, RW, file.give(), 0));
        assertRefused(Errno.EINVAL, () -> transaction.map(2 * PAGE, -PAGE, RW, null, 0));
        assertRefused(Errno.EINVAL, () -> transaction.map(0, PAGE, 4, file.give(), 0));
        assertRefused(Errno.EINVAL, () -> transaction.map(0, PAGE, RW, file.give(), 16 * MIB));
        assertRefused(Errno.EINVAL, () -> transaction.map(0, 16 * MIB, RW, file.give(), PAGE));
        assertRefused(Errno.EINVAL, () -> transaction.map(0, PAGE, RW, file.give(), -PAGE));
        assertRefused(Errno.EINVAL, () -> transaction.map(0, 1L << 62, RW, file.give(), (1L << 62) - PAGE));
        assertRefused(Errno.EINVAL, () -> transaction.map(0, -PAGE, RW, file.give(), 2 * PAGE));
        transaction.commit();
        assertEquals(0, space.regionCount());
        assertEquals(1, ProcSelf.descriptors(NAME), "what was refused has been closed");
        assertEquals(0, ProcSelf.mappings(NAME));
    }

    @Test
    void shouldHoldAllAddressesWhenOneRegionHasThem() throws Exception {
        Transaction transaction = space.begin();
        transaction.map(PAGE, -PAGE, RW, null, 0);
        transaction.commit();
        assertEquals(Translator.NOT_MAPPED, view.translate(0, 1, R));
        assertEquals(Translator.NOT_LOCAL, view.translate(PAGE, 1, R));
        assertEquals(Translator.NOT_LOCAL, view.translate(-1, 1, R));
        assertEquals(Translator.NOT_MAPPED, view.translate(-1, 2, R), "wraps");
        Transaction second = space.begin();
        second.map(0, PAGE, RW, file.give(), 0);
        assertRefused(Errno.EEXIST, () -> second.map(PAGE, PAGE, RW, file.give(), 0));
        assertRefused(Errno.EEXIST, () -> second.map(-PAGE, PAGE, RW, file.give(), 0));
        assertEquals(0, second.unmapAll(), "2^64 bytes");
        second.commit();
        assertEquals(0, space.regionCount());
    }

    @Test
    void shouldRefuseToMapWhenARegionIsThere() throws Exception {
        map(8 * PAGE, 4 * PAGE, RW, 0);
        Transaction transaction = space.begin();
        assertRefused(Errno.EEXIST, () -> transaction.map(8 * PAGE, 4 * PAGE, RW, file.give(), 0));
        assertRefused(Errno.EEXIST, () -> transaction.map(7 * PAGE, 2 * PAGE, RW, file.give(), 0));
        assertRefused(Errno.EEXIST, () -> transaction.map(11 * PAGE, PAGE, RW, null, 0));
        assertRefused(Errno.EEXIST, () -> transaction.map(0, 16 * PAGE, RW, file.give(), 0));
        assertRefused(Errno.EEXIST, () -> transaction.map(9 * PAGE, PAGE, RW, file.give(), 0));
        transaction.map(7 * PAGE, PAGE, RW, file.give(), 0);
        transaction.map(12 * PAGE, PAGE, RW, file.give(), 0);
        transaction.commit();
        assertEquals(3, space.regionCount());
    }

    @Test
    void shouldUnmapWholeRegionsOnlyWhenARangeIsGiven() throws Exception {
        Transaction transaction = space.begin();
        transaction.map(4 * PAGE, 4 * PAGE, RW, file.give(), 0);
        transaction.map(16 * PAGE, 4 * PAGE, RW, file.give(), 0);
        transaction.map(32 * PAGE, 4 * PAGE, RW, null, 0);
        assertRefused(Errno.EINVAL, () -> transaction.unmap(5 * PAGE, 3 * PAGE));
        assertRefused(Errno.EINVAL, () -> transaction.unmap(4 * PAGE, 3 * PAGE));
        assertRefused(Errno.EINVAL, () -> transaction.unmap(0, 6 * PAGE));
        assertRefused(Errno.EINVAL, () -> transaction.unmap(4 * PAGE, 13 * PAGE));
        assertEquals(0, transaction.unmap(0, 4 * PAGE));
        assertEquals(0, transaction.unmap(8 * PAGE, 8 * PAGE));
        assertEquals(0, transaction.unmap(-PAGE, PAGE));
        assertRefused(Errno.EINVAL, () -> transaction.unmap(4 * PAGE, 0));
        assertRefused(Errno.EINVAL, () -> transaction.unmap(4 * PAGE, 100));
        assertRefused(Errno.EINVAL, () -> transaction.unmap(4 * PAGE + 1, PAGE));
        assertRefused(Errno.EINVAL, () -> transaction.unmap(4 * PAGE, -PAGE));
        assertEquals(8 * PAGE, transaction.unmap(0, 32 * PAGE), "two regions and the holes about them");
        assertEquals(4 * PAGE, transaction.unmap(32 * PAGE, -32 * PAGE), "up to 2^64");
        transaction.commit();
        assertEquals(0, space.regionCount());
    }

    @Test
    void shouldRefuseTheDescriptorWhenItCannotHoldMemory() throws Exception {
        Transaction transaction = space.begin();
        EventFd event = EventFd.create();
        assertRefused(Errno.EINVAL, () -> transaction.map(0, PAGE, RW, event.fd(), 0));
        assertFalse(event.fd().isOpen(), "taken over");
        Fd closed = file.give();
        closed.close();
        assertRefused(Errno.EBADF, () -> transaction.map(0, PAGE, RW, closed, 0));
        transaction.commit();
    }

    @Test
    void shouldMapReadOnlyWhenTheFileIsSealedAgainstWriting() throws Exception {
        Memfd.addSeals(file.fd, Memfd.SEAL_FUTURE_WRITE);
        Transaction transaction = space.begin();
        assertRefused(Errno.EACCES, () -> transaction.map(0, PAGE, RW, file.give(), 0));
        assertRefused(Errno.EACCES, () -> transaction.map(0, PAGE, W, file.give(), 0));
        transaction.map(0, PAGE, R, file.give(), 3 * PAGE);
        transaction.commit();
        file.assertPage(3 * PAGE, view.translate(0, 8, R));
    }

    @Test
    void shouldKeepTwoBackingsWhenAFileComesReadOnlyToo() throws Exception {
        Path path = Path.of("/proc/self/fd/" + file.fd.number());
        Transaction transaction = space.begin();
        assertRefused(Errno.EACCES, () -> transaction.map(0, PAGE, RW, FileIo.open(path, FileIo.O_RDONLY), 0));
        assertRefused(Errno.EACCES, () -> transaction.map(0, PAGE, R, FileIo.open(path, FileIo.O_WRONLY), 0));
        transaction.map(0, PAGE, R, FileIo.open(path, FileIo.O_RDONLY), 0);
        transaction.map(PAGE, PAGE, RW, file.give(), 0);
        transaction.commit();
        assertEquals(2, space.backings().descriptors());
        Memory.putLong(view.translate(PAGE, 8, W), 99);
        assertEquals(99, Memory.getLong(view.translate(0, 8, R)));
    }

    @Test
    void shouldRefuseWhenALimitIsReached() throws Exception {
        use(new DmaLimits(3, 2, 2, 40 * MIB));
        try (GuestFile second = GuestFile.create(NAME, 2, 16 * MIB);
                GuestFile third = GuestFile.create(NAME, 3, 16 * MIB)) {
            Transaction transaction = space.begin();
            transaction.map(0, PAGE, RW, file.give(), 0);
            transaction.map(PAGE, PAGE, RW, second.give(), 0);
            assertRefused(Errno.ENOSPC, () -> transaction.map(4 * PAGE, PAGE, RW, third.give(), 0));
            transaction.map(2 * PAGE, PAGE, RW, file.give(), 0);
            assertRefused(Errno.ENOSPC, () -> transaction.map(3 * PAGE, PAGE, RW, file.give(), 0));
            assertRefused(Errno.ENOSPC, () -> transaction.map(3 * PAGE, PAGE, RW, null, 0));
            transaction.unmap(PAGE, PAGE);
            transaction.commit();
            Transaction again = space.begin();
            again.map(PAGE, PAGE, RW, third.give(), 5 * PAGE);
            again.commit();
            third.assertPage(5 * PAGE, view.translate(PAGE, 8, R));
            assertEquals(32 * MIB, space.backings().virtualBytes());
        }
    }

    @Test
    void shouldMapInChunksWhenTheFileIsLargerThanTheLimit() throws Exception {
        use(new DmaLimits(10, 10, 10, 5L << 30));
        try (Fd large = Memfd.create(NAME, (7L << 30) + PAGE)) {
            Transaction transaction = space.begin();
            transaction.map(0, PAGE, RW, large.duplicate(), (3L << 30) - PAGE);
            assertEquals(1L << 30, space.backings().virtualBytes());
            transaction.map(1L << 30, 2 * PAGE, RW, large.duplicate(), (3L << 30) - PAGE);
            assertEquals(3L << 30, space.backings().virtualBytes(), "over the border of two chunks");
            transaction.map(2L << 30, PAGE, RW, large.duplicate(), 4L << 30);
            transaction.map(3L << 30, PAGE, RW, large.duplicate(), 7L << 30);
            assertEquals((4L << 30) + PAGE, space.backings().virtualBytes(), "the last chunk is a page");
            assertRefused(Errno.ENOSPC, () -> transaction.map(4L << 30, PAGE, RW, large.duplicate(), 0));
            transaction.commit();
            Memory.putLong(view.translate(0, 8, W), 42);
            assertEquals(42, Memory.getLong(view.translate(1L << 30, 8, R)), "the same page in two extents");
            unmap(1L << 30, 2 * PAGE);
            assertEquals((2L << 30) + PAGE, space.backings().virtualBytes());
        }
    }

    @Test
    void shouldMapTheRestWhenTheFileHasGrown() throws Exception {
        map(0, 16 * MIB, RW, 0);
        long before = view.translate(0, 8, R);
        Memfd.resize(file.fd, 20 * MIB);
        file.stamp(16 * MIB, 20 * MIB);
        map(16 * MIB, 4 * MIB, RW, 16 * MIB);
        file.assertPage(20 * MIB - PAGE, view.translate(20 * MIB - PAGE, 4096, R));
        assertEquals(before, view.translate(0, 8, R));
        assertEquals(2, ProcSelf.descriptors(NAME), "still one backing");
        unmap(0, 16 * MIB);
        file.assertPage(16 * MIB, view.translate(16 * MIB, 4096, R));
        assertEquals(1, space.backings().extents());
    }

    @Test
    void shouldUseTheWholeLastPageWhenTheFileEndsInIt() throws Exception {
        Memfd.resize(file.fd, PAGE + 100);
        map(0, 2 * PAGE, RW, 0);
        Memory.putLong(view.translate(2 * PAGE - 8, 8, W), 1);
        assertFalse(space.damaged());
    }

    @Test
    void shouldTranslateWhenRegionsBeginInsideAHugePage() throws Exception {
        String free = Files.readAllLines(Path.of("/proc/meminfo")).stream()
                .filter(line -> line.startsWith("HugePages_Free:"))
                .findFirst()
                .orElse("0")
                .replaceAll("[^0-9]", "");
        assumeTrue(
                Long.parseLong(free) >= 2,
                "this test needs 2 free huge pages (/proc/sys/vm/nr_hugepages), there are " + free);
        try (Fd huge = Memfd.createHuge(NAME, 4 * MIB);
                Mapping mapping = Mapping.shared(huge, 0, 4 * MIB, Mapping.PROT_READ | Mapping.PROT_WRITE)) {
            Memory.putLong(mapping.address() + MIB + PAGE, 77);
            Transaction transaction = space.begin();
            transaction.map(0xc0000, 0x40000, R, huge.duplicate(), 0xc0000);
            transaction.map(MIB, 3 * MIB, RW, huge.duplicate(), MIB);
            transaction.commit();
            assertEquals(77, Memory.getLong(view.translate(MIB + PAGE, 8, R)));
        }
    }

    @Test
    void shouldLeaveOtherSpacesAloneWhenOneIsAtItsLimit() throws Exception {
        DmaLimits limits = new DmaLimits(1, 1, 1, 16 * MIB);
        try (DmaSpace full = new DmaSpace("full", limits);
                DmaSpace other = new DmaSpace("other", limits)) {
            Transaction transaction = full.begin();
            transaction.map(0, PAGE, RW, file.give(), 0);
            assertRefused(Errno.ENOSPC, () -> transaction.map(PAGE, PAGE, RW, file.give(), 0));
            transaction.commit();
            Transaction unaffected = other.begin();
            unaffected.map(0, PAGE, RW, file.give(), 0);
            unaffected.commit();
            file.assertPage(0, other.hostView().translate(0, 8, R));
        }
    }

    @Test
    void shouldBeOverWhenClosed() throws Exception {
        map(0, MIB, RW, 0);
        Transaction open = space.begin();
        open.map(MIB, MIB, RW, file.give(), 0);
        assertThrows(IllegalStateException.class, space::begin);
        space.close();
        space.close();
        assertEquals(Translator.NOT_MAPPED, view.translate(0, 1, R));
        assertThrows(IllegalStateException.class, space::begin);
        assertThrows(IllegalStateException.class, () -> open.map(0, PAGE, RW, file.give(), 0));
        assertThrows(IllegalStateException.class, open::commit);
        assertEquals(1, ProcSelf.descriptors(NAME));
    }
}

package io.sluice.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class MemfdTest {
    private static final int REAL_SEALS =
            Memfd.SEAL_SEAL | Memfd.SEAL_SHRINK | Memfd.SEAL_GROW | Memfd.SEAL_WRITE | Memfd.SEAL_FUTURE_WRITE;

    @Test
    void shouldHaveTheSizeAskedForWhenCreated() throws Exception {
        try (Fd fd = Memfd.create("sized", 12_345)) {
            FileStatus status = FileStatus.of(fd);
            assertEquals(12_345, status.size());
            assertEquals(4096, status.pageSize());
            assertTrue(status.isRegularFile());
            assertTrue(status.readable());
            assertTrue(status.writable());
            assertTrue(Descriptors.isCloseOnExec(fd));
            assertEquals(0, Memfd.seals(fd) & REAL_SEALS);
        }
    }

    @Test
    void shouldBeSparseWhenItIsLargerThanTheHost() throws Exception {
        try (Fd fd = Memfd.create("sparse", 1L << 46)) {
            assertEquals(1L << 46, FileStatus.of(fd).size());
        }
    }

    @Test
    void shouldGrowAndShrinkWhenResized() throws Exception {
        try (Fd fd = Memfd.create("resized", 4096)) {
            Memfd.resize(fd, 1 << 20);
            assertEquals(1 << 20, FileStatus.of(fd).size());
            Memfd.resize(fd, 0);
            assertEquals(0, FileStatus.of(fd).size());
        }
    }

    @Test
    void shouldRefuseWhatASealForbids() throws Exception {
        try (Fd fd = Memfd.create("sealed", 8192)) {
            Memfd.addSeals(fd, Memfd.SEAL_SHRINK | Memfd.SEAL_GROW);
            assertEquals(Memfd.SEAL_SHRINK | Memfd.SEAL_GROW, Memfd.seals(fd) & REAL_SEALS);
            LinuxException shrink = assertThrows(LinuxException.class, () -> Memfd.resize(fd, 4096));
            assertEquals(Errno.EPERM, shrink.errno());
            assertThrows(LinuxException.class, () -> Memfd.resize(fd, 16384));
            Memfd.addSeals(fd, Memfd.SEAL_SEAL);
            LinuxException more = assertThrows(LinuxException.class, () -> Memfd.addSeals(fd, Memfd.SEAL_WRITE));
            assertEquals(Errno.EPERM, more.errno());
            assertEquals(8192, FileStatus.of(fd).size());
        }
    }

    @Test
    void shouldRefuseToSealWritesWhenSomebodyCanWrite() throws Exception {
        int rw = Mapping.PROT_READ | Mapping.PROT_WRITE;
        try (Fd fd = Memfd.create("mapped", 4096);
                Mapping writable = Mapping.shared(fd, 0, 4096, rw)) {
            LinuxException busy = assertThrows(LinuxException.class, () -> Memfd.addSeals(fd, Memfd.SEAL_WRITE));
            assertEquals(Errno.EBUSY, busy.errno());
            Memfd.addSeals(fd, Memfd.SEAL_FUTURE_WRITE);
            Bytes.putInt(writable.address(), 3);
            assertThrows(LinuxException.class, () -> Mapping.shared(fd, 0, 4096, rw));
        }
    }

    @Test
    void shouldHaveNoSealsWhenItIsNoMemfd() throws Exception {
        try (Fd fd = FileIo.open(Path.of("/dev/null"), FileIo.O_RDWR)) {
            LinuxException refused = assertThrows(LinuxException.class, () -> Memfd.seals(fd));
            assertEquals(Errno.EINVAL, refused.errno());
        }
    }

    @Test
    void shouldLeaveNothingWhenTheSizeIsImpossible() {
        long before = Descriptors.count();
        assertThrows(LinuxException.class, () -> Memfd.create("negative", -1));
        LinuxException odd = assertThrows(LinuxException.class, () -> Memfd.createHuge("odd", 4096));
        assertEquals(Errno.EINVAL, odd.errno());
        assertEquals(before, Descriptors.count());
    }

    @Test
    void shouldHaveHugePagesWhenAskedFor() throws Exception {
        // Without pages in the pool the file can be made all the same; only mapping it takes pages.
        try (Fd fd = Memfd.createHuge("huge", 4 * Memfd.HUGE_PAGE_BYTES)) {
            FileStatus status = FileStatus.of(fd);
            assertEquals(Memfd.HUGE_PAGE_BYTES, status.pageSize());
            assertEquals(4 * Memfd.HUGE_PAGE_BYTES, status.size());
            Memfd.addSeals(fd, Memfd.SEAL_SHRINK);
            assertThrows(LinuxException.class, () -> Memfd.resize(fd, Memfd.HUGE_PAGE_BYTES));
        }
    }

    @Test
    void shouldRefuseNamesThatTheKernelDoesNotTake() throws Exception {
        String longest = "x".repeat(249);
        try (Fd fd = Memfd.create(longest, 4096)) {
            assertEquals("memfd:" + longest, fd.describe());
        }
        assertThrows(LinuxException.class, () -> Memfd.create("x".repeat(250), 4096));
        assertThrows(LinuxException.class, () -> Memfd.create("a\0b", 4096));
    }
}

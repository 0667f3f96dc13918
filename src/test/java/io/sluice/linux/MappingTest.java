package io.sluice.linux;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MappingTest {
    private static final int RW = Mapping.PROT_READ | Mapping.PROT_WRITE;
    private static final long HUGE = Memfd.HUGE_PAGE_BYTES;

    /** The lines of /proc/self/maps that mention a name, or cover an address. */
    private static long mapsMentioning(String text) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/maps")).stream()
                .filter(line -> line.contains(text))
                .count();
    }

    private static void assumeHugePages(int count) throws IOException {
        long free = Files.readAllLines(Path.of("/proc/meminfo")).stream()
                .filter(line -> line.startsWith("HugePages_Free:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElse(0);
        assumeTrue(
                free >= count,
                "this test needs " + count + " free huge pages (/proc/sys/vm/nr_hugepages), there are " + free);
    }

    @Test
    void shouldShowOneMemoryWhenAFileIsMappedTwice() throws Exception {
        try (Fd fd = Memfd.create("twice", 8192);
                Mapping whole = Mapping.shared(fd, 0, 8192, RW);
                Mapping second = Mapping.shared(fd, 4096, 4096, Mapping.PROT_READ)) {
            Bytes.putLong(whole.address() + 4096, 0x1122334455667788L);
            assertEquals(0x1122334455667788L, Bytes.getLong(second.address()));
            assertEquals(4096, second.length());
        }
    }

    @Test
    void shouldStayMappedWhenTheDescriptorIsClosed() throws Exception {
        Fd fd = Memfd.create("closed-early", 4096);
        try (Mapping mapping = Mapping.shared(fd, 0, 4096, RW)) {
            fd.close();
            Bytes.putInt(mapping.address(), 7);
            assertEquals(7, Bytes.getInt(mapping.address()));
        }
    }

    @Test
    void shouldUnmapOnceWhenClosedTwice() throws Exception {
        Mapping mapping;
        try (Fd fd = Memfd.create("unmap-once", 4096)) {
            mapping = Mapping.shared(fd, 0, 4096, RW);
        }
        assertEquals(1, mapsMentioning("memfd:unmap-once"));
        mapping.close();
        assertEquals(0, mapsMentioning("memfd:unmap-once"));
        assertDoesNotThrow(mapping::close);
    }

    @Test
    void shouldStayAddressableWhenReplacedByScratch() throws Exception {
        try (Fd fd = Memfd.create("retired", 8192);
                Mapping mapping = Mapping.shared(fd, 0, 8192, Mapping.PROT_READ);
                Mapping other = Mapping.shared(fd, 0, 8192, RW)) {
            Bytes.putInt(other.address(), 1);
            mapping.replaceByScratch();
            assertEquals(1, mapsMentioning("memfd:retired"));
            assertEquals(0, Bytes.getInt(mapping.address()));
            Bytes.putInt(mapping.address() + 8188, 2);
            assertEquals(0, Bytes.getInt(other.address() + 8188), "scratch memory is not the file");
            assertEquals(1, Bytes.getInt(other.address()));
        }
    }

    @Test
    void shouldShowAnotherFileAtTheSameAddressesWhenReplaced() throws Exception {
        try (Fd first = Memfd.create("first", 8192);
                Fd second = Memfd.create("second", 8192);
                Fd tooShort = Memfd.create("short", 4096);
                Mapping mapping = Mapping.shared(first, 0, 8192, RW);
                Mapping old = Mapping.shared(first, 0, 8192, RW)) {
            mapping.replaceBy(second);
            Bytes.putInt(old.address(), 1);
            assertEquals(0, Bytes.getInt(mapping.address()));
            Bytes.putInt(mapping.address() + 8188, 2);
            assertEquals(0, Bytes.getInt(old.address() + 8188));
            try (Mapping other = Mapping.shared(second, 0, 8192, RW)) {
                assertEquals(2, Bytes.getInt(other.address() + 8188));
            }
            assertThrows(LinuxException.class, () -> mapping.replaceBy(tooShort));
            assertEquals(2, Bytes.getInt(mapping.address() + 8188), "and nothing has changed then");
        }
    }

    @Test
    void shouldRefuseToReplaceWhenClosed() throws Exception {
        Mapping mapping = Mapping.anonymous(4096, RW);
        mapping.close();
        assertThrows(IllegalStateException.class, mapping::replaceByScratch);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 4097, The file has only 4096 bytes",
        "4096, 1, The file has only 4096 bytes",
        "0, 9223372036854771712, The file has only 4096 bytes",
        "9223372036854771712, 4096, a length more than 0",
        "-4096, 4096, An offset is 0 or more",
        "0, 0, a length more than 0",
        "0, -1, a length more than 0",
        "512, 512, The offset must be a multiple",
    })
    void shouldRefuseRangesThatTheFileDoesNotHave(long offset, long length, String why) throws Exception {
        try (Fd fd = Memfd.create("small", 4096)) {
            LinuxException refused = assertThrows(LinuxException.class, () -> Mapping.shared(fd, offset, length, RW));
            assertEquals(Errno.EINVAL, refused.errno());
            assertTrue(refused.getMessage().contains(why), refused.getMessage());
            assertTrue(
                    refused.getMessage()
                            .startsWith("mmap of memfd:small, " + length + " bytes at offset " + offset
                                    + ": Invalid argument (EINVAL)"),
                    refused.getMessage());
        }
    }

    @Test
    void shouldMapTheLastPageWhenTheFileEndsInsideIt() throws Exception {
        try (Fd fd = Memfd.create("odd", 5000);
                Mapping mapping = Mapping.shared(fd, 0, 8192, RW)) {
            assertEquals(0, Bytes.getInt(mapping.address() + 8188));
        }
    }

    @Test
    void shouldRefuseWritingWhenTheDescriptorIsReadOnly(@TempDir Path directory) throws Exception {
        Path file = Files.write(directory.resolve("read-only"), new byte[4096]);
        try (Fd fd = FileIo.open(file, FileIo.O_RDONLY)) {
            LinuxException refused = assertThrows(LinuxException.class, () -> Mapping.shared(fd, 0, 4096, RW));
            assertEquals(Errno.EACCES, refused.errno());
            try (Mapping readable = Mapping.shared(fd, 0, 4096, Mapping.PROT_READ)) {
                assertEquals(0, Bytes.getInt(readable.address()));
            }
        }
    }

    @Test
    void shouldRefuseWritingWhenTheFileIsSealed() throws Exception {
        try (Fd fd = Memfd.create("sealed", 4096)) {
            Memfd.addSeals(fd, Memfd.SEAL_WRITE);
            LinuxException refused = assertThrows(LinuxException.class, () -> Mapping.shared(fd, 0, 4096, RW));
            assertEquals(Errno.EPERM, refused.errno());
        }
    }

    @Test
    void shouldRefuseThingsThatHaveNoMemory() throws Exception {
        try (EventFd event = EventFd.create()) {
            LinuxException refused = assertThrows(LinuxException.class, () -> Mapping.shared(event.fd(), 0, 4096, RW));
            assertEquals(Errno.ENODEV, refused.errno());
        }
    }

    @Test
    void shouldBeZeroWhenAnonymous() throws Exception {
        try (Mapping mapping = Mapping.anonymous(10_000, RW)) {
            assertEquals(0, mapping.address() % 4096);
            Bytes.putLong(mapping.address() + 9_992, -1);
            assertEquals(0, Bytes.getLong(mapping.address()));
        }
        assertThrows(LinuxException.class, () -> Mapping.anonymous(0, RW));
        assertThrows(LinuxException.class, () -> Mapping.anonymous(-1, RW));
        assertThrows(LinuxException.class, () -> Mapping.anonymous(1L << 60, RW));
    }

    @Test
    void shouldReadAsZeroesWhenDiscarded() throws Exception {
        Mapping mapping = Mapping.anonymous(12_288, RW);
        for (long offset = 0; offset < 12_288; offset += 4096) {
            Bytes.putLong(mapping.address() + offset, -1);
        }
        mapping.discard(4096, 4096);
        assertEquals(-1, Bytes.getLong(mapping.address()));
        assertEquals(0, Bytes.getLong(mapping.address() + 4096));
        assertEquals(-1, Bytes.getLong(mapping.address() + 8192));
        assertThrows(IllegalArgumentException.class, () -> mapping.discard(8192, 8192));
        assertThrows(IllegalArgumentException.class, () -> mapping.discard(-4096, 4096));
        assertThrows(IllegalArgumentException.class, () -> mapping.discard(4096, Long.MAX_VALUE));
        assertThrows(IllegalArgumentException.class, () -> mapping.discard(100, 4096));
        mapping.close();
        assertThrows(IllegalStateException.class, () -> mapping.discard(0, 4096));
    }

    @Test
    void shouldMapAtItsPageSizeWhenTheFileIsOnHugePages() throws Exception {
        assumeHugePages(2);
        try (Fd fd = Memfd.createHuge("huge", 2 * HUGE);
                Mapping mapping = Mapping.shared(fd, 0, 2 * HUGE, RW)) {
            assertEquals(0, mapping.address() % HUGE);
            assertEquals(HUGE, FileStatus.of(fd).pageSize());
            Bytes.putLong(mapping.address() + HUGE, 5);
            LinuxException unaligned = assertThrows(LinuxException.class, () -> Mapping.shared(fd, 0x100000, HUGE, RW));
            assertTrue(unaligned.getMessage().contains("multiple of the file's page size, 2097152"));
            assertThrows(LinuxException.class, () -> Mapping.shared(fd, 0, 4096, RW));
            mapping.replaceByScratch();
            assertEquals(0, Bytes.getLong(mapping.address() + HUGE));
        }
        assertEquals(0, mapsMentioning("memfd:huge"));
    }

    @Test
    void shouldComeFromThePoolWhenAnonymousAndHuge() throws Exception {
        assumeHugePages(1);
        try (Mapping mapping = Mapping.anonymousHuge(HUGE)) {
            assertEquals(0, mapping.address() % HUGE);
            Bytes.putLong(mapping.address() + HUGE - 8, 1);
        }
    }

    @Test
    void shouldSayWhyWhenThePoolIsTooSmall() {
        LinuxException refused = assertThrows(LinuxException.class, () -> Mapping.anonymousHuge(1L << 40));
        assertEquals(Errno.ENOMEM, refused.errno());
        assertTrue(refused.getMessage().contains("nr_hugepages"), refused.getMessage());
        LinuxException odd = assertThrows(LinuxException.class, () -> Mapping.anonymousHuge(4096));
        assertTrue(odd.getMessage().contains("multiple of 2 MiB"), odd.getMessage());
    }

    @Test
    void shouldSayWhyWhenItIsMoreThanAnAddressSpaceHolds() {
        LinuxException refused = assertThrows(LinuxException.class, () -> Mapping.sparse(1L << 47));
        assertEquals(Errno.ENOMEM, refused.errno());
        assertTrue(refused.getMessage().contains("address space"), refused.getMessage());
        assertFalse(refused.getMessage().contains("huge"), refused.getMessage());
    }

    @Test
    void shouldNameItselfForPeople() throws Exception {
        try (Fd fd = Memfd.create("named", 4096);
                Mapping mapping = Mapping.shared(fd, 0, 4096, RW)) {
            assertEquals(
                    "memfd:named at 0x" + Long.toHexString(mapping.address()) + ", 4096 bytes", mapping.toString());
            assertFalse(mapping.toString().contains("deleted"));
        }
    }
}

package io.sluice.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileIoTest {
    private static final int RW = Mapping.PROT_READ | Mapping.PROT_WRITE;

    @Test
    void shouldReadWhatWasWrittenAtEveryOffset() throws Exception {
        long beyondInt = 5L << 30;
        try (Fd fd = Memfd.create("offsets", beyondInt + 8192);
                Mapping memory = Mapping.anonymous(8192, RW)) {
            Bytes.putLong(memory.address(), 0x0123456789abcdefL);
            assertEquals(4096, FileIo.pwrite(fd, memory.address(), 4096, beyondInt + 4096));
            assertEquals(8192, FileIo.pread(fd, memory.address(), 8192, beyondInt));
            assertEquals(0, Bytes.getLong(memory.address()));
            assertEquals(0x0123456789abcdefL, Bytes.getLong(memory.address() + 4096));
        }
    }

    @Test
    void shouldStopAtTheEndOfTheFile() throws Exception {
        try (Fd fd = Memfd.create("short", 100);
                Mapping memory = Mapping.anonymous(4096, RW)) {
            assertEquals(60, FileIo.pread(fd, memory.address(), 4096, 40));
            assertEquals(0, FileIo.pread(fd, memory.address(), 4096, 100));
        }
    }

    @Test
    void shouldSayWhatFailedWhenAddressesOrOffsetsAreBad() throws Exception {
        try (Fd fd = Memfd.create("bad", 4096);
                Mapping memory = Mapping.anonymous(4096, RW)) {
            LinuxException fault = assertThrows(LinuxException.class, () -> FileIo.pread(fd, 1, 4096, 0));
            assertEquals(Errno.EFAULT, fault.errno());
            assertEquals("pread of memfd:bad, 4096 bytes at offset 0: Bad address (EFAULT)", fault.getMessage());
            LinuxException offset =
                    assertThrows(LinuxException.class, () -> FileIo.pwrite(fd, memory.address(), 8, -8));
            assertEquals(Errno.EINVAL, offset.errno());
        }
    }

    @Test
    void shouldMoveDataOfSeveralPlacesAtOnce() throws Exception {
        try (Fd fd = Memfd.create("vectors", 8192);
                Mapping memory = Mapping.anonymous(8192, RW);
                IoVectors vectors = new IoVectors()) {
            Bytes.putLong(memory.address() + 8, 0x1111111111111111L);
            Bytes.putLong(memory.address() + 4096, 0x2222222222222222L);
            vectors.set(0, memory.address() + 4096, 8);
            vectors.set(1, memory.address() + 8, 8);
            assertEquals(16, FileIo.pwritev(fd, vectors, 2, 100, false));
            assertEquals(8, FileIo.pwritev(fd, vectors, 1, 116, true));

            vectors.set(0, memory.address(), 8);
            vectors.set(1, memory.address() + 16, 8);
            vectors.set(2, memory.address() + 32, 8);
            assertEquals(24, FileIo.preadv(fd, vectors, 3, 100));
            assertEquals(0x2222222222222222L, Bytes.getLong(memory.address()));
            assertEquals(0x1111111111111111L, Bytes.getLong(memory.address() + 16));
            assertEquals(0x2222222222222222L, Bytes.getLong(memory.address() + 32));
            assertEquals(8, FileIo.preadv(fd, vectors, 3, 8184), "it ends there");
            assertThrows(IndexOutOfBoundsException.class, () -> vectors.set(IoVectors.MAX, 0, 0));
        }
    }

    @Test
    void shouldSayThatMemoryIsNotThereWhenItIsNot() throws Exception {
        try (Fd fd = Memfd.create("vectors", 8192);
                IoVectors vectors = new IoVectors()) {
            vectors.set(0, 4096, 8);
            LinuxException read = assertThrows(LinuxException.class, () -> FileIo.preadv(fd, vectors, 1, 0));
            assertEquals(Errno.EFAULT, read.errno());
            assertEquals("preadv of memfd:vectors, 8 bytes at offset 0: Bad address (EFAULT)", read.getMessage());
            assertEquals(
                    Errno.EFAULT,
                    assertThrows(LinuxException.class, () -> FileIo.pwritev(fd, vectors, 1, 0, false))
                            .errno());
        }
    }

    @Test
    void shouldMakeHolesWithoutChangingTheSize(@TempDir Path directory) throws Exception {
        Path file = Files.write(directory.resolve("holes"), new byte[] {1, 2, 3, 4});
        try (Fd fd = FileIo.open(file, FileIo.O_RDWR)) {
            FileIo.punchHole(fd, 1, 1);
            FileIo.punchHole(fd, 3, 100);
            FileIo.fdatasync(fd);
            assertEquals(4, FileIo.size(fd));
            FileIo.resize(fd, 5);
        }
        assertArrayEquals(new byte[] {1, 0, 3, 0, 0}, Files.readAllBytes(file));
    }

    @Test
    void shouldLockAFileForOneOrForReaders(@TempDir Path directory) throws Exception {
        Path file = Files.createFile(directory.resolve("locked"));
        try (Fd one = FileIo.open(file, FileIo.O_RDWR)) {
            try (Fd two = FileIo.open(file, FileIo.O_RDWR)) {
                assertTrue(FileIo.tryLock(two, true));
                assertTrue(FileIo.tryLock(one, true));
                assertFalse(FileIo.tryLock(one, false));
            }
            assertTrue(FileIo.tryLock(one, false));
        }
    }

    @Test
    void shouldCreateFilesForTheirOwnerOnly(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("new");
        try (Fd fd = FileIo.open(file, FileIo.O_RDWR | FileIo.O_CREAT | FileIo.O_EXCL)) {
            assertTrue(Descriptors.isCloseOnExec(fd));
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        }
        LinuxException exists = assertThrows(
                LinuxException.class, () -> FileIo.open(file, FileIo.O_RDWR | FileIo.O_CREAT | FileIo.O_EXCL));
        assertEquals(Errno.EEXIST, exists.errno());
    }

    @Test
    void shouldSayWhichFileWhenOpeningFails(@TempDir Path directory) {
        Path absent = directory.resolve("absent");
        LinuxException refused = assertThrows(LinuxException.class, () -> FileIo.open(absent, FileIo.O_RDONLY));
        assertEquals("open of " + absent + ": No such file or directory (ENOENT)", refused.getMessage());
        Path endless = Path.of("/" + "x/".repeat(3000));
        LinuxException tooLong = assertThrows(LinuxException.class, () -> FileIo.open(endless, FileIo.O_RDONLY));
        assertEquals(Errno.ENAMETOOLONG, tooLong.errno());
    }
}

package io.sluice.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
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

package io.sluice.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileStatusTest {
    @Test
    void shouldAgreeWithTheJdkWhenItIsARegularFile(@TempDir Path directory) throws Exception {
        Path file = Files.write(directory.resolve("file"), new byte[1000]);
        try (Fd fd = FileIo.open(file, FileIo.O_RDONLY)) {
            FileStatus status = FileStatus.of(fd);
            assertEquals(Files.getAttribute(file, "unix:ino"), status.inode());
            assertEquals(Files.getAttribute(file, "unix:dev"), status.device());
            assertEquals(Files.getAttribute(file, "unix:mode"), status.mode());
            assertEquals(1000, status.size());
            assertTrue(status.isRegularFile());
            assertTrue(status.readable());
            assertFalse(status.writable());
        }
    }

    @Test
    void shouldTellTheAccessOfTheDescriptorNotOfTheFile(@TempDir Path directory) throws Exception {
        Path file = Files.write(directory.resolve("file"), new byte[1]);
        try (Fd reader = FileIo.open(file, FileIo.O_RDONLY);
                Fd writer = FileIo.open(file, FileIo.O_WRONLY | FileIo.O_NONBLOCK);
                Fd both = FileIo.open(file, FileIo.O_RDWR)) {
            assertTrue(FileStatus.of(reader).readable());
            assertFalse(FileStatus.of(reader).writable());
            assertFalse(FileStatus.of(writer).readable());
            assertTrue(FileStatus.of(writer).writable());
            assertTrue(FileStatus.of(both).readable());
            assertTrue(FileStatus.of(both).writable());
            assertTrue(FileStatus.of(reader).isSameFile(FileStatus.of(writer)));
        }
    }

    @Test
    void shouldTellFilesApartWhenTheyOnlyLookAlike() throws Exception {
        try (Fd one = Memfd.create("same", 4096);
                Fd other = Memfd.create("same", 4096);
                Fd copy = one.duplicate()) {
            assertFalse(FileStatus.of(one).isSameFile(FileStatus.of(other)));
            assertTrue(FileStatus.of(one).isSameFile(FileStatus.of(copy)));
        }
    }

    @Test
    void shouldTellTheKindOfFile() throws Exception {
        try (Fd device = FileIo.open(Path.of("/dev/null"), FileIo.O_RDWR);
                Fd directory = FileIo.open(Path.of("/"), FileIo.O_RDONLY);
                EventFd event = EventFd.create()) {
            assertTrue(FileStatus.of(device).isCharacterDevice());
            assertTrue(FileStatus.of(directory).isDirectory());
            assertFalse(FileStatus.of(event.fd()).isRegularFile());
            UnixConnection[] sockets = UnixConnection.pair();
            assertTrue(FileStatus.of(sockets[0].fd()).isSocket());
            sockets[0].close();
            sockets[1].close();
            assertFalse(FileStatus.of(device).isBlockDevice());
        }
    }
}

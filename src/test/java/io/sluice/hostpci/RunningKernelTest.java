package io.sluice.hostpci;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real kernel, on files of a temporary folder only. */
class RunningKernelTest {
    @TempDir
    private Path folder;

    private final HostKernel kernel = HostKernel.running();

    @Test
    void shouldWriteWithoutTruncatingAsSysfsWantsIt() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "old text");
        assertTrue(kernel.mayWrite(file));
        kernel.write(file, "new");
        assertEquals("new text", Files.readString(file));
    }

    @Test
    void shouldSayWhatWasWrittenWhereAndNotCreateIt() {
        Path file = folder.resolve("none");
        assertFalse(kernel.mayWrite(file));
        IOException e = assertThrows(IOException.class, () -> kernel.write(file, "0000:01:00.0\n"));
        assertEquals("write of \"0000:01:00.0\" to " + file + ": NoSuchFile", e.getMessage());
        assertFalse(Files.exists(file));
    }

    @Test
    void shouldSayWhyTheKernelRefused() {
        // Opens for everybody, and takes no data ever.
        IOException e = assertThrows(IOException.class, () -> kernel.write(Path.of("/dev/full"), "x"));
        assertEquals("write of \"x\" to /dev/full: No space left on device", e.getMessage());
    }

    @Test
    void shouldClaimAndRelease() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "");
        HostKernel.Claim claim = kernel.claim(file);
        assertTrue(isOpen(file));
        claim.close();
        assertFalse(isOpen(file));
    }

    private static boolean isOpen(Path file) {
        return Sysfs.names(Path.of("/proc/self/fd")).stream()
                .anyMatch(fd -> Sysfs.target(Path.of("/proc/self/fd", fd))
                        .filter(file.getFileName().toString()::equals)
                        .isPresent());
    }

    @Test
    void shouldSayThatThereIsNothingToClaim() {
        LinuxException e = assertThrows(LinuxException.class, () -> kernel.claim(folder.resolve("none")));
        assertEquals(Errno.ENOENT, e.errno());
    }
}

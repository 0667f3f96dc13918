package io.sluice.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.linux.SocketOptions;
import io.sluice.linux.UnixListener;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BackingFileTest {
    private static final OptionalLong ANY_SIZE = OptionalLong.empty();
    private static final OptionalInt ANY_BLOCK = OptionalInt.empty();

    @TempDir
    private Path folder;

    private static BackingFile open(Path path) throws IOException {
        return BackingFile.open(path, ANY_SIZE, ANY_BLOCK, false);
    }

    private static BackingFile open(Path path, long bytes) throws IOException {
        return BackingFile.open(path, OptionalLong.of(bytes), ANY_BLOCK, false);
    }

    private static void assertRefused(Path path, String reason) {
        String said = assertThrows(IOException.class, () -> open(path)).getMessage();
        assertTrue(said.contains(path.toString()) && said.contains(reason), said);
    }

    private Path file(String name, int bytes) throws IOException {
        return Files.write(folder.resolve(name), new byte[bytes]);
    }

    @Test
    void shouldMakeASparseFileForItsOwnerAloneWhenASizeIsGiven() throws Exception {
        Path path = folder.resolve("new.img");
        try (BackingFile file = open(path, 1L << 40)) {
            assertEquals(1L << 40, file.bytes());
            assertEquals(512, file.blockBytes());
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
        }
        assertTrue(run("du", "-k", path.toString()).startsWith("0\t"), "it takes room");
        try (BackingFile again = open(path)) {
            assertEquals(1L << 40, again.bytes());
        }
    }

    @Test
    void shouldSayWhatToDoWhenThereIsNoFile() {
        assertRefused(folder.resolve("none.img"), "does not exist; give a size to have it made");
        String said = assertThrows(IOException.class, () -> open(folder.resolve("no/such.img"), 4096))
                .getMessage();
        assertTrue(said.contains("Make its folder first"), said);
    }

    @Test
    void shouldRefuseAnotherSizeThanTheFileHas() throws Exception {
        Path path = file("a.img", 8192);
        String said = assertThrows(IOException.class, () -> open(path, 4096)).getMessage();
        assertTrue(said.contains("has 8192 bytes, not 4096") && said.contains("leave the size out"), said);
        assertEquals(8192, Files.size(path));
        open(path, 8192).close();
    }

    @Test
    void shouldRefuseAFileThatIsNotMadeOfWholeBlocks() throws Exception {
        assertRefused(file("empty.img", 0), "not whole blocks");
        assertRefused(file("odd.img", 1000), "not whole blocks of 512 bytes");
        Path small = file("small.img", 512);
        open(small).close();
        String said = assertThrows(
                        IOException.class, () -> BackingFile.open(small, ANY_SIZE, OptionalInt.of(4096), false))
                .getMessage();
        assertTrue(said.contains("not whole blocks of 4096 bytes"), said);
    }

    @Test
    void shouldRefuseWhatIsNeitherAFileNorABlockDevice() throws Exception {
        assertRefused(folder, "is a folder");
        assertRefused(Path.of("/dev/null"), "is a character device");
        Path pipe = folder.resolve("pipe");
        run("mkfifo", pipe.toString());
        assertRefused(pipe, "is a pipe");
        Path socket = folder.resolve("socket");
        try (UnixListener listener = UnixListener.bind(socket, SocketOptions.PRIVATE)) {
            assertTrue(Files.exists(socket), listener::toString);
            assertRefused(socket, "is a socket");
        }
    }

    @Test
    void shouldRefuseAFileThatIsOpenAlreadyWhateverItsName() throws Exception {
        Path path = file("a.img", 4096);
        Path hard = Files.createLink(folder.resolve("hard.img"), path);
        Path soft = Files.createSymbolicLink(folder.resolve("soft.img"), path);
        try (BackingFile first = open(path)) {
            for (Path name : List.of(path, hard, soft)) {
                assertRefused(name, "is locked by this process, which serves it already");
            }
            assertEquals(4096, first.bytes());
        }
        open(hard).close();
    }

    @Test
    void shouldNameTheProcessThatHasTheFile() throws Exception {
        Path path = file("a.img", 4096);
        Process other = new ProcessBuilder("flock", "-x", path.toString(), "sh", "-c", "echo locked; exec sleep 60")
                .redirectErrorStream(true)
                .start();
        try {
            assertEquals('l', other.getInputStream().read());
            assertRefused(path, "is locked by process ");
        } finally {
            other.destroyForcibly();
            other.waitFor();
        }
    }

    @Test
    void shouldLetSeveralReadAndNobodyWriteMeanwhile() throws Exception {
        Path path = file("a.img", 4096);
        try (BackingFile one = BackingFile.open(path, ANY_SIZE, ANY_BLOCK, true);
                BackingFile two = BackingFile.open(path, ANY_SIZE, ANY_BLOCK, true)) {
            assertEquals(one.bytes(), two.bytes());
            assertRefused(path, "is locked");
        }
        open(path).close();
    }

    @Test
    void shouldOfferReadingWhenAFileMayNotBeWritten() {
        Path path = Path.of("/sys/kernel/uevent_seqnum"); // not even by root
        assumeTrue(Files.exists(path), "there is no " + path);
        assertRefused(path, "may not be written by this process (EACCES); make it writable, or serve it read-only");
    }

    @Test
    void shouldTakeABlockDeviceWithItsSizeAndBlocksAndOnlyOnce() throws Exception {
        Path image = file("disk.img", 1 << 20);
        String device = loopDevice(image);
        try {
            Path path = Path.of(device);
            try (BackingFile file = open(path)) {
                assertEquals(1 << 20, file.bytes());
                assertEquals(4096, file.blockBytes());
                assertEquals(1 << 20, file.size());
                assertRefused(path, "is in use");
            }
            String said = assertThrows(
                            IOException.class, () -> BackingFile.open(path, ANY_SIZE, OptionalInt.of(512), false))
                    .getMessage();
            assertTrue(said.contains("has blocks of 4096 bytes"), said);
            assertThrows(IOException.class, () -> open(path, 1 << 19));
        } finally {
            run("losetup", "-d", device);
        }
        assertFalse(device.isEmpty());
    }

    private static String loopDevice(Path image) throws Exception {
        Process setup = new ProcessBuilder("losetup", "-f", "--show", "-b", "4096", image.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(setup.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assumeTrue(setup.waitFor() == 0, "no loop device can be had (losetup, as root): " + said);
        return said;
    }

    private static String run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(60, TimeUnit.SECONDS) && process.exitValue() == 0, said);
        return said;
    }
}

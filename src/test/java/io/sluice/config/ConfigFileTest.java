package io.sluice.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that are none, or no text. */
class ConfigFileTest {
    private static final String GOOD = "device: model:1G\nvolumes: [{name: a, socket: a.sock}]\n";

    @TempDir
    private Path folder;

    private Path file;

    @BeforeEach
    void name() {
        file = folder.resolve("serve.yaml");
    }

    private void assertError(String expected, Path path) {
        ConfigException e = assertThrows(ConfigException.class, () -> ServeReader.read(path));
        assertEquals(path + expected, e.getMessage());
    }

    private void write(byte[] bytes) throws IOException {
        Files.write(file, bytes);
    }

    @Test
    void shouldReadFilesWithPathsRelativeToTheirFolder() throws Exception {
        write(GOOD.getBytes(StandardCharsets.UTF_8));
        assertEquals(
                folder + "/a.sock", ServeReader.read(file).volumes().getFirst().socket());
        write(("\uFEFF" + GOOD).getBytes(StandardCharsets.UTF_8));
        assertEquals(1, ServeReader.read(file).volumes().size());
        write(GOOD.replace("\n", "\r\n").getBytes(StandardCharsets.UTF_8));
        assertEquals(1, ServeReader.read(file).volumes().size());
    }

    @Test
    void shouldSayWhatAFileIsWhenItIsNone() throws IOException {
        assertError(": there is no such file, or no way to it", file);
        assertError(": it is a folder; name the file in it", folder);
        assertError(": it is not a regular file: a pipe or a device may never end", Path.of("/dev/zero"));
    }

    @Test
    void shouldSayThatAFileMayNotBeRead() throws IOException {
        write(GOOD.getBytes(StandardCharsets.UTF_8));
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("---------"));
        assumeFalse(Files.isReadable(file), "this user reads everything, so there is nothing to be refused");
        assertError(": it may not be read by this user", file);
    }

    @Test
    void shouldHaveABoundOnTheFile() throws Exception {
        String comment = "#".repeat(ConfigFile.MAX_BYTES - GOOD.length());
        write((GOOD + comment).getBytes(StandardCharsets.UTF_8));
        assertEquals(1, ServeReader.read(file).volumes().size());
        write((GOOD + comment + "#").getBytes(StandardCharsets.UTF_8));
        assertError(": it has more than 256K bytes; no configuration needs that", file);
    }

    @Test
    void shouldSayWhichByteIsNotUtf8() throws IOException {
        write("device: é\n# \u00fc\n".getBytes(StandardCharsets.ISO_8859_1));
        assertError(":1:9: byte 0xe9 is not UTF-8; save the file as UTF-8", file);
        write(new byte[] {'a', '\n', (byte) 0xc3, (byte) 0xa9, (byte) 0xff});
        assertError(":2:2: byte 0xff is not UTF-8; save the file as UTF-8", file);
    }

    @Test
    void shouldSayWhichByteIsNotUtf8WhenItIsTheLast() throws IOException {
        write(new byte[] {'a', (byte) 0xc3});
        assertError(":1:2: byte 0xc3 is not UTF-8; save the file as UTF-8", file);
    }

    @Test
    void shouldRefuseNulBytes() throws IOException {
        write(new byte[] {'a', 0});
        assertError(":1:2: character U+0000 may not stand in YAML; remove it", file);
    }
}

package io.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code scripts/sluice} where it may neither install nor build. */
@Timeout(120)
class PreparedScriptTest {
    @TempDir
    private Path folder;

    private void copyScripts() throws IOException {
        Files.createDirectories(folder.resolve("scripts/lib"));
        try (Stream<Path> files = Files.list(Path.of("scripts/lib"))) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file));
            }
        }
        Files.copy(Path.of("scripts/sluice"), folder.resolve("scripts/sluice"));
    }

    @Test
    void shouldTellHowToPrepareItWhenItWouldHaveToBuild() throws Exception {
        copyScripts();
        ProcessBuilder builder = new ProcessBuilder("bash", folder + "/scripts/sluice", "--version");
        builder.environment().put("SLUICE_BUILD", "never");
        builder.environment().put("SLUICE_CACHE", folder + "/cache");
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        Process process = builder.redirectErrorStream(true).start();
        List<String> said = process.inputReader(StandardCharsets.UTF_8).lines().toList();

        assertTrue(process.waitFor(1, TimeUnit.MINUTES), "it hangs");
        assertEquals(1, process.exitValue());
        assertEquals(
                List.of(
                        "sluice: target/sluice.jar is missing or older than the sources, and a service neither installs nor"
                                + " builds. Prepare it once, as root: SLUICE_CACHE=" + folder + "/cache " + folder
                                + "/scripts/sluice --version"),
                said);
        assertFalse(Files.exists(folder.resolve("target")));
    }
}

package io.sluice.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.cli.Rehearsal;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.spi.ToolProvider;

/**
 * What guests need to run Sluice and its tests, as a folder for {@link Rig}'s {@code FILES}: jars, the order in which they are the class
 * path, scripts, and what the JVM can do ahead of its starts. Under emulation a JVM takes half a minute to load and link what it needs
 * for one I/O; with an AOT cache, which {@link Rehearsal} records on the host in seconds, half of that.
 */
final class GuestProgram {
    /** The oldest JDK whose AOT cache holds linked classes. */
    private static final int AOT_JDK = 25;

    private static final int REHEARSAL_MINUTES = 5;

    /** The guests' scripts give the JVM the same, without which it would not take the cache. */
    private static final List<String> JVM_OPTIONS =
            List.of("--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");

    private static final String NEEDED_JARS =
            "(junit|opentest4j|jnr|jffi|asm|slf4j|logback|HdrHistogram|picocli|jackson|snakeyaml).*\\.jar";

    private final Path files;
    private final List<String> jars = new ArrayList<>();

    private GuestProgram(Path files) {
        this.files = files;
    }

    /** Fills a folder that does not exist yet. */
    static Path make(Path files) throws IOException, InterruptedException {
        GuestProgram program = new GuestProgram(Files.createDirectories(files));
        program.copyClasses();
        program.copyScripts();
        if (Runtime.version().feature() >= AOT_JDK) {
            program.rehearse();
        }
        return files;
    }

    private void copyClasses() throws IOException {
        String path = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        for (String entry : path.split(File.pathSeparator, -1)) {
            Path from = Path.of(entry);
            String name = from.getFileName().toString();
            if (entry.isEmpty()) {
                continue; // Surefire ends the path with a colon, which would be the whole project
            }
            if (Files.isDirectory(from)) {
                pack(from, name + ".jar"); // the cache does not take folders
                jars.add(name + ".jar");
            } else if (name.matches(NEEDED_JARS)) {
                Files.copy(from, files.resolve(name));
                jars.add(name);
            }
        }
        Files.write(files.resolve("jars"), jars);
    }

    private void pack(Path folder, String jar) {
        int code = ToolProvider.findFirst("jar")
                .orElseThrow()
                .run(
                        System.out,
                        System.err,
                        "--create",
                        "--no-compress",
                        "--file",
                        files.resolve(jar).toString(),
                        "-C",
                        folder.toString(),
                        ".");
        assertEquals(0, code, jar);
    }

    /** The guests' own, and those that a guest's guest needs. */
    private void copyScripts() throws IOException {
        copy(Path.of("src/test/resources/guest/vfio-lib.sh"), "vfio-lib.sh");
        for (String script : List.of("rig/boot-sector", "rig/qemu", "lib/common.sh")) {
            copy(Path.of("scripts", script), "scripts/" + script);
        }
    }

    private void copy(Path from, String name) throws IOException {
        Path target = files.resolve(name);
        Files.createDirectories(target.getParent());
        Files.copy(from, target);
    }

    private void rehearse() throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("sluice-rehearsal");
        Path log = folder.resolve("log");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(JVM_OPTIONS);
        command.add("-XX:AOTCacheOutput=" + files.resolve("program.aot"));
        command.addAll(List.of("-cp", String.join(":", absoluteJars()), Rehearsal.class.getName(), folder.toString()));
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
            boolean ended = process.waitFor(REHEARSAL_MINUTES, TimeUnit.MINUTES);
            process.destroyForcibly();
            String said = Files.readString(log);
            assertTrue(ended, () -> "the rehearsal does not end: " + said);
            assertEquals(0, process.exitValue(), () -> "the rehearsal failed: " + said);
            assertTrue(Files.exists(files.resolve("program.aot")), () -> "there is no AOT cache: " + said);
        } finally {
            deleteAll(folder);
        }
    }

    private static void deleteAll(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private List<String> absoluteJars() {
        return jars.stream().map(jar -> files.resolve(jar).toString()).toList();
    }
}

package io.sluice.uapi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Compiles small C programs against native-headers/ and the system's kernel headers, and reads what they print. */
public final class NativeHeaders {
    private static final Path HEADERS = Path.of("native-headers").toAbsolutePath();
    private static final long PATIENCE_SECONDS = 60;

    private NativeHeaders() {}

    /**
     * What a program prints, as name and value: its lines are {@code name value}, the name possibly of several words.
     *
     * @param needs system headers without which the test is skipped
     * @param program a whole C program
     */
    public static Map<String, Long> values(Path directory, List<String> needs, String program) throws Exception {
        String compiler = compiler(directory);
        for (String header : needs) {
            String probe = "#include <" + header + ">\nint main(void) { return 0; }\n";
            assumeTrue(
                    compile(directory, compiler, probe).isEmpty(),
                    "the header " + header + " is not here (Debian: packages linux-libc-dev, libc6-dev)");
        }
        assertEquals("", compile(directory, compiler, program), "the compiler refuses native-headers/");
        Map<String, Long> values = new LinkedHashMap<>();
        for (String line : run(directory, List.of(directory.resolve("a.out").toString()))
                .lines()
                .toList()) {
            int space = line.lastIndexOf(' ');
            Long twice = values.put(line.substring(0, space), Long.parseLong(line.substring(space + 1)));
            assertEquals(null, twice, line + " is listed twice");
        }
        assertTrue(values.size() > 10, "the program printed next to nothing: " + values);
        return values;
    }

    private static String compiler(Path directory) throws InterruptedException {
        List<String> found = new ArrayList<>();
        for (String name : List.of("cc", "gcc", "clang")) {
            try {
                run(directory, List.of(name, "--version"));
                found.add(name);
            } catch (IOException absent) {
                assertTrue(absent.getMessage().contains(name), absent.getMessage());
            }
        }
        assumeTrue(!found.isEmpty(), "there is no C compiler here (cc, gcc or clang)");
        return found.get(0);
    }

    /** What the compiler complains about; empty if it is content. */
    private static String compile(Path directory, String compiler, String program) throws Exception {
        Path source = Files.writeString(directory.resolve("program.c"), program);
        List<String> command =
                new ArrayList<>(List.of(compiler, "-Wall", "-Wextra", "-Werror", "-I", HEADERS.toString()));
        command.addAll(List.of("-o", directory.resolve("a.out").toString(), source.toString()));
        return run(directory, command);
    }

    private static String run(Path directory, List<String> command) throws IOException, InterruptedException {
        Path output = directory.resolve("output");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            assertTrue(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS), command + " does not end");
            return Files.readString(output);
        } finally {
            process.destroyForcibly();
        }
    }
}

package io.sluice.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Each target for some seconds, in a JVM of its own, from the kept corpus on. What is found, and what reaches something new, is then
 * below target/fuzz; {@code -Dsluice.fuzz.seconds=} for longer, {@code -Dsluice.seed=} to begin alike.
 *
 * <p>To keep a grown corpus without what adds nothing: Jazzer's {@code -merge=1} into an empty folder, then {@code base64 -w 0} of each
 * file.
 */
class FuzzTest {
    private static final String MAIN = "com.code_intelligence.jazzer.Jazzer";
    private static final int MAX_BYTES = 512;

    /** For one input, on a machine that is busy with other things. */
    private static final int HANG_SECONDS = 10;

    /** What looks for other kinds of mistakes, and costs time. */
    private static final String SANITIZERS = "com.code_intelligence.jazzer.sanitizers.";

    private static final List<String> UNUSED = List.of(
            "BigDecimal",
            "ClojureLangHooks",
            "Deserialization",
            "ExpressionLanguageInjection",
            "FilePathTraversal",
            "LdapInjection",
            "NamingContextLookup",
            "OsCommandInjection",
            "ReflectiveCall",
            "RegexInjection",
            "RegexRoadblocks",
            "ScriptEngineInjection",
            "ServerSideRequestForgery",
            "SqlInjection",
            "TemplateInjection",
            "UnsafeSanitizer",
            "XPathInjection",
            "XmlParserSsrfGuidance");

    private final int seconds = Integer.getInteger("sluice.fuzz.seconds", 10);
    private final int seed = (int) (Long.getLong("sluice.seed", System.nanoTime()) & Integer.MAX_VALUE);

    @ParameterizedTest
    @EnumSource
    void shouldFindNothingWhenFuzzed(Target target) throws Exception {
        System.out.println("FuzzTest, " + target + ", seed " + seed + ", " + seconds + " s");
        Path folder = Path.of("target/fuzz", target.folder()).toAbsolutePath();
        Path grown = Files.createDirectories(folder.resolve("corpus"));
        Path kept = Files.createDirectories(folder.resolve("kept"));
        int line = 0;
        for (byte[] input : target.corpus()) {
            Files.write(kept.resolve("line-" + ++line), input);
        }
        Path log = folder.resolve("log");
        int exitCode = new ProcessBuilder(command(target, folder, grown, kept))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start()
                .waitFor();
        String said = Files.readString(log, StandardCharsets.ISO_8859_1);
        System.out.println(end(said));
        assertEquals(0, exitCode, () -> "inputs that are findings are in " + folder + "\n" + said);
        assertTrue(said.contains("stat::number_of_executed_units"), said);
    }

    private List<String> command(Target target, Path folder, Path grown, Path kept) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-ea",
                "-Xmx512m",
                "-XX:+EnableDynamicAgentLoading",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))));
        if (Runtime.version().feature() >= 23) {
            command.add("--sun-misc-unsafe-memory-access=allow"); // for Jazzer's counters
        }
        command.addAll(List.of(
                MAIN,
                "--target_class=" + target.entry.getName(),
                "--instrumentation_includes=io.sluice.**",
                "--instrumentation_excludes=io.sluice.fuzz.**",
                "--disabled_hooks="
                        + String.join(
                                ":", UNUSED.stream().map(SANITIZERS::concat).toList()),
                "--reproducer_path=" + folder,
                "-artifact_prefix=" + folder + "/",
                "-max_total_time=" + seconds,
                "-seed=" + seed,
                "-max_len=" + MAX_BYTES,
                "-timeout=" + HANG_SECONDS,
                "-print_final_stats=1",
                grown.toString(),
                kept.toString()));
        return command;
    }

    /** What it has done, without the words that it has learnt. */
    private static String end(String said) throws IOException {
        try (Stream<String> lines = said.lines()) {
            List<String> told = lines.filter(line -> line.startsWith("stat::") || line.contains("DONE"))
                    .toList();
            return String.join("\n", told);
        }
    }
}

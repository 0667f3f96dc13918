package io.sluice.config;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A good file, damaged at random: it is read, or refused by a message, and nothing else ever happens. */
class ConfigFuzzTest {
    private static final int RUNS = Integer.getInteger("sluice.fuzz.runs", 5_000);
    private static final int MAX_MESSAGE = 20_000;

    /** What parsers trip over. */
    private static final String[] MORSELS = {
        "\"",
        "'",
        "[",
        "]",
        "{",
        "}",
        ":",
        ": ",
        "- ",
        "\n",
        "\n  ",
        "\t",
        "#",
        "&a ",
        "*a",
        "!!int ",
        "!<x> ",
        "|\n",
        ">-\n",
        "%YAML 9.9\n",
        "%TAG ! a\n",
        "---\n",
        "...\n",
        "? ",
        "\\UFFFFFFFF",
        "\"\\x",
        "\u0000",
        "\uFEFF",
        "\u2028",
        "\uD83D\uDE00",
        "9".repeat(50),
        "size: 1M\n",
        "~",
        "null",
        "<<: ",
        "\r",
        "-1",
        "0x10",
        "1e9",
        "[[[[[[[[[[[[[[[[[["
    };

    @Test
    @Timeout(
            value = 5,
            unit = TimeUnit.MINUTES,
            threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // a hang, not a measure
    void shouldReadOrRefuseWhateverComes() throws IOException {
        long seed = Long.getLong("sluice.seed", System.nanoTime());
        System.out.println("ConfigFuzzTest: -Dsluice.seed=" + seed);
        String good = Files.readString(Path.of("scripts/serve.yaml"));
        Random random = new Random(seed);
        int refused = 0;
        for (int run = 0; run < RUNS; run++) {
            String damaged = damage(good, random);
            try {
                ServeReader.parse(damaged, "serve.yaml", Path.of("/run"));
            } catch (ConfigException e) {
                refused++;
                assertTrue(!e.errors().isEmpty() && e.errors().size() <= ConfigException.MAX_ERRORS, e.getMessage());
                assertTrue(e.getMessage().length() < MAX_MESSAGE, () -> "seed " + seed + ": " + e.getMessage());
                assertTrue(
                        e.getMessage().chars().allMatch(c -> c >= ' ' || c == '\n'),
                        () -> "seed " + seed + " says control characters: " + e.getMessage());
            } catch (RuntimeException | StackOverflowError e) {
                throw new AssertionError("seed " + seed + ", run " + run + ":\n" + damaged, e);
            }
        }
        assertTrue(refused > RUNS / 10, "only " + refused + " were refused");
        assertTrue(refused < RUNS, "all were refused");
    }

    private static String damage(String good, Random random) {
        StringBuilder text = new StringBuilder(good);
        int changes = 1 + random.nextInt(4);
        for (int i = 0; i < changes; i++) {
            int at = random.nextInt(text.length() + 1);
            int end = Math.min(text.length(), at + random.nextInt(20));
            switch (random.nextInt(5)) {
                case 0 -> text.insert(at, MORSELS[random.nextInt(MORSELS.length)]);
                case 1 -> text.delete(at, end);
                case 2 -> text.insert(random.nextInt(text.length() + 1), text.substring(at, end));
                case 3 -> text.replace(at, end, MORSELS[random.nextInt(MORSELS.length)]);
                default -> text.insert(at, (char) random.nextInt(1 << 8));
            }
        }
        // What no file can have: half of a pair.
        return new String(text.toString().getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    }
}

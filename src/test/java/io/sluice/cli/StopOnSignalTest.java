package io.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a signal does to commands that end at once and to those that come to their end: each in a process of its own. */
@Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // a hang, not a measure
class StopOnSignalTest {
    private static final int ENDED_BY_SIGTERM = 143;

    /** A command of three steps: says when it has begun, and takes longer than a command that is to stop has. */
    static final class Steps {
        private Steps() {}

        public static void main(String[] arguments) throws IOException {
            boolean toTheEnd = arguments[0].equals("end");
            int result = toTheEnd
                    ? StopOnSignal.toTheEnd("binding it", "sluice unbind it", () -> run(2_500))
                    : StopOnSignal.during(() -> {}, () -> run(120_000));
            System.exit(result);
        }

        private static int run(int millis) {
            System.out.println("begun");
            try {
                Thread.sleep(millis);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            System.out.println("done");
            return 0;
        }
    }

    private record Ended(int code, String out, String err) {}

    private static Ended stopped(String kind) throws Exception {
        Process process = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Steps.class.getName(),
                        kind))
                .start();
        try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
            assertEquals("begun", out.readLine());
            process.toHandle().destroy(); // leaves its streams open
            String rest = out.readLine();
            String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Ended(process.waitFor(), String.valueOf(rest), err);
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void shouldComeToItsEndWhenACommandIsNotToBeLeftHalfWay() throws Exception {
        Ended ended = stopped("end");

        assertEquals("done", ended.out(), ended.err());
        assertTrue(ended.err().contains("binding it is not left half way; waiting for its end"), ended.err());
        assertFalse(ended.err().contains("ending anyway"), ended.err());
        assertEquals(ENDED_BY_SIGTERM, ended.code());
    }

    @Test
    void shouldEndAnywayWhenACommandDoesNotStopInTime() throws Exception {
        Ended ended = stopped("soon");

        assertEquals("null", ended.out(), "it came to its end");
        assertTrue(ended.err().contains("it did not stop in time; ending anyway"), ended.err());
        assertEquals(ENDED_BY_SIGTERM, ended.code());
    }
}

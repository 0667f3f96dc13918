package io.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.sluice.linux.Posix;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The commands against each other, each in a process of its own: what they say, how they end. */
@Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // a hang, not a measure
class ProcessTest {
    private static final int SIGINT = 2;
    private static final int SIGTERM = 15;
    private static final int SIGKILL_CODE = 137;

    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private Path socket() {
        return folder.resolve("nvme.sock");
    }

    private int run(String... arguments) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Sluice.commandLine(new PrintWriter(out, true), new PrintWriter(err, true))
                .execute(arguments);
    }

    private static int codeOf(Process process) throws InterruptedException {
        assertTrue(process.waitFor(60, TimeUnit.SECONDS), "it hangs");
        return process.exitValue();
    }

    @Test
    void shouldServeIdentifyAndVerifyAndEndWhenAsked() throws Exception {
        ModelProcess model = ModelProcess.start(
                socket(), "--memory", "16M", "--block-size", "4096", "--serial", "S 1", "--queues", "3");
        try (model) {
            assertTrue(model.said().getLast().contains("\"path\":\"" + socket() + "\""), model.said()::toString);
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())));

            assertEquals(ExitCode.OK, run("identify", socket().toString()), err.toString());
            assertTrue(out.toString().contains("\nserial          S 1\n"), out.toString());
            assertTrue(out.toString().contains("  blocks        4,096 of 4096 bytes\n"), out.toString());
            assertTrue(out.toString().contains("doorbells mapped"), out.toString());

            assertEquals(ExitCode.OK, run("identify", "--json", socket().toString()), err.toString());
            JsonNode identity = JsonMapper.shared().readTree(out.toString());
            assertEquals("S 1", identity.at("/controller/serial").asString());
            assertEquals(16 << 20, identity.at("/namespaces/0/bytes").asLong());
            assertEquals(3, identity.at("/controller/io_submission_queues").asInt());

            assertEquals(ExitCode.OK, bench("--op", "randrw", "--verify", "--json", "--depth", "8"), err.toString());
            JsonNode result = JsonMapper.shared().readTree(out.toString());
            assertEquals(0, result.at("/verification/blocks_wrong").asInt());
            assertTrue(result.at("/verification/blocks_checked").asLong() > 0);
            assertTrue(result.at("/total/iops").asDouble() > 0);
            assertTrue(result.at("/total/latency_ns/p50").asLong() > 0);
            assertEquals("randrw", result.at("/load/op").asString());
        }
        assertEquals(143, codeOf(model.process()));
        assertFalse(Files.exists(socket()), "the socket is left behind");
    }

    @Test
    void shouldServeSeveralNamespacesAndRefuseAFileThatIsServed() throws Exception {
        String file = folder.resolve("disk.img").toString();
        try (ModelProcess model = ModelProcess.start(
                socket(), "--namespace", "memory=16M", "--namespace", "file=" + file + ",size=8M,block-size=4096")) {
            assertEquals(ExitCode.OK, run("identify", "--json", socket().toString()), err.toString());
            JsonNode identity = JsonMapper.shared().readTree(out.toString());
            assertEquals(16 << 20, identity.at("/namespaces/0/bytes").asLong());
            assertEquals(8 << 20, identity.at("/namespaces/1/bytes").asLong());
            assertEquals(
                    ExitCode.OK, bench("--op", "randrw", "--verify", "--depth", "8", "--nsid", "2"), err.toString());
            String other = folder.resolve("other.sock").toString();
            assertEquals(ExitCode.FAILED, run("model", "--socket", other, "--file", file));
            assertTrue(
                    err.toString()
                            .contains("is locked by process " + model.process().pid()),
                    err.toString());
        }
    }

    @Test
    void shouldFailWhenStandardOutputIsFull() throws Exception {
        try (ModelProcess model = ModelProcess.start(socket(), "--memory", "16M")) {
            for (String command : List.of("identify", "bench --json --op read --time 1 --warm-up 0")) {
                List<String> arguments = new ArrayList<>(List.of(command.split(" ", -1)));
                arguments.add(socket().toString());
                assertFailsWithoutOutput(arguments);
            }
            assertTrue(model.process().isAlive());
        }
        assertFailsWithoutOutput(List.of("model", "--socket", socket().toString(), "--memory", "16M"));
        assertFalse(Files.exists(socket()), "the socket is left behind");
    }

    private static void assertFailsWithoutOutput(List<String> arguments) throws Exception {
        Process process = ModelProcess.command(arguments)
                .redirectOutput(new File("/dev/full"))
                .start();
        String said = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(ExitCode.FAILED, codeOf(process), said);
        assertTrue(said.contains("sluice: cannot write to standard output"), said);
    }

    private int bench(String... more) {
        String[] arguments = new String[more.length + 6];
        System.arraycopy(
                new String[] {"bench", socket().toString(), "--time", "1", "--warm-up", "0"}, 0, arguments, 0, 6);
        System.arraycopy(more, 0, arguments, 6, more.length);
        return run(arguments);
    }

    @Test
    void shouldTellWrongDataByItsExitCode() throws Exception {
        try (ModelProcess model = ModelProcess.start(socket(), "--memory", "16M", "--noop", "--mode", "660")) {
            assertEquals("rw-rw----", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())));
            assertEquals(ExitCode.DATA_WRONG, bench("--op", "write", "--verify", "--depth", "4"), err.toString());
            assertTrue(out.toString().contains("DATA IS WRONG in "), out.toString());
            assertTrue(out.toString().contains("first: namespace 1, LBA "), out.toString());
            assertEquals(ExitCode.FAILED, bench("--op", "read", "--verify", "--seed", "1"), err.toString());
            assertTrue(out.toString().contains("NOTHING WAS VERIFIED"), out.toString());
            assertTrue(model.process().isAlive());
        }
    }

    @Test
    void shouldRefuseASocketThatIsInUseAndReplaceOneThatIsNot() throws Exception {
        ModelProcess first = ModelProcess.start(socket(), "--memory", "1M");
        try (first) {
            assertEquals(ExitCode.FAILED, run("model", "--socket", socket().toString(), "--memory", "1M"));
            assertTrue(err.toString().startsWith("sluice: model failed: "), err.toString());
            assertTrue(err.toString().contains("EADDRINUSE"), err.toString());
            first.process().destroyForcibly();
            assertEquals(SIGKILL_CODE, codeOf(first.process()));
        }
        assertTrue(Files.exists(socket()), "a killed model cannot tidy up");
        try (ModelProcess second = ModelProcess.start(socket(), "--memory", "1M")) {
            assertEquals(ExitCode.OK, run("identify", socket().toString()), err.toString());
            assertTrue(second.process().isAlive());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {SIGINT, SIGTERM})
    void shouldPrintTheResultSoFarWhenStopped(int signal) throws Exception {
        assumeFalse(
                isIgnored(signal), "signal " + signal + " is ignored here, as in what a shell runs in the background");
        try (ModelProcess model = ModelProcess.start(socket(), "--memory", "16M")) {
            Process bench = ModelProcess.command(List.of(
                            "bench", socket().toString(), "--op", "randread", "--time", "3600", "--warm-up", "0"))
                    .redirectErrorStream(true)
                    .start();
            awaitClient(model, bench);
            Posix.kill((int) bench.pid(), signal);
            String output = new String(bench.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(128 + signal, codeOf(bench), output);
            assertTrue(output.contains("(stopped early)"), output);
            assertTrue(output.contains("\nreads "), output);
            assertEquals(ExitCode.OK, run("identify", socket().toString()), err.toString());
        }
    }

    /** An ignored signal stays ignored in the processes that this one starts. */
    private static boolean isIgnored(int signal) throws IOException {
        String mask = Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("SigIgn:"))
                .map(line -> line.substring("SigIgn:".length()).strip())
                .findFirst()
                .orElseThrow();
        return BigInteger.valueOf(Long.parseUnsignedLong(mask, 16)).testBit(signal - 1);
    }

    /** Until the client has been connected for a while, so that its load runs: its memory is mapped by then. */
    private static void awaitClient(ModelProcess model, Process client) throws IOException, InterruptedException {
        Path maps = Path.of("/proc", Long.toString(model.process().pid()), "maps");
        while (!Files.readString(maps).contains("memfd:sluice bench data")) {
            if (!client.isAlive()) {
                fail("the client has ended: "
                        + new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
            }
            Thread.sleep(20);
        }
        Thread.sleep(500);
    }

    @Test
    void shouldFailWithAMessageWhenTheServerDiesUnderTheLoad() throws Exception {
        try (ModelProcess model = ModelProcess.start(socket(), "--memory", "16M")) {
            Process bench = ModelProcess.command(
                            List.of("bench", socket().toString(), "--op", "randread", "--time", "3600", "--depth", "4"))
                    .redirectErrorStream(true)
                    .start();
            awaitClient(model, bench);
            model.process().destroyForcibly();
            String output = new String(bench.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(ExitCode.FAILED, codeOf(bench), output);
            assertTrue(output.startsWith("sluice: bench failed: "), output);
            assertTrue(output.contains("closed the connection") || output.contains("EPIPE"), output);
            assertFalse(output.contains("\tat "), output);
        }
    }

    @Test
    void shouldSayThatAnotherClientIsServedWhenOneIs() throws Exception {
        try (ModelProcess model = ModelProcess.start(socket(), "--memory", "16M")) {
            Process bench = ModelProcess.command(
                            List.of("bench", socket().toString(), "--op", "randread", "--time", "3600"))
                    .redirectErrorStream(true)
                    .start();
            awaitClient(model, bench);
            assertEquals(ExitCode.FAILED, run("identify", socket().toString()));
            assertTrue(err.toString().contains("busy with another client"), err.toString());
            bench.destroy();
            assertEquals(143, codeOf(bench));
            assertTrue(model.process().isAlive());
        }
    }
}

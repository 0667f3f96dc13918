package io.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.daemon.ModelDaemon;
import io.sluice.daemon.ModelOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The command line as a user meets it: words, exit codes, help. */
class SluiceTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path folder;

    private int run(String... arguments) {
        return Sluice.commandLine(new PrintWriter(out, true), new PrintWriter(err, true))
                .execute(arguments);
    }

    private void assertUsageError(String message, String... arguments) {
        assertEquals(ExitCode.USAGE, run(arguments), err.toString());
        assertTrue(err.toString().startsWith("sluice: "), err.toString());
        assertTrue(err.toString().contains(message), err.toString());
        assertTrue(err.toString().contains("--help'."), err.toString());
        assertFalse(err.toString().contains("Exception"), err.toString());
        assertEquals("", out.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "serve", "check", "model", "identify", "bench", "list", "bind", "unbind"})
    void shouldHelpEverywhereAndTellExitCodes(String command) {
        int code = command.isEmpty() ? run("--help") : run(command, "--help");
        assertEquals(ExitCode.OK, code);
        String help = out.toString();
        assertTrue(help.contains("Usage: sluice"), help);
        assertTrue(help.contains("Exit status:"), help);
        assertTrue(help.contains("130"), help);
        assertTrue(help.contains("--help") && help.contains("--version") && help.contains("--verbose"), help);
        assertEquals("", err.toString());
        assertTrue(help.lines().allMatch(line -> line.length() <= 120), help);
    }

    @Test
    void shouldNameEveryCommandInTheHelp() {
        run("--help");
        for (String command : new String[] {"serve", "check", "model", "identify", "bench", "list", "bind", "unbind"}) {
            assertTrue(out.toString().contains("\n  " + command + " "), out.toString());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "serve, --config",
        "serve, --volume",
        "serve, --pass-through",
        "serve, --destroy-data",
        "serve, --device-queues",
        "serve, --device-queue-entries",
        "serve, --timeout-millis",
        "serve, --core",
        "serve, --spin-micros",
        "serve, --yield-micros",
        "serve, --park-micros",
        "serve, --log-level",
        "check, FILE",
        "model, --socket",
        "model, --memory",
        "model, --block-size",
        "model, --serial",
        "model, --mode",
        "model, --owner",
        "model, --group",
        "model, --queues",
        "model, --noop",
        "model, --log-level",
        "identify, --json",
        "bench, --op",
        "bench, --block-size",
        "bench, --depth",
        "bench, --queues",
        "bench, --time",
        "bench, --verify",
        "bench, --seed",
        "bench, --json",
        "bench, --driver-cost",
        "bench, --think-time",
        "bench, --mediator-cost",
        "bench, --no-shared-memory",
        "bench, model:noop",
        "identify, model:noop",
        "list, --json",
        "bind, --force",
        "unbind, --force"
    })
    void shouldTellOfEachOption(String command, String option) {
        run(command, "--help");
        assertTrue(out.toString().contains(option), out.toString());
    }

    @Test
    void shouldSayWhichVersionItIs() {
        assertEquals(ExitCode.OK, run("--version"));
        assertTrue(out.toString().startsWith("sluice "), out.toString());
        assertTrue(out.toString().contains("JDK "), out.toString());
    }

    @Test
    void shouldAskForACommandWhenThereIsNone() {
        assertUsageError("a command is missing: serve, check, model, identify, bench, list, bind or unbind");
    }

    @Test
    void shouldSuggestWhenACommandIsMistyped() {
        assertUsageError("Did you mean: sluice check or sluice bench", "bnech", "/tmp/x");
    }

    @Test
    void shouldNameTheOptionWhenItIsUnknown() {
        assertUsageError("'--dpeth'", "bench", "/tmp/x", "--op", "read", "--dpeth", "3");
    }

    @Test
    void shouldNameWhatIsMissing() {
        assertUsageError("--socket=PATH", "model", "--memory", "1G");
        assertUsageError("TARGET", "identify");
        assertUsageError("--op", "bench", "/tmp/x");
    }

    @ParameterizedTest
    @ValueSource(strings = {"bind", "unbind"})
    void shouldSayWhatWouldBeRightWhenAnAddressIsNot(String command) {
        assertUsageError("\"nvme0\" is not a PCI address; write it as", command, "nvme0");
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        assertUsageError("ADDR", command);
    }

    @Test
    void shouldSayWhatWouldBeRightWhenASizeIsNot() {
        assertUsageError("\"1Q\" is not a size; write bytes, or", "model", "--socket", "/tmp/x", "--memory", "1Q");
    }

    @ParameterizedTest
    @CsvSource({
        "--block-size, 1000, '512 or 4096 bytes, not 1000'",
        "--block-size, 9999G, 'blocks have 512 or 4096 bytes, not 10736344498176'",
        "--block-size, 4294967808, 'blocks have 512 or 4096 bytes, not 4294967808'",
        "--serial, '', '1 to 20 printable ASCII characters'",
        "--queues, 0, '1 to 64 queue pairs, not 0'",
        "--queues, 65, '1 to 64 queue pairs, not 65'",
        "--serial, 'ä', '1 to 20 printable ASCII characters'",
        "--serial, 123456789012345678901, '1 to 20 printable ASCII characters'",
        "--memory, 0, not made of whole blocks",
        "--memory, 1000, not made of whole blocks",
        "--mode, 888, '\"888\": write it in octal, such as 660'",
        "--mode, 7777, '\"7777\": write it in octal, such as 660'",
        "--log-level, loud, 'ERROR, WARN, INFO, DEBUG, TRACE'"
    })
    void shouldRefuseModelsThatCannotBe(String option, String value, String message) {
        String memory = option.equals("--memory") ? value : "64M";
        String[] arguments = option.equals("--memory")
                ? new String[] {"model", "--socket", "/tmp/x", "--memory", memory}
                : new String[] {"model", "--socket", "/tmp/x", "--memory", memory, option, value};
        assertUsageError(message, arguments);
    }

    @ParameterizedTest
    @CsvSource({
        "--depth, 0, 'the depth must be 1 or more, not 0'",
        "--depth, x, '--depth'",
        "--depth, 65536, 'the depth must be 65535 or less, not 65536'",
        "--depth, 2147483647, 'the depth must be 65535 or less, not 2147483647'",
        "--queues, 100000, 'queues must be 65535 or less, not 100000'",
        "--seed, 1K, 'not a whole number'",
        "--queues, 0, 'queues must be 1 or more, not 0'",
        "--time, 0, 'the time must be 1 second or more, not 0'",
        "--threads, 5, 'threads must be 1 to the number of queues, not 5'",
        "--read-percent, 101, 'reads must be 0 to 100 percent, not 101'",
        "--block-size, 4G, 'more than any device transfers'"
    })
    void shouldRefuseLoadsThatCannotBe(String option, String value, String message) {
        assertUsageError(message, "bench", "/tmp/x", "--op", "randread", option, value);
    }

    // ---- a model in this process

    @ParameterizedTest
    @CsvSource({
        "model:, '\"model:\" is not a model; write model:noop, model:memory or model:file=PATH'",
        "model:disk, '\"model:disk\" is not a model; write model:noop, model:memory or model:file=PATH'",
        "'model:noop,speed=3', '\"speed=3\" in \"model:noop,speed=3\" is neither size=SIZE nor block-size=512|4096'",
        "'model:noop,', '\"\" in \"model:noop,\" is neither'",
        "'model:noop,size', '\"size\" in'",
        "'model:noop,size=1Q', '\"1Q\" is not a size'",
        "'model:noop,size=1000', 'not made of whole blocks'",
        "'model:memory,block-size=1G', 'blocks have 512 or 4096 bytes'"
    })
    void shouldSayWhatWouldBeRightWhenAModelIsNot(String target, String message) {
        assertUsageError(message, "identify", target);
    }

    @Test
    void shouldIdentifyAModelInThisProcess() {
        assertEquals(ExitCode.OK, run("identify", "model:memory,size=4M,block-size=4096"), err.toString());
        assertTrue(out.toString().contains("  blocks        1,024 of 4096 bytes\n"), out.toString());
        assertEquals("", err.toString());
    }

    @Test
    void shouldVerifyAModelInAFileAndSpareOneThatHasData(@TempDir Path folder) throws IOException {
        String target = "model:file=" + folder.resolve("disk.img") + ",size=4M";
        String[] bench = {"bench", target, "--op", "randrw", "--verify", "--time", "1", "--warm-up", "0"};
        assertEquals(ExitCode.OK, run(bench), err.toString());
        assertTrue(out.toString().contains(": all as written"), out.toString());

        assertEquals(ExitCode.FAILED, run(bench));
        assertTrue(err.toString().contains("--destroy-data"), err.toString());
        assertEquals(ExitCode.FAILED, run("identify", "model:file=" + folder.resolve("none.img")));
        assertTrue(err.toString().contains("does not exist; give a size to have it made"), err.toString());
    }

    @ParameterizedTest
    @CsvSource({
        "'--memory 1M --file x', 'mutually exclusive'",
        "'--memory 1M --size 1M', '--size and --read-only go with --file'",
        "'--memory 1M --read-only', '--size and --read-only go with --file'",
        "'--file x --noop', '--noop and --hugepages go with --memory'",
        "'--memory 1M --hugepages --noop', '--noop moves no data'",
        "'--namespace memory=1M --block-size 512', 'a --namespace has them in itself'",
        "'--namespace memory=1M --memory 1M', 'mutually exclusive'",
        "'--namespace disk=1M', '\"disk=1M\" begins with neither memory=SIZE nor file=PATH'",
        "'--namespace memory=1M,size=1M', 'has a size already'",
        "'--namespace memory=1M,read-only', 'read-only goes with file=PATH'",
        "'--namespace file=x,hugepages', 'hugepages goes with memory=SIZE'",
        "'--namespace file=x,speed=3', '\"speed=3\" in'",
        "'--file x --size 1000', 'not made of whole blocks'",
        "'--file x --block-size 1K', 'blocks have 512 or 4096 bytes'",
        "'--memory 1M --fault-seed 1', '--fault-seed goes with --faults'",
        "'--memory 1M --faults fail=2', '\"fail=2\" has no likelihood from 0 to 1; faults are late=P:TIME'",
        "'--memory 1M --faults torn', 'torn is what a crash does to a file'",
        "'--file x --read-only --faults torn', 'torn is what a crash does to a file'",
        "'--memory 1M --faults fail=0.1 --fault-seed x', '--fault-seed'"
    })
    void shouldRefuseModelsInFilesThatCannotBe(String options, String message) {
        String[] words = ("model --socket /tmp/none.sock " + options).split(" ", -1);
        assertUsageError(message, words);
    }

    @Test
    void shouldVerifyAModelInThisProcess() {
        assertEquals(
                ExitCode.OK,
                run("bench", "model:memory,size=4M", "--op", "randrw", "--verify", "--time", "1", "--warm-up", "0"),
                err.toString());
        assertTrue(out.toString().contains(" on model:memory,size=4M\n"), out.toString());
        assertTrue(out.toString().contains(": all as written"), out.toString());
    }

    /** The server's thread for such requests is there as long as it has a client that it has asked for memory. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldVerifyADeviceThatHasToAskForItsDataIfItIsTo(boolean asks) throws Exception {
        ModelOptions options = new ModelOptions(
                folder.resolve("s"), 0600, Optional.empty(), Optional.empty(), 4 << 20, 512, "ASKING", false);
        try (ModelDaemon model = ModelDaemon.start(options)) {
            String[] bench = {
                "bench", model.socket().toString(), "--op", "randrw", "--verify", "--time", "1", "--warm-up", "0",
            };
            String[] arguments = Arrays.copyOf(bench, bench.length + (asks ? 1 : 0));
            if (asks) {
                arguments[bench.length] = "--no-shared-memory";
            }
            FutureTask<Integer> run = new FutureTask<>(() -> run(arguments));
            Thread.ofPlatform().start(run);
            boolean asked = false;
            while (!run.isDone()) {
                asked |= Thread.getAllStackTraces().keySet().stream()
                        .anyMatch(thread -> thread.getName().equals("vfio-user DMA ASKING"));
                Thread.sleep(10);
            }
            assertEquals(ExitCode.OK, run.get(), err.toString());
            assertTrue(out.toString().contains(": all as written"), out.toString());
            assertEquals(asks, asked);
        }
    }

    @Test
    void shouldRefuseToKeepMemoryFromADeviceThatIsNotBehindASocket() {
        String[] bench = {"bench", "model:memory", "--op", "randread", "--no-shared-memory"};
        assertUsageError("--no-shared-memory is for a device behind a vfio-user socket", bench);
    }

    @Test
    void shouldTellTheDriversOwnCostForPeopleAndPrograms() {
        String[] arguments = {
            "bench", "model:noop", "--op", "randread", "--depth", "4", "--driver-cost", "--time", "1", "--warm-up", "0"
        };
        assertEquals(ExitCode.OK, run(arguments), err.toString());
        assertTrue(
                out.toString().startsWith("the driver's own cost: randread, 4 KiB, batches of 4, 1 queue, "),
                out::toString);
        assertTrue(out.toString().contains("\ndriver "), out::toString);
        out.getBuffer().setLength(0);
        String[] forPrograms = Arrays.copyOf(arguments, arguments.length + 1);
        forPrograms[arguments.length] = "--json";
        assertEquals(ExitCode.OK, run(forPrograms), err.toString());
        JsonNode cost = JsonMapper.shared().readTree(out.toString()).at("/driver_cost");
        assertEquals(
                cost.at("/total_ns").asDouble(),
                cost.at("/submit_ns").asDouble() + cost.at("/take_ns").asDouble());
        assertTrue(cost.at("/commands").asLong() > 0);
    }

    @Test
    void shouldTellWhatTheMediatorAddsForPeopleAndPrograms() {
        String[] arguments = {
            "bench", "model:memory,size=16M", "--op", "randread", "--mediator-cost", "--time", "1", "--warm-up", "0"
        };
        assertEquals(ExitCode.OK, run(arguments), err.toString());
        assertTrue(out.toString().startsWith("what the mediator adds: randread, 4 KiB, depth 1, "), out::toString);
        assertTrue(out.toString().contains("\nlatency, p50 "), out::toString);
        out.getBuffer().setLength(0);
        String[] forPrograms = Arrays.copyOf(arguments, arguments.length + 1);
        forPrograms[arguments.length] = "--json";
        assertEquals(ExitCode.OK, run(forPrograms), err.toString());
        JsonNode cost = JsonMapper.shared().readTree(out.toString()).at("/mediator_cost");
        assertEquals(
                cost.at("/added_ns").asDouble(),
                cost.at("/mediated_ns").asDouble() - cost.at("/device_ns").asDouble());
        assertTrue(cost.at("/mediated_latency_p50_ns").asLong() > 0);
    }

    @Test
    void shouldSayWhatMeasuringTheMediatorNeeds() {
        String message = "--mediator-cost needs a model in this process";
        assertUsageError(message, "bench", "/tmp/x", "--op", "read", "--mediator-cost");
        err.getBuffer().setLength(0);
        assertUsageError(message, "bench", "model:memory,via=mediator", "--op", "read", "--mediator-cost");
        err.getBuffer().setLength(0);
        assertUsageError(message, "bench", "model:memory", "--op", "read", "--mediator-cost", "--queues", "2");
    }

    @Test
    void shouldAskForAModelWhenTheDriversOwnCostIsToBeMeasured() {
        String message = "--driver-cost needs a model in this process, model:noop say, and no --verify";
        assertUsageError(message, "bench", "/tmp/x", "--op", "read", "--driver-cost");
        err.getBuffer().setLength(0);
        assertUsageError(message, "bench", "model:noop", "--op", "write", "--driver-cost", "--verify");
    }

    @Test
    void shouldListOperationsWhenOneIsUnknown() {
        assertUsageError("read, write, randread, randwrite, randrw", "bench", "/tmp/x", "--op", "trim");
    }

    @Test
    void shouldAskForTheSeedWhenOnlyReadingIsToBeVerified() {
        assertUsageError(
                "--verify with --op read needs the --seed of the run that wrote the data",
                "bench",
                "/tmp/x",
                "--op",
                "read",
                "--verify");
    }

    @Test
    void shouldSayWhatAndWhyWhenThereIsNoSuchSocket() {
        Path socket = folder.resolve("none.sock");
        assertEquals(ExitCode.FAILED, run("identify", socket.toString()));
        assertTrue(err.toString().startsWith("sluice: identify failed: connect to " + socket), err.toString());
        assertTrue(err.toString().contains("Is the server running"), err.toString());
        assertEquals(1, err.toString().lines().count(), err.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"--help", "--version"})
    void shouldFailWhenNothingCanBePrinted(String option) {
        Writer full = new Writer() {
            @Override
            public void write(char[] text, int offset, int length) throws IOException {
                throw new IOException("No space left on device");
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };

        assertEquals(ExitCode.FAILED, Sluice.run(new PrintWriter(full, true), new PrintWriter(err, true), option));
        assertTrue(err.toString().startsWith("sluice: cannot write to standard output"), err.toString());
    }

    @Test
    void shouldShowWhereItFailedWhenVerbose() {
        assertEquals(
                ExitCode.FAILED,
                run("identify", "-v", folder.resolve("none.sock").toString()));
        assertTrue(err.toString().contains("at io.sluice."), err.toString());
    }

    @Test
    void shouldQuoteTheSocketsPathForShellAndJson() {
        String arguments = QemuArguments.of(Path.of("/tmp/it's \"x\""));
        assertTrue(
                arguments.contains("-device '{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\","
                        + "\"path\":\"/tmp/it'\\''s \\\"x\\\"\"}}'"),
                arguments);
        assertTrue(arguments.contains("-object memory-backend-memfd,id=mem,size=1G,share=on"), arguments);
    }
}

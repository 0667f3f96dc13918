package io.sluice.cli;

import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code sluice model} in a process of its own, as an operator would run it, with the classes that are being tested. */
public final class ModelProcess implements AutoCloseable {
    private static final long READY_SECONDS = 60;
    private static final long END_SECONDS = 10;

    /** How the last line begins that a model prints when it is ready. */
    private static final String READY = "-device ";

    private final Process process;
    private final Path socket;
    private final Path output;
    private final Path log;

    private ModelProcess(Process process, Path socket, Path output, Path log) {
        this.process = process;
        this.socket = socket;
        this.output = output;
        this.log = log;
    }

    /**
     * Starts it and waits until it is ready.
     *
     * @param socket where it serves; what it prints and logs goes to files beside it
     * @param options after {@code model --socket PATH}
     */
    public static ModelProcess start(Path socket, String... options) throws IOException, InterruptedException {
        Path output = socket.resolveSibling(socket.getFileName() + ".out");
        Path log = socket.resolveSibling(socket.getFileName() + ".log");
        List<String> arguments = new ArrayList<>(List.of("model", "--socket", socket.toString()));
        arguments.addAll(Arrays.asList(options));
        Process process = command(arguments)
                .redirectOutput(output.toFile())
                .redirectError(log.toFile())
                .start();
        ModelProcess model = new ModelProcess(process, socket, output, log);
        model.awaitReady();
        return model;
    }

    /** A {@code sluice} command on the tests' class path. */
    static ProcessBuilder command(List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseZGC",
                "-Xmx128m",
                "-cp",
                System.getProperty("java.class.path"),
                Sluice.class.getName()));
        command.addAll(arguments);
        return new ProcessBuilder(command);
    }

    private void awaitReady() throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(READY_SECONDS);
        while (!isReady()) {
            if (!process.isAlive() || System.nanoTime() - deadline > 0) {
                String said = Files.readString(output) + log();
                close();
                throw new AssertionError("the model did not get ready; it said: " + said);
            }
            Thread.sleep(20);
        }
    }

    private boolean isReady() throws IOException {
        return Files.readString(output).endsWith(System.lineSeparator())
                && said().getLast().startsWith(READY);
    }

    public Path socket() {
        return socket;
    }

    public Process process() {
        return process;
    }

    /** What it has printed for its user, line by line. */
    public List<String> said() throws IOException {
        return Files.readAllLines(output);
    }

    /** What it has logged so far. */
    public String log() throws IOException {
        return Files.readString(log);
    }

    /** Asks it to end, and waits until it has. */
    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                fail("the model did not end within " + END_SECONDS + " s of SIGTERM");
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}

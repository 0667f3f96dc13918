package io.sluice.qemu;

import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code sluice model} in a process of its own, as an operator would run it. */
public final class ModelProcess implements AutoCloseable {
    private static final long READY_SECONDS = 60;

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
     * @param folder for its socket and logs
     * @param name of the socket
     * @param arguments after {@code model --socket PATH}
     */
    public static ModelProcess start(Path folder, String name, String... arguments)
            throws IOException, InterruptedException {
        Path socket = folder.resolve(name + ".sock");
        Path output = folder.resolve(name + ".out");
        Path log = folder.resolve(name + ".log");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseZGC",
                "-Xmx128m",
                "-cp",
                System.getProperty("java.class.path"),
                "io.sluice.cli.Sluice",
                "model",
                "--socket",
                socket.toString()));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command)
                .redirectOutput(output.toFile())
                .redirectError(log.toFile())
                .start();
        ModelProcess model = new ModelProcess(process, socket, output, log);
        model.awaitReady();
        return model;
    }

    private void awaitReady() throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(READY_SECONDS);
        while (!Files.readString(output).contains("vfio-user-pci")) {
            if (!process.isAlive() || System.nanoTime() - deadline > 0) {
                String said = log();
                close();
                throw new AssertionError("the model did not get ready: " + said);
            }
            Thread.sleep(20);
        }
    }

    public Path socket() {
        return socket;
    }

    public Process process() {
        return process;
    }

    /** What it has logged so far. */
    public String log() throws IOException {
        return Files.readString(log);
    }

    /** What it printed for its user. */
    public String output() throws IOException {
        return Files.readString(output);
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                fail("the model did not end within 10 s of SIGTERM");
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}

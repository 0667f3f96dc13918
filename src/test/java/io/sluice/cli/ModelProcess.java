package io.sluice.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code sluice model} in another process, with the classes that are being tested. */
public final class ModelProcess implements AutoCloseable {
    private final Process process;
    private final List<String> said = new ArrayList<>();

    private ModelProcess(Process process) {
        this.process = process;
    }

    /** Starts it, and returns when it is ready; its log goes to this process's standard error. */
    public static ModelProcess start(Path socket, String... options) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("model", "--socket", socket.toString()));
        arguments.addAll(Arrays.asList(options));
        Process process = command(arguments)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        ModelProcess model = new ModelProcess(process);
        try {
            model.awaitReady();
            return model;
        } catch (IOException | RuntimeException e) {
            process.destroyForcibly();
            throw e;
        }
    }

    /** A {@code sluice} command on the tests' class path. */
    static ProcessBuilder command(List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                Sluice.class.getName()));
        command.addAll(arguments);
        return new ProcessBuilder(command);
    }

    private void awaitReady() throws IOException {
        BufferedReader output = process.inputReader();
        String line = output.readLine();
        while (line != null) {
            said.add(line);
            if (line.startsWith("-device")) {
                return;
            }
            line = output.readLine();
        }
        throw new IOException("the model ended before it was ready; it said " + said);
    }

    /** What it has printed up to its being ready. */
    public List<String> said() {
        return said;
    }

    public Process process() {
        return process;
    }

    /** Asks it to end, and waits until it has. */
    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
        }
    }
}

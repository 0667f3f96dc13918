package io.sluice.cli;

import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code sluice serve} in a process of its own, as an operator would run it, with the classes that are being tested. */
public final class ServeProcess implements AutoCloseable {
    private static final long READY_SECONDS = 60;
    private static final long END_SECONDS = 20;

    private final Process process;
    private final Path output;
    private final Path log;

    private ServeProcess(Process process, Path output, Path log) {
        this.process = process;
        this.output = output;
        this.log = log;
    }

    /**
     * Starts it and waits until it is ready.
     *
     * @param folder for what it prints and logs
     * @param device its first argument
     * @param volumes each as after {@code --volume}
     */
    public static ServeProcess start(Path folder, String device, List<String> volumes)
            throws IOException, InterruptedException {
        List<String> arguments = new ArrayList<>(List.of("serve", device, "--destroy-data"));
        volumes.forEach(volume -> arguments.addAll(List.of("--volume", volume)));
        Path output = folder.resolve("serve.out");
        Path log = folder.resolve("serve.log");
        Process process = ModelProcess.command(arguments)
                .redirectOutput(output.toFile())
                .redirectError(log.toFile())
                .start();
        ServeProcess serve = new ServeProcess(process, output, log);
        serve.awaitReady(volumes.size());
        return serve;
    }

    private void awaitReady(int volumes) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(READY_SECONDS);
        while (Files.readAllLines(output).stream()
                        .filter(line -> line.startsWith("-device "))
                        .count()
                < volumes) {
            if (!process.isAlive() || System.nanoTime() - deadline > 0) {
                String said = Files.readString(output) + log();
                process.destroyForcibly();
                throw new AssertionError("serve did not get ready; it said: " + said);
            }
            Thread.sleep(20);
        }
    }

    public Process process() {
        return process;
    }

    /** What it has logged so far. */
    public String log() throws IOException {
        return Files.readString(log);
    }

    /** Asks it to end, and waits until it has. Returns its exit code. */
    public int end() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            fail("serve did not end within " + END_SECONDS + " s of SIGTERM");
        }
        return process.exitValue();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}

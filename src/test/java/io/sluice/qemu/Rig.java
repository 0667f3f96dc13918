package io.sluice.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The VM rig of {@code scripts/rig}, for tests that need a real QEMU and a real guest. */
final class Rig {
    private static final Path SCRIPTS = Path.of("scripts", "rig").toAbsolutePath();
    private static final Path GUEST_SCRIPTS =
            Path.of("src", "test", "resources", "guest").toAbsolutePath();
    private static final int NOT_POSSIBLE_HERE = 77;

    /**
     * How a run ended.
     *
     * @param exitCode of the script that ran
     * @param output all that it and the guest printed
     */
    record Run(int exitCode, String output) {
        /** Fails with the whole output unless the run ended well; skips if the machine cannot do it. */
        Run expectSuccess() {
            assumeTrue(exitCode != NOT_POSSIBLE_HERE, () -> "this machine cannot run the guest: " + lastLine());
            assertTrue(exitCode == 0, () -> "exit code " + exitCode + ":\n" + output);
            return this;
        }

        private String lastLine() {
            String[] lines = output.strip().split("\n", -1);
            return lines[lines.length - 1];
        }
    }

    private Rig() {}

    /** Skips the test where no rig has been built. */
    static void require() {
        String rig = System.getenv("SLUICE_RIG");
        assumeTrue(rig != null, "SLUICE_RIG names no VM rig: scripts/test builds one and sets it");
        assumeTrue(Files.isRegularFile(Path.of(rig, "vmlinux")), () -> "there is no VM rig in " + rig);
    }

    /** QEMU's argument for a controller behind a socket. */
    static List<String> drive(Path socket, String more) {
        return List.of(
                "-device",
                "{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"" + socket + "\"}" + more
                        + "}");
    }

    /** Boots a Linux guest that runs a script of {@code src/test/resources/guest}. */
    static Run guest(String script, Map<String, String> settings, List<String> qemuArguments)
            throws IOException, InterruptedException {
        try (Guest guest = start(script, settings, qemuArguments)) {
            return guest.await();
        }
    }

    /** Boots a machine from the boot sector on a drive. */
    static Run bootSector(Map<String, String> settings, List<String> qemuArguments)
            throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of(SCRIPTS.resolve("boot-sector").toString(), "run"));
        command.addAll(qemuArguments);
        return run(command, settings);
    }

    /** Makes the image whose first blocks a drive needs for {@link #bootSector}. */
    static void writeBootSector(Path image) throws IOException, InterruptedException {
        run(List.of(SCRIPTS.resolve("boot-sector").toString(), "write", image.toString()), Map.of())
                .expectSuccess();
    }

    /** Boots a Linux guest as {@link #guest} does, for a test that does something to it meanwhile. */
    static Guest start(String script, Map<String, String> settings, List<String> qemuArguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(SCRIPTS.resolve("guest").toString());
        command.add(GUEST_SCRIPTS.resolve(script).toString());
        command.addAll(qemuArguments);
        return new Guest(command, settings);
    }

    private static Run run(List<String> command, Map<String, String> settings)
            throws IOException, InterruptedException {
        try (Guest guest = new Guest(command, settings)) {
            return guest.await();
        }
    }

    /** A run that goes on. */
    static final class Guest implements AutoCloseable {
        /** The scripts have time limits of their own; this one is for the scripts. */
        private static final long LIMIT_MINUTES = 15;

        private final List<String> command;
        private final Path output;
        private final Process process;

        private Guest(List<String> command, Map<String, String> settings) throws IOException {
            this.command = command;
            output = Files.createTempFile("sluice-rig", ".log");
            ProcessBuilder builder =
                    new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
            builder.redirectInput(Path.of("/dev/null").toFile());
            builder.environment().putAll(settings);
            try {
                process = builder.start();
            } catch (IOException e) {
                Files.delete(output);
                throw e;
            }
        }

        /** Waits until the guest's script has said something; fails with all that it said if it ends before. */
        void awaitSaid(String text) throws IOException, InterruptedException {
            while (true) {
                boolean running = process.isAlive();
                if (Files.readString(output).contains("==> " + text)) {
                    return;
                }
                if (!running) {
                    await().expectSuccess();
                    throw new AssertionError("the guest has never said \"" + text + "\":\n" + Files.readString(output));
                }
                Thread.sleep(50);
            }
        }

        /** Ends its QEMU with SIGKILL, so that it can clean up nothing. */
        void kill() {
            List<ProcessHandle> emulators = process.descendants()
                    .filter(some -> some.info().command().orElse("").contains("/qemu/"))
                    .toList();
            assertEquals(1, emulators.size(), () -> "QEMU is not one process: " + emulators);
            emulators.getFirst().destroyForcibly();
        }

        /** Waits for its end. */
        Run await() throws IOException, InterruptedException {
            assertTrue(process.waitFor(LIMIT_MINUTES, TimeUnit.MINUTES), () -> command + " does not end");
            return new Run(process.exitValue(), Files.readString(output));
        }

        @Override
        public void close() throws IOException {
            process.destroy();
            Files.delete(output);
        }
    }
}

package io.sluice.qemu;

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
        List<String> command = new ArrayList<>();
        command.add(SCRIPTS.resolve("guest").toString());
        command.add(GUEST_SCRIPTS.resolve(script).toString());
        command.addAll(qemuArguments);
        return run(command, settings);
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

    private static Run run(List<String> command, Map<String, String> settings)
            throws IOException, InterruptedException {
        Path output = Files.createTempFile("sluice-rig", ".log");
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
            builder.redirectInput(Path.of("/dev/null").toFile());
            builder.environment().putAll(settings);
            Process process = builder.start();
            try {
                // The scripts have time limits of their own; this one is for the scripts.
                assertTrue(process.waitFor(15, TimeUnit.MINUTES), () -> command + " does not end");
                return new Run(process.exitValue(), Files.readString(output));
            } finally {
                process.destroy();
            }
        } finally {
            Files.delete(output);
        }
    }
}

package io.sluice.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.cli.ModelProcess;
import io.sluice.qemu.Rig.Run;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Strangers on the other side: QEMU's vfio-user client, SeaBIOS's and Linux's NVMe drivers. */
@Tag("qemu")
@Execution(ExecutionMode.CONCURRENT)
class GuestTest {
    /** What nvme.sh says when it is done with a command. */
    private static final Pattern CHECKED = Pattern.compile("==> CHECKED (\\S+)");

    /** A line of the table of these commands. */
    private static final Pattern DOCUMENTED = Pattern.compile("\n\\| `([a-z-]+)`");

    @TempDir
    Path folder;

    @BeforeAll
    static void requireRig() {
        Rig.require();
    }

    private Path settings(String... lines) throws IOException {
        Path files = Files.createDirectories(folder.resolve("files"));
        Files.write(files.resolve("settings"), List.of(lines));
        return files;
    }

    private static void assertGood(ModelProcess model, Run run) throws IOException {
        run.expectSuccess();
        assertTrue(run.output().contains("==> GOOD"), run.output());
        assertTrue(model.process().isAlive(), "the model has ended");
        assertNoTrouble(model);
    }

    private static void assertNoTrouble(ModelProcess model) throws IOException {
        String log = model.log();
        assertFalse(log.contains("ERROR"), log);
        assertFalse(log.contains("WARN"), log);
    }

    @ParameterizedTest
    @CsvSource({"1,1,512", "4,1,512", "4,4,4096"})
    void shouldCarryALinuxGuestThroughAllThatItDoesWithADrive(int cpus, int queues, int blockBytes) throws Exception {
        Path files = settings("FIO_SIZE=16M", "QUEUES=" + queues);
        try (ModelProcess model = ModelProcess.start(
                folder.resolve("drive.sock"),
                "--memory",
                "256M",
                "--queues",
                String.valueOf(queues),
                "--block-size",
                String.valueOf(blockBytes))) {
            Run run = Rig.guest(
                    "full.sh",
                    Map.of("SMP", String.valueOf(cpus), "FILES", files.toString(), "TIMEOUT", "300"),
                    Rig.drive(model.socket(), ""));

            assertGood(model, run);
        }
    }

    @Test
    void shouldAnswerAllThatNvmeCliAsks() throws Exception {
        List<String> commands = documentedCommands();
        assertTrue(commands.size() > 10, () -> "the table names only " + commands);
        try (ModelProcess model = ModelProcess.start(
                folder.resolve("drive.sock"),
                "--memory",
                "64M",
                "--serial",
                "NVME-CLI",
                "--queues",
                "3",
                "--block-size",
                "4096")) {
            Map<String, String> settings =
                    Map.of("SMP", "2", "GUEST_SERIAL", "NVME-CLI", "GUEST_QUEUES", "3", "TIMEOUT", "400");
            Run run = Rig.guest("nvme.sh", settings, Rig.drive(model.socket(), ""));

            assertGood(model, run);
            List<String> checked = CHECKED.matcher(run.output())
                    .results()
                    .map(result -> result.group(1))
                    .sorted()
                    .toList();
            assertEquals(commands, checked, run.output());
        }
    }

    /** The commands in the table of docs/testing.md, in alphabetical order. */
    private static List<String> documentedCommands() throws IOException {
        String page = Files.readString(Path.of("docs", "testing.md"));
        int start = page.indexOf("| `nvme` |");
        int end = page.indexOf("\n\n", start);
        assertTrue(start > 0 && end > start, "docs/testing.md has no table of nvme-cli's commands");
        return DOCUMENTED
                .matcher(page.substring(start, end))
                .results()
                .map(result -> result.group(1))
                .sorted()
                .toList();
    }

    @Test
    void shouldSurviveRestartsOfTheGuestAndServeTheNextOne() throws Exception {
        try (ModelProcess model =
                ModelProcess.start(folder.resolve("drive.sock"), "--memory", "128M", "--serial", "REBOOT-1")) {
            Run first = Rig.guest("reboot.sh", Map.of("REBOOT", "1", "SMP", "2"), Rig.drive(model.socket(), ""));
            assertGood(model, first);

            Run second =
                    Rig.guest("verify.sh", Map.of("FILES", settings("").toString()), Rig.drive(model.socket(), ""));
            assertGood(model, second);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void shouldKeepInAFileWhatAGuestHasLeftAndGiveRoomBackThatItTrims(int blockBytes) throws Exception {
        Path image = folder.resolve("disk.img");
        guestOnFile(image, blockBytes, "leave");
        long left = allocatedBytes(image);
        assertTrue(left > 64 << 20, "the file has " + left + " bytes of data");

        guestOnFile(image, blockBytes, "find");

        long kept = allocatedBytes(image);
        assertTrue(left - kept > 64 << 20, "the file still has " + kept + " of " + left + " bytes");
        assertEquals(192 << 20, Files.size(image));
    }

    private void guestOnFile(Path image, int blockBytes, String stage) throws Exception {
        Path files = settings("STAGE=" + stage);
        String bytes = String.valueOf(blockBytes);
        Path socket = folder.resolve("drive.sock");
        try (ModelProcess model =
                ModelProcess.start(socket, "--file", image.toString(), "--size", "192M", "--block-size", bytes)) {
            Map<String, String> settings = Map.of("SMP", "2", "FILES", files.toString(), "TIMEOUT", "300");
            assertGood(model, Rig.guest("file.sh", settings, Rig.drive(model.socket(), "")));
        }
    }

    private static long allocatedBytes(Path file) throws Exception {
        Process stat = new ProcessBuilder("stat", "-c", "%b", file.toString()).start();
        String blocks = new String(stat.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        return Long.parseLong(blocks.strip()) * 512;
    }

    @Test
    void shouldServeTwoControllersInOneGuest() throws Exception {
        try (ModelProcess one = ModelProcess.start(folder.resolve("one.sock"), "--memory", "128M", "--serial", "ONE");
                ModelProcess two = ModelProcess.start(
                        folder.resolve("two.sock"), "--memory", "128M", "--serial", "TWO", "--block-size", "4096")) {
            List<String> drives = new ArrayList<>(Rig.drive(one.socket(), ""));
            drives.addAll(Rig.drive(two.socket(), ""));

            Run run = Rig.guest("two-drives.sh", Map.of("SMP", "2"), drives);

            assertGood(one, run);
            assertNoTrouble(two);
        }
    }

    @Test
    void shouldServeAGuestWhoseMemoryIsOnHugepages() throws Exception {
        try (ModelProcess model = ModelProcess.start(folder.resolve("drive.sock"), "--memory", "128M")) {
            Run run = Rig.guest(
                    "verify.sh",
                    Map.of("BACKEND", "huge", "FILES", settings("").toString()),
                    Rig.drive(model.socket(), ""));

            assertGood(model, run);
        }
    }

    /** All of it goes by messages: queues, lists, data. */
    @ParameterizedTest
    @ValueSource(strings = {"", "48"})
    void shouldServeAGuestThatDoesNotShareItsMemory(String addressBits) throws Exception {
        try (ModelProcess model = ModelProcess.start(folder.resolve("drive.sock"), "--memory", "128M")) {
            Run run = Rig.guest(
                    "verify.sh",
                    Map.of(
                            "BACKEND",
                            "private",
                            "IOMMU",
                            addressBits,
                            "FILES",
                            settings("").toString(),
                            "TIMEOUT",
                            "300"),
                    Rig.drive(model.socket(), ""));

            assertGood(model, run);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"48", "39"})
    void shouldServeAGuestBehindAStrictVirtualIommu(String addressBits) throws Exception {
        try (ModelProcess model = ModelProcess.start(folder.resolve("drive.sock"), "--memory", "128M")) {
            Run run = Rig.guest(
                    "verify.sh",
                    Map.of(
                            "IOMMU",
                            addressBits,
                            "FILES",
                            settings("EXPECT_DMAR=1").toString(),
                            "TIMEOUT",
                            "300"),
                    Rig.drive(model.socket(), ""));

            assertGood(model, run);
        }
    }

    /** SeaBIOS's own driver: one queue pair, polled, no interrupts. */
    @ParameterizedTest
    @CsvSource({"q35, memfd", "pc, memfd", "q35, private"})
    void shouldBootSeaBiosFromTheDriveAgainAndAgain(String machine, String backend) throws Exception {
        Path image = folder.resolve("boot.img");
        Rig.writeBootSector(image);
        try (ModelProcess model = ModelProcess.start(folder.resolve("drive.sock"), "--memory", "16M")) {
            DriveImage.write(model.socket(), Files.readAllBytes(image));

            for (int boot = 0; boot < 3; boot++) {
                Run run = Rig.bootSector(
                        Map.of("MACHINE", machine, "BACKEND", backend), Rig.drive(model.socket(), ",\"bootindex\":0"));

                run.expectSuccess();
                assertTrue(run.output().contains("BOOTSECTOR-OK"), run.output());
                assertNoTrouble(model);
            }
        }
    }

    @Test
    void shouldPrintArgumentsThatQemuTakes() throws Exception {
        try (ModelProcess model = ModelProcess.start(folder.resolve("drive.sock"), "--memory", "64M")) {
            String output = String.join("\n", model.said());

            assertTrue(output.contains("memory-backend-memfd"), output);
            assertTrue(output.contains(model.socket().toString()), output);
            assertEquals(
                    1, output.lines().filter(line -> line.contains("-device")).count(), output);
        }
    }
}

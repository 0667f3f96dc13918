package io.sluice.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.cli.ModelProcess;
import io.sluice.cli.ServeProcess;
import io.sluice.qemu.Rig.Guest;
import io.sluice.qemu.Rig.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Linux guests that share one device through {@code sluice serve}. The device is a model in a process of its own, so that what is
 * on it can be read past the mediator: each volume must have the checksum that its guest has seen.
 */
@Tag("qemu")
class SharedDeviceTest {
    private static final int MIB = 1 << 20;
    private static final int VOLUME_MIB = 24;
    private static final Pattern DIGEST = Pattern.compile("==> DIGEST ([0-9a-f]{64})");

    @TempDir
    Path folder;

    private final List<String> volumes = new ArrayList<>();

    @BeforeAll
    static void requireRig() {
        Rig.require();
    }

    @BeforeEach
    void name() {
        for (char name = 'a'; name <= 'e'; name++) {
            volumes.add("name=" + name + ",size=" + VOLUME_MIB + "M,socket=" + socket(name));
        }
    }

    private Path socket(char volume) {
        return folder.resolve(volume + ".sock");
    }

    private Guest start(char volume, String what, Map<String, String> special) throws IOException {
        Path files = Files.createDirectories(folder.resolve("files-" + volume + "-" + what));
        Files.writeString(files.resolve("settings"), "WHAT=" + what + "\n");
        Map<String, String> settings = new HashMap<>(special);
        settings.put("MEM", "512M");
        settings.put("TIMEOUT", "500");
        settings.put("FILES", files.toString());
        return Rig.start("shared.sh", settings, Rig.drive(socket(volume), ""));
    }

    @Test
    void shouldKeepFiveGuestsApartOfWhichOneIsKilledAndOneRestarts() throws Exception {
        try (ModelProcess device = ModelProcess.start(
                folder.resolve("device.sock"), "--memory", 5 * VOLUME_MIB + "M", "--serial", "DEVICE")) {
            List<String> digests;
            try (ServeProcess serve = ServeProcess.start(folder, device.socket().toString(), volumes)) {
                digests = runGuests();
                assertTrue(serve.process().isAlive(), serve.log());
                assertEquals(0, serve.end(), serve.log());
                assertFalse(serve.log().contains("ERROR"), serve.log());
            }
            for (int i = 0; i < digests.size(); i++) {
                byte[] content = DriveImage.read(device.socket(), (long) i * VOLUME_MIB * MIB, VOLUME_MIB * MIB);
                assertEquals(digests.get(i), digest(content), "volume " + (char) ('a' + i));
            }
            assertNotEquals(digests.get(0), digests.get(1), "the guests have written the same");
        }
    }

    private List<String> runGuests() throws Exception {
        try (Guest restarted = start('a', "reboot", Map.of("REBOOT", "1"));
                Guest killed = start('b', "load", Map.of());
                Guest iommu = start('c', "fill", Map.of("IOMMU", "48"))) {
            killed.awaitSaid("LOADED");
            Thread.sleep(3_000);
            killed.kill();
            try (Guest next = start('b', "fill", Map.of());
                    Guest huge = start('d', "fill", Map.of("BACKEND", "huge"));
                    Guest unshared = start('e', "fill", Map.of("BACKEND", "private"))) {
                List<String> digests = new ArrayList<>();
                for (Guest guest : List.of(restarted, next, iommu, huge, unshared)) {
                    digests.add(digestOf(guest.await()));
                }
                return digests;
            }
        }
    }

    private static String digestOf(Run run) {
        run.expectSuccess();
        assertTrue(run.output().contains("==> GOOD"), run.output());
        Matcher matcher = DIGEST.matcher(run.output());
        assertTrue(matcher.find(), run.output());
        return matcher.group(1);
    }

    private static String digest(byte[] content) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    }
}

package io.sluice.qemu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.daemon.SlowlyPinnedVolume;
import io.sluice.qemu.Rig.Run;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A guest whose memory takes longer to be pinned than QEMU waits for an answer: 6 GiB at a second each, against five seconds.
 * QEMU must be answered in time all the same, and nothing may go anywhere before its memory is pinned.
 */
@Tag("qemu")
class SlowPinsTest {
    private static final long NANOS_PER_GIB = TimeUnit.SECONDS.toNanos(1);

    @TempDir
    Path folder;

    @BeforeAll
    static void requireRig() {
        Rig.require();
    }

    @Test
    void shouldBootAGuestWhileItsMemoryIsBeingPinned() throws Exception {
        Path files = Files.createDirectories(folder.resolve("files"));
        Files.writeString(files.resolve("settings"), "");
        Path socket = folder.resolve("slow.sock");
        try (SlowlyPinnedVolume volume = new SlowlyPinnedVolume(socket, 64 << 20, NANOS_PER_GIB)) {
            Run run = Rig.guest(
                    "verify.sh",
                    Map.of("MEM", "6G", "TIMEOUT", "300", "FILES", files.toString()),
                    Rig.drive(socket, ""));
            run.expectSuccess();
            assertTrue(run.output().contains("==> GOOD"), run.output());
            assertTrue(volume.pinnedBytes() >= 6L << 30, volume.pinnedBytes() + " bytes were pinned");
        }
    }
}

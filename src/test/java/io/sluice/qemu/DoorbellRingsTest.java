package io.sluice.qemu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.daemon.TrappedVolume;
import io.sluice.qemu.Rig.Run;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Linux has its doorbells in its own memory where that is offered (Doorbell Buffer Config), and then rings by messages only for a
 * poller that sleeps. A guest that does not share its memory is not offered it, and rings for each command.
 */
@Tag("qemu")
class DoorbellRingsTest {
    private static final Pattern COMMANDS = Pattern.compile("==> COMMANDS (\\d+)");
    private static final long VOLUME_BYTES = 64 << 20;

    @TempDir
    Path folder;

    @BeforeAll
    static void requireRig() {
        Rig.require();
    }

    /** How a guest rang. */
    private record Load(long commands, long rings) {}

    private Load runGuest(String backend) throws Exception {
        Path socket = folder.resolve(backend + ".sock");
        try (TrappedVolume volume = new TrappedVolume(socket, VOLUME_BYTES)) {
            Run run = Rig.guest("rings.sh", Map.of("BACKEND", backend, "TIMEOUT", "400"), Rig.drive(socket, ""));
            run.expectSuccess();
            assertTrue(run.output().contains("==> GOOD"), run.output());
            Matcher matcher = COMMANDS.matcher(run.output());
            assertTrue(matcher.find(), run.output());
            return new Load(Long.parseLong(matcher.group(1)), volume.rings());
        }
    }

    @Test
    void shouldHearLessOfAGuestThatHasItsDoorbellsInItsMemory() throws Exception {
        Load buffered = runGuest("memfd");
        Load unbuffered = runGuest("private");

        System.out.println("DoorbellRingsTest: with buffers " + buffered + ", without " + unbuffered);
        assertTrue(buffered.commands > 1000 && unbuffered.commands > 1000, () -> buffered + " " + unbuffered);
        assertTrue(4 * buffered.rings < buffered.commands, () -> "it rings too often: " + buffered);
        assertTrue(unbuffered.rings > unbuffered.commands, () -> "how does it submit? " + unbuffered);
    }
}

package io.sluice.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.daemon.DriveOptions;
import io.sluice.daemon.Medium;
import io.sluice.daemon.ModelDaemon;
import io.sluice.daemon.ModelOptions;
import io.sluice.qemu.Rig.Guest;
import io.sluice.qemu.Rig.Run;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Linux hears of namespaces that come, go and change their size, and goes on. */
@Tag("qemu")
@Execution(ExecutionMode.CONCURRENT)
class LiveNamespacesTest {
    private static final long MIB = 1 << 20;
    private static final int BLOCK = 512;

    @TempDir
    Path folder;

    @BeforeAll
    static void requireRig() {
        Rig.require();
    }

    private Medium file(String name, long mib) {
        return new Medium.File(folder.resolve(name), OptionalLong.of(mib * MIB), OptionalInt.of(BLOCK), false);
    }

    private ModelOptions options(DriveOptions drive) {
        return new ModelOptions(folder.resolve("drive.sock"), 0600, Optional.empty(), Optional.empty(), drive);
    }

    @Test
    void shouldChangeTheNamespacesOfALinuxGuest() throws Exception {
        Medium memory = new Medium.Memory(16 * MIB, BLOCK);
        DriveOptions drive = new DriveOptions(List.of(file("first.img", 32), memory), "LIVE", 4);
        try (ModelDaemon model = ModelDaemon.start(options(drive));
                Guest guest =
                        Rig.start("live.sh", Map.of("SMP", "2", "TIMEOUT", "300"), Rig.drive(model.socket(), ""))) {
            guest.awaitSaid("GROW");
            model.namespaces().resize(1, 96 * MIB);
            guest.awaitSaid("ATTACH");
            model.namespaces().attach(7, file("seventh.img", 16));
            guest.awaitSaid("DETACH");
            model.namespaces().detach(7);
            guest.awaitSaid("SHRINK");
            model.namespaces().resize(2, 8 * MIB);

            Run run = guest.await();

            run.expectSuccess();
            assertTrue(run.output().contains("==> GOOD"), run.output());
        }
        assertEquals(96 * MIB, Files.size(folder.resolve("first.img")));
    }
}

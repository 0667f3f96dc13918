package io.sluice.qemu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.cli.ModelProcess;
import io.sluice.qemu.Rig.Guest;
import io.sluice.qemu.Rig.Run;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Real VFIO without hardware: in a guest, QEMU's emulated NVMe behind an emulated IOMMU is a device of the host. */
@Tag("qemu")
@Execution(ExecutionMode.CONCURRENT)
class VfioTest {
    private static final long MIB = 1 << 20;

    private static Path program;

    @TempDir
    Path folder;

    private int drives;

    @BeforeAll
    static void makeProgram(@TempDir Path shared) throws IOException, InterruptedException {
        Rig.require();
        program = GuestProgram.make(shared.resolve("program"));
    }

    @Test
    void shouldKeepTheContractAndAllDataBehindAnIommuOf48Bits() throws Exception {
        List<String> arguments = new ArrayList<>();
        arguments.addAll(controller("nvme,serial=PLAIN", 16 * MIB));
        arguments.addAll(controller("nvme,serial=BIG,logical_block_size=4096,physical_block_size=4096", 16 * MIB));
        arguments.addAll(controller("nvme,serial=SMALL,mdts=1,max_ioqpairs=2,msix_qsize=2", 8 * MIB));
        arguments.addAll(controller("nvme,serial=WIDE,mdts=9,max_ioqpairs=64", 24 * MIB));
        arguments.addAll(List.of("-device", "nvme,serial=MANY,id=many"));
        arguments.addAll(controller("nvme-ns,bus=many,nsid=1", 12 * MIB));
        arguments.addAll(
                controller("nvme-ns,bus=many,nsid=2,logical_block_size=4096,physical_block_size=4096", 8 * MIB));
        arguments.addAll(controller("nvme-ns,bus=many,nsid=3,ms=8", 8 * MIB));
        try (ModelProcess model =
                ModelProcess.start(folder.resolve("model.sock"), "--memory", "16M", "--serial", "MODEL")) {
            arguments.addAll(Rig.drive(model.socket(), ""));

            assertGood(guest("vfio-pattern.sh", "48", arguments));
        }
    }

    @Test
    void shouldKeepTheContractAndLetGoInTimeBehindAnIommuOf39Bits() throws Exception {
        Path socket = folder.resolve("qmp.sock");
        List<String> arguments = new ArrayList<>(Qmp.arguments(socket));
        arguments.addAll(List.of("-device", "pcie-root-port,id=slot1,chassis=1,slot=1,addr=0x5"));
        arguments.addAll(controller("nvme,serial=TROUBLE,id=trouble,bus=slot1", 48 * MIB));
        arguments.addAll(controller("nvme,serial=ONE,addr=0x6.0,multifunction=on", 8 * MIB));
        arguments.addAll(controller("nvme,serial=TWO,addr=0x6.1", 8 * MIB));
        try (Guest guest = start("vfio-trouble.sh", "39", arguments)) {
            guest.awaitSaid("UNPLUG");
            try (Qmp qmp = Qmp.connect(socket)) {
                qmp.execute("device_del", Map.of("id", "trouble"));
                qmp.awaitDeleted("trouble");

                assertGood(guest.await());
            }
        }
    }

    private static void assertGood(Run run) {
        run.expectSuccess();
        assertTrue(run.output().contains("==> GOOD"), run.output());
    }

    /** QEMU's arguments for a device with a drive of its own. */
    private List<String> controller(String device, long bytes) throws IOException {
        String drive = "drive" + ++drives;
        Path image = folder.resolve(drive);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(bytes);
        }
        return List.of(
                "-drive", "file=" + image + ",format=raw,if=none,id=" + drive, "-device", device + ",drive=" + drive);
    }

    private Run guest(String script, String iommuBits, List<String> devices) throws IOException, InterruptedException {
        try (Guest guest = start(script, iommuBits, devices)) {
            return guest.await();
        }
    }

    /**
     * A guest with an IOMMU, a JDK, and the devices. It has one processor: emulated processors that wait for each other make a JVM's
     * start cost five times as much, and two such guests have two of the host's busy anyway.
     */
    private Guest start(String script, String iommuBits, List<String> devices) throws IOException {
        Map<String, String> settings =
                new HashMap<>(Map.of("JDK", "1", "NESTED", "1", "IOMMU", iommuBits, "MEM", "1G"));
        settings.put("FILES", program.toString());
        settings.put("TIMEOUT", "700");
        return Rig.start(script, settings, devices);
    }
}

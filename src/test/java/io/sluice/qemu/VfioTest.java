package io.sluice.qemu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.qemu.Rig.Run;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Real VFIO without hardware: in a guest, QEMU's emulated NVMe behind an emulated IOMMU is a device of the host. */
@Tag("qemu")
class VfioTest {
    private static final long DRIVE_BYTES = 48 << 20;

    @TempDir
    Path folder;

    @BeforeAll
    static void requireRig() {
        Rig.require();
    }

    @Test
    void shouldKeepTheContractOfPciDevicesOverVfio() throws Exception {
        Run run = guest("vfio-contract.sh", "39", List.of("-device", "nvme,drive=nv,serial=VFIO-1"));

        run.expectSuccess();
        assertTrue(run.output().contains("==> GOOD"), run.output());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nvme,drive=nv,serial=PLAIN",
                "nvme,drive=nv,serial=BIG,logical_block_size=4096,physical_block_size=4096",
                "nvme,drive=nv,serial=SMALL,mdts=1,max_ioqpairs=2,msix_qsize=2",
                "nvme,drive=nv,serial=WIDE,mdts=9,max_ioqpairs=64",
            })
    void shouldWriteWhatTheKernelReadsAndReadWhatTheKernelWrites(String controller) throws Exception {
        Run run = guest("vfio-pattern.sh", "48", List.of("-device", controller));

        run.expectSuccess();
        assertTrue(run.output().contains("==> GOOD"), run.output());
    }

    @Test
    void shouldSayWhatIsWrongAndLetGoInTime() throws Exception {
        Path one = image("one.img");
        Path two = image("two.img");
        Run run = guest(
                "vfio-trouble.sh",
                "39",
                List.of(
                        "-device",
                        "nvme,drive=nv,serial=TROUBLE,addr=0x5",
                        "-drive",
                        "file=" + one + ",format=raw,if=none,id=one",
                        "-device",
                        "nvme,drive=one,serial=ONE,addr=0x6.0,multifunction=on",
                        "-drive",
                        "file=" + two + ",format=raw,if=none,id=two",
                        "-device",
                        "nvme,drive=two,serial=TWO,addr=0x6.1"));

        run.expectSuccess();
        assertTrue(run.output().contains("==> GOOD"), run.output());
    }

    private Path image(String name) throws IOException {
        Path image = folder.resolve(name);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(DRIVE_BYTES);
        }
        return image;
    }

    /** A guest with an IOMMU, a JDK, and a drive that the arguments make a controller of. */
    private Run guest(String script, String iommuBits, List<String> controller)
            throws IOException, InterruptedException {
        Path image = folder.resolve("drive.img");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(DRIVE_BYTES);
        }
        List<String> arguments = new ArrayList<>(List.of("-drive", "file=" + image + ",format=raw,if=none,id=nv"));
        arguments.addAll(controller);
        Map<String, String> settings = new HashMap<>(Map.of("JDK", "1", "IOMMU", iommuBits, "MEM", "1G"));
        settings.put("FILES", program().toString());
        settings.put("TIMEOUT", "400");
        settings.put("SMP", "2");
        return Rig.guest(script, settings, arguments);
    }

    /** The classes under test, the tests, and what both need, for the guest. */
    private Path program() throws IOException {
        Path files = Files.createDirectories(folder.resolve("files/lib"));
        String path = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        for (String entry : path.split(File.pathSeparator, -1)) {
            Path from = Path.of(entry);
            if (Files.isDirectory(from)) {
                copyFolder(from, files.resolveSibling(from.getFileName()));
            } else if (isNeeded(from.getFileName().toString())) {
                Files.copy(from, files.resolve(from.getFileName()));
            }
        }
        return files.getParent();
    }

    private static boolean isNeeded(String jar) {
        return jar.matches("(junit|opentest4j|jnr|jffi|asm|slf4j|logback|HdrHistogram|picocli|jackson).*\\.jar");
    }

    private static void copyFolder(Path from, Path to) throws IOException {
        try (var files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Path target = to.resolve(from.relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(target);
                } else {
                    Files.copy(file, target);
                }
            }
        }
    }
}

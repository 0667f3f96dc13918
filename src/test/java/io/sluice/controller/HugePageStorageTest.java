package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** A namespace in memory on hugepages. */
class HugePageStorageTest {
    private static final int MIB_BLOCKS = 2048;

    @Test
    void shouldHoldWhatIsWrittenAndZeroesWhereItIsZeroed() throws Exception {
        long free = Files.readAllLines(Path.of("/proc/meminfo")).stream()
                .filter(line -> line.startsWith("HugePages_Free:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .sum();
        assumeTrue(free >= 4, "this test needs 4 free huge pages (/proc/sys/vm/nr_hugepages), there are " + free);
        Namespace namespace = new Namespace(1, 7 * MIB_BLOCKS, 512, 0, 0, 0, false);
        try (StorageRig rig = new StorageRig(MemoryStorage.onHugePages(namespace))) {
            for (int mib = 0; mib < 7; mib++) {
                rig.write((long) mib * MIB_BLOCKS, MIB_BLOCKS, StorageRig.filled(1 << 20, 0xaa));
            }
            rig.assertEnds(Status.SUCCESS, rig.deallocate(new long[] {1, 5 * MIB_BLOCKS}));
            rig.assertEnds(Status.SUCCESS, rig.submit(NvmOpcode.WRITE_ZEROES, 5 * MIB_BLOCKS + 1, MIB_BLOCKS, 0));

            assertArrayEquals(StorageRig.filled(512, 0xaa), rig.read(0, 1));
            for (int mib = 0; mib < 6; mib++) {
                assertArrayEquals(new byte[1 << 20], rig.read((long) mib * MIB_BLOCKS + 1, MIB_BLOCKS));
            }
            assertArrayEquals(StorageRig.filled(512, 0xaa), rig.read(6 * MIB_BLOCKS + 1, 1));
        }
    }

    @Test
    void shouldSayHowManyHugePagesAreMissing() {
        Namespace huge = new Namespace(1, 1L << 40, 512, 0, 0, 0, false);
        String said = assertThrows(IOException.class, () -> MemoryStorage.onHugePages(huge))
                .getMessage();
        assertTrue(said.startsWith("268435456 hugepages of 2 MiB cannot be had: "), said);
        assertTrue(said.contains("vm.nr_hugepages"), said);
    }
}

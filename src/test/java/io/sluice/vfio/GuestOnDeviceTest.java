package io.sluice.vfio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.dma.DeviceMemory;
import io.sluice.dma.DmaLimits;
import io.sluice.dma.DmaRefused;
import io.sluice.dma.DmaSpace;
import io.sluice.dma.IovaAllocator;
import io.sluice.dma.PendingMap;
import io.sluice.dma.Transaction;
import io.sluice.linux.Errno;
import io.sluice.linux.Fd;
import io.sluice.linux.Memfd;
import io.sluice.mem.Translator;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A guest's memory on a device of the host, over a kernel that a test stands in for. */
class GuestOnDeviceTest {
    private static final long MIB = 1 << 20;

    @TempDir
    Path folder;

    @Test
    void shouldMapAGuestsMemoryForTheDeviceAndRefuseWhatTheKernelRefuses() throws Exception {
        FakeKernel kernel = new FakeKernel();
        HostTree host = HostTree.withSsd(folder);
        try (Fd memory = Memfd.create("guest", 8 * MIB);
                Fd more = Memfd.create("more", MIB);
                VfioDevice device = VfioDevice.open(kernel, host.sys, host.dev, HostTree.SSD, 0)) {
            int entries = (int) Math.min(Integer.MAX_VALUE, device.availableMappings());
            DeviceMemory behind = new DeviceMemory(
                    device, new IovaAllocator(device.usableIovas()), entries, 4 * MIB, 1_000_000_000_000L);
            try (DmaSpace space = new DmaSpace("guest", DmaLimits.DEFAULT, Optional.of(behind))) {
                map(space, 0, memory, 8 * MIB).confirm();
                assertEquals(2, kernel.dma.size(), "in two steps");
                long iova = space.deviceView().translate(5 * MIB, 4096, Translator.WRITE);
                assertEquals(4 * MIB, kernel.dma.get(iova - MIB)[1]);

                kernel.failures.put("VFIO_IOMMU_MAP_DMA", Errno.ENOMEM);
                PendingMap map = map(space, 1L << 32, more, MIB);
                DmaRefused refused = assertThrows(DmaRefused.class, map::confirm);
                assertEquals(Errno.ENOMEM, refused.errno());
                assertTrue(refused.getMessage().contains("VFIO_IOMMU_MAP_DMA"), refused.getMessage());
            }
            assertEquals(0, kernel.dma.size());
            assertEquals(0, kernel.mapped.size());
        }
    }

    private static PendingMap map(DmaSpace space, long gpa, Fd memory, long bytes) throws Exception {
        Transaction transaction = space.begin();
        try {
            return transaction.map(gpa, bytes, Translator.READ | Translator.WRITE, memory.duplicate(), 0);
        } finally {
            transaction.commit();
        }
    }
}

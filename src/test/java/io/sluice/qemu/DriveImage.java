package io.sluice.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.dma.IovaAllocator;
import io.sluice.host.DmaArea;
import io.sluice.host.DriverOptions;
import io.sluice.host.NvmeDriver;
import io.sluice.host.QueuePair;
import io.sluice.mem.Memory;
import io.sluice.nvme.Status;
import io.sluice.vfiouser.client.VfioUserClient;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Puts bytes on a drive behind a socket. */
final class DriveImage {
    private DriveImage() {}

    /** Writes from block 0 of namespace 1 on; the bytes are whole blocks of 512. */
    static void write(Path socket, byte[] bytes) throws IOException {
        IovaAllocator iovas = new IovaAllocator(List.of(new IovaAllocator.Range(1 << 20, (1L << 39) - 1)));
        try (VfioUserClient client = VfioUserClient.connect(socket);
                NvmeDriver driver = NvmeDriver.start(client, iovas, DriverOptions.polled(1, 16))) {
            DmaArea area = driver.allocate("image", bytes.length);
            Memory.copyIn(bytes, 0, area.address(), bytes.length);
            QueuePair queue = driver.queuePairs().get(0);
            assertTrue(queue.write(1, 0, bytes.length / 512, area.iova(), bytes.length, 1));
            queue.ring();
            List<Integer> ended = new ArrayList<>();
            long start = System.nanoTime();
            while (ended.isEmpty() && System.nanoTime() - start < TimeUnit.SECONDS.toNanos(10)) {
                queue.poll((token, status, dw0) -> ended.add(status), 1);
            }
            assertEquals(List.of(Status.OK), ended);
            driver.shutDown();
        }
    }
}

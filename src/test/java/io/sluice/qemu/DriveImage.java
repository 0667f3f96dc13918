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

/** Puts bytes on a drive behind a socket, and reads them. */
final class DriveImage {
    private static final int BLOCK_BYTES = 512;
    private static final int CHUNK_BYTES = 256 << 10;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

    private DriveImage() {}

    /** Writes from block 0 of namespace 1 on; the bytes are whole blocks of 512. */
    static void write(Path socket, byte[] bytes) throws IOException {
        transfer(socket, 0, bytes, true);
    }

    /** Reads so many bytes of namespace 1; offset and length are multiples of 512. */
    static byte[] read(Path socket, long offset, int bytes) throws IOException {
        byte[] content = new byte[bytes];
        transfer(socket, offset, content, false);
        return content;
    }

    private static void transfer(Path socket, long offset, byte[] content, boolean write) throws IOException {
        IovaAllocator iovas = new IovaAllocator(List.of(new IovaAllocator.Range(1 << 20, (1L << 39) - 1)));
        try (VfioUserClient client = VfioUserClient.connect(socket);
                NvmeDriver driver = NvmeDriver.start(client, iovas, DriverOptions.polled(1, 16))) {
            DmaArea area = driver.allocate("image", CHUNK_BYTES);
            QueuePair queue = driver.queuePairs().get(0);
            for (int done = 0; done < content.length; done += CHUNK_BYTES) {
                int bytes = Math.min(CHUNK_BYTES, content.length - done);
                long lba = (offset + done) / BLOCK_BYTES;
                if (write) {
                    Memory.copyIn(content, done, area.address(), bytes);
                    assertTrue(queue.write(1, lba, bytes / BLOCK_BYTES, area.iova(), bytes, 1));
                } else {
                    assertTrue(queue.read(1, lba, bytes / BLOCK_BYTES, area.iova(), bytes, 1));
                }
                await(queue);
                if (!write) {
                    Memory.copyOut(area.address(), content, done, bytes);
                }
            }
            driver.shutDown();
        }
    }

    private static void await(QueuePair queue) throws IOException {
        queue.ring();
        List<Integer> ended = new ArrayList<>();
        long start = System.nanoTime();
        while (ended.isEmpty() && System.nanoTime() - start < PATIENCE_NANOS) {
            queue.poll((token, status, dw0) -> ended.add(status), 1);
        }
        assertEquals(List.of(Status.OK), ended);
    }
}

package io.sluice.daemon;

import io.sluice.host.DmaArea;
import io.sluice.host.DriverStatus;
import io.sluice.host.NamespaceInfo;
import io.sluice.host.NvmeDriver;
import io.sluice.host.QueuePair;
import io.sluice.mem.Memory;
import io.sluice.nvme.Status;
import java.io.IOException;

/**
 * Whether a namespace has something on it that its owner may want to keep: a partition table, a file system and most else
 * leave traces in the first or the last MiB.
 */
final class Contents {
    private static final long LOOKED_AT_BYTES = 1 << 20;

    private final NvmeDriver driver;
    private final NamespaceInfo namespace;
    private final QueuePair pair;
    private int status;
    private boolean done;

    private Contents(NvmeDriver driver, NamespaceInfo namespace) {
        this.driver = driver;
        this.namespace = namespace;
        this.pair = driver.queuePairs().getFirst();
    }

    /**
     * Where the first byte is that is not zero, in bytes from the namespace's start; -1 if there is none in the first and in
     * the last MiB.
     *
     * @param driver with at least one queue pair, which nobody else uses meanwhile
     * @throws IOException if it cannot be read
     */
    static long find(NvmeDriver driver, NamespaceInfo namespace) throws IOException {
        long edge = Math.min(LOOKED_AT_BYTES, namespace.bytes()) / namespace.blockBytes();
        Contents contents = new Contents(driver, namespace);
        long found = contents.find(0, edge);
        return found >= 0 ? found : contents.find(namespace.blockCount() - edge, namespace.blockCount());
    }

    private long find(long firstBlock, long endBlock) throws IOException {
        int blockBytes = namespace.blockBytes();
        int step = Math.max(1, Math.min(pair.maxTransferBytes(), 1 << 16) / blockBytes);
        try (DmaArea area = driver.allocate("sluice contents", (long) step * blockBytes)) {
            for (long block = firstBlock; block < endBlock; block += step) {
                int count = (int) Math.min(step, endBlock - block);
                read(block, count, area);
                for (int i = 0; i < count * blockBytes; i++) {
                    if (Memory.getByte(area.address() + i) != 0) {
                        return block * blockBytes + i;
                    }
                }
            }
            return -1;
        }
    }

    private void read(long block, int count, DmaArea area) throws IOException {
        done = false;
        if (!pair.read(namespace.nsid(), block, count, area.iova(), count * namespace.blockBytes(), 0)) {
            throw new IllegalStateException("the queue is in use");
        }
        pair.ring();
        while (!done) {
            long now = System.nanoTime();
            pair.poll(this::completed, 1);
            pair.checkDeadlines(now);
            driver.supervise(now); // which ends the command if the device does not
            Thread.onSpinWait();
        }
        if (!Status.isSuccess(status)) {
            throw new IOException(driver.name() + " cannot read block " + block + ": " + DriverStatus.describe(status));
        }
    }

    private void completed(long token, int ended, int dw0) {
        status = ended;
        done = true;
    }
}

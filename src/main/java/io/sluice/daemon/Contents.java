package io.sluice.daemon;

import io.sluice.host.DmaArea;
import io.sluice.host.DriverClock;
import io.sluice.host.DriverStatus;
import io.sluice.host.NamespaceInfo;
import io.sluice.host.NvmeDriver;
import io.sluice.host.QueuePair;
import io.sluice.hostpci.DiskMarks;
import io.sluice.mem.Memory;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Whether a namespace has something on it that its owner may want to keep, told by reading a part of it: the first and the last
 * MiB of the namespace and of what will be written (partition tables, labels and most file systems leave traces there), and
 * samples of up to 64 KiB between them.
 *
 * <pre>
 *   namespace   |■■■······■······■······■······■■■|··························■■■|
 *               |◀──── will be written ──────────▶|     ■ is read
 * </pre>
 */
final class Contents {
    private static final long EDGE_BYTES = 1 << 20;
    private static final int MAX_READ_BYTES = 1 << 16;

    /** Over the span that will be written, at equal distances: 16 MiB in all, which no SSD takes long for. */
    private static final int SAMPLES = 256;

    /** Between two polls that find nothing, look this often before giving the processor away. */
    private static final int SPINS = 1_000;

    private final NvmeDriver driver;
    private final DriverClock clock;
    private final NamespaceInfo namespace;
    private final QueuePair pair;
    private final int stepBlocks;
    private final DmaArea area;
    private int status;
    private boolean done;

    private Contents(NvmeDriver driver, DriverClock clock, NamespaceInfo namespace) throws IOException {
        this.driver = driver;
        this.clock = clock;
        this.namespace = namespace;
        pair = driver.queuePairs().getFirst();
        stepBlocks = Math.max(1, Math.min(pair.maxTransferBytes(), MAX_READ_BYTES) / namespace.blockBytes());
        area = driver.allocate("sluice contents", (long) stepBlocks * namespace.blockBytes());
    }

    /**
     * Where the first byte is that was written, in bytes from the namespace's start; -1 if none was found. A block of zeroes
     * does not count as written, nor one of FFh where the device says that unwritten blocks read so.
     *
     * @param driver with at least one queue pair, which nobody else uses meanwhile
     * @param clock the driver's
     * @param spanBytes what will be written, from the namespace's start
     * @throws IOException if it cannot be read
     */
    static long find(NvmeDriver driver, DriverClock clock, NamespaceInfo namespace, long spanBytes) throws IOException {
        Contents contents = new Contents(driver, clock, namespace);
        try {
            return contents.find(Math.min(spanBytes, namespace.bytes()) / namespace.blockBytes());
        } finally {
            contents.close();
        }
    }

    /**
     * What there is, as a clause: "it holds an XFS file system", "there is data at byte 4096"; parameters as for {@link #find}.
     *
     * @return empty if nothing was found
     * @throws IOException if it cannot be read
     */
    static Optional<String> describe(NvmeDriver driver, DriverClock clock, NamespaceInfo namespace, long spanBytes)
            throws IOException {
        long at = find(driver, clock, namespace, spanBytes);
        if (at < 0) {
            return Optional.empty();
        }
        Contents contents = new Contents(driver, clock, namespace);
        try {
            Optional<String> mark = contents.mark();
            return Optional.of(mark.isPresent() ? "it holds " + mark.get() : "there is data at byte " + at);
        } finally {
            contents.close();
        }
    }

    private Optional<String> mark() throws IOException {
        long end = namespace.blockCount();
        int firstBlocks = (int) Math.min(end, DiskMarks.FIRST_BYTES / namespace.blockBytes());
        int lastBlocks = (int) Math.min(end, DiskMarks.LAST_BYTES / namespace.blockBytes());
        return DiskMarks.name(namespace.bytes(), copy(0, firstBlocks), copy(end - lastBlocks, lastBlocks));
    }

    private ByteBuffer copy(long firstBlock, int count) throws IOException {
        byte[] bytes = new byte[count * namespace.blockBytes()];
        for (int done = 0; done < count; done += stepBlocks) {
            int blocks = Math.min(stepBlocks, count - done);
            read(firstBlock + done, blocks);
            Memory.copyOut(area.address(), bytes, done * namespace.blockBytes(), blocks * namespace.blockBytes());
        }
        return ByteBuffer.wrap(bytes);
    }

    /** While a read may be in flight, its memory stays: until the driver is closed. */
    private void close() {
        if (pair.inFlight() == 0) {
            area.close();
        }
    }

    private long find(long spanBlocks) throws IOException {
        long end = namespace.blockCount();
        long edge = Math.min(end, EDGE_BYTES / namespace.blockBytes());
        long found = find(0, edge);
        if (found < 0) {
            found = find(end - edge, end);
        }
        if (found < 0) {
            found = find(Math.max(0, spanBlocks - edge), spanBlocks);
        }
        return found < 0 ? sample(spanBlocks) : found;
    }

    private long find(long firstBlock, long endBlock) throws IOException {
        long found = -1;
        for (long block = firstBlock; block < endBlock && found < 0; block += stepBlocks) {
            found = look(block, (int) Math.min(stepBlocks, endBlock - block));
        }
        return found;
    }

    private long sample(long spanBlocks) throws IOException {
        long distance = Math.max(stepBlocks, spanBlocks / SAMPLES);
        long found = -1;
        for (long block = 0; block < spanBlocks && found < 0; block += distance) {
            found = look(block, (int) Math.min(stepBlocks, spanBlocks - block));
        }
        return found;
    }

    private long look(long firstBlock, int count) throws IOException {
        read(firstBlock, count);
        int blockBytes = namespace.blockBytes();
        for (int i = 0; i < count; i++) {
            int at = firstWritten(area.address() + (long) i * blockBytes, blockBytes);
            if (at >= 0) {
                return (firstBlock + i) * blockBytes + at;
            }
        }
        return -1;
    }

    /** The offset of the first byte that an unwritten block would not have, or -1. */
    private int firstWritten(long address, int blockBytes) {
        byte first = Memory.getByte(address);
        byte unwritten = first == (byte) 0xff && namespace.unwrittenReadsOnes() ? first : 0;
        for (int i = 0; i < blockBytes; i++) {
            if (Memory.getByte(address + i) != unwritten) {
                return i;
            }
        }
        return -1;
    }

    private void read(long block, int count) throws IOException {
        done = false;
        pair.checkDeadlines(clock.nanoTime()); // the command's deadline counts from here
        if (!pair.read(namespace.nsid(), block, count, area.iova(), count * namespace.blockBytes(), 0)) {
            throw new IllegalStateException("the queue is in use");
        }
        pair.ring();
        for (int polls = 0; !done; polls++) {
            if (pair.poll(this::completed, 1) > 0 || polls < SPINS) {
                Thread.onSpinWait();
                continue;
            }
            long now = clock.nanoTime();
            pair.checkDeadlines(now);
            driver.supervise(now); // which ends the command if the device does not
            clock.checkPatience();
            clock.pause();
        }
        if (!Status.isSuccess(status)) {
            throw new IOException("namespace " + namespace.nsid() + " of " + driver.name()
                    + " may hold something: its block " + block + " cannot be read: " + DriverStatus.describe(status)
                    + ". If nothing on it is wanted, say --destroy-data; but a device that cannot be read is failing");
        }
    }

    private void completed(long token, int ended, int dw0) {
        status = ended;
        done = true;
    }
}

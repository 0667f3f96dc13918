package io.sluice.cli;

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
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A model whose cache is volatile, killed again and again, each of which is to its drive what a power cut is to an SSD: what was flushed is
 * there, and of what came later each block is old or new, whole.
 */
@Timeout(600) // a hang, not a measure
class TornModelTest {
    private static final int KILLS = Integer.getInteger("sluice.kills", 4);
    private static final int BLOCKS = 1024;
    private static final int BLOCK = 512;
    private static final int MAX_BLOCKS = 16;
    private static final int DEPTH = 8;

    @TempDir
    private Path folder;

    /** By block: the writes that it may be of. */
    private final List<Set<Long>> candidates = new ArrayList<>();

    private final long[] newest = new long[BLOCKS];
    private long writes;
    private int oldFound;
    private int newFound;

    @Test
    void shouldHaveWhatWasFlushedAndWholeBlocksOfTheRestAfterAKill() throws Exception {
        long seed = Long.getLong("sluice.seed", System.nanoTime());
        System.out.println("TornModelTest seed " + seed + " (repeat with -Dsluice.seed=" + seed + ")");
        Random random = new Random(seed);
        for (int i = 0; i < BLOCKS; i++) {
            candidates.add(new HashSet<>(Set.of(0L)));
        }
        for (int kill = 0; kill < KILLS; kill++) {
            try (ModelProcess model = start(seed + kill);
                    Guest guest = new Guest(model.socket())) {
                guest.verify();
                for (int batch = random.nextInt(40); batch >= 0; batch--) {
                    guest.write(random);
                    if (random.nextInt(8) == 0) {
                        guest.flush();
                    }
                }
                model.process().destroyForcibly().waitFor();
            }
        }
        try (ModelProcess model = start(seed);
                Guest guest = new Guest(model.socket())) {
            guest.verify();
        }
        System.out.println("TornModelTest: after " + KILLS + " kills " + newFound + " blocks were new and " + oldFound
                + " old of those that were not flushed");
        assertTrue(newFound > 0 && oldFound > 0, "nothing was torn");
    }

    private ModelProcess start(long faultSeed) throws Exception {
        return ModelProcess.start(
                folder.resolve("nvme.sock"),
                "--file",
                folder.resolve("disk.img").toString(),
                "--size",
                Integer.toString(BLOCKS * BLOCK),
                "--faults",
                "torn,reorder=0.1",
                "--fault-seed",
                Long.toString(faultSeed));
    }

    private static long word(int block, long write, int offset) {
        if (write == 0 || offset == 0) {
            return write;
        }
        return ((write * 0x9e3779b97f4a7c15L) ^ (block * 31L) ^ offset) | 1;
    }

    private void safe(int block) {
        candidates.set(block, new HashSet<>(Set.of(newest[block])));
    }

    /** Takes what a block is found to be. */
    private void check(int block, long data) {
        long write = Memory.getLong(data);
        for (int offset = Long.BYTES; offset < BLOCK; offset += Long.BYTES) {
            assertEquals(word(block, write, offset), Memory.getLong(data + offset), "block " + block + " is torn");
        }
        Set<Long> possible = candidates.get(block);
        assertTrue(possible.contains(write), () -> "block " + block + " has write " + write + ", not of " + possible);
        if (possible.size() > 1) {
            newFound += write == newest[block] ? 1 : 0;
            oldFound += write == newest[block] ? 0 : 1;
        }
        newest[block] = write;
        safe(block);
    }

    /** Does several things at a time, and waits for all. */
    private final class Guest implements AutoCloseable {
        private final VfioUserClient client;
        private final NvmeDriver driver;
        private final DmaArea data;
        private final QueuePair pair;
        private int inFlight;

        Guest(Path socket) throws IOException {
            client = VfioUserClient.connect(socket);
            IovaAllocator iovas = new IovaAllocator(List.of(new IovaAllocator.Range(0, 0xffff_ffff_ffffL)));
            driver = NvmeDriver.start(client, iovas, DriverOptions.polled(1, 2 * DEPTH));
            data = driver.allocate("data", (long) DEPTH * MAX_BLOCKS * BLOCK);
            pair = driver.queuePairs().getFirst();
        }

        /** Some writes at once, none of which touches another's blocks. */
        void write(Random random) throws IOException {
            for (int i = 0; i < DEPTH; i++) {
                int blocks = 1 + random.nextInt(MAX_BLOCKS);
                int first = i * (BLOCKS / DEPTH) + random.nextInt(BLOCKS / DEPTH - blocks + 1);
                long offset = (long) i * MAX_BLOCKS * BLOCK;
                writes++;
                for (int block = 0; block < blocks; block++) {
                    candidates.get(first + block).add(writes);
                    newest[first + block] = writes;
                    for (int at = 0; at < BLOCK; at += Long.BYTES) {
                        long address = data.address() + offset + (long) block * BLOCK + at;
                        Memory.putLong(address, word(first + block, writes, at));
                    }
                }
                begun(pair.write(1, first, blocks, data.iova() + offset, blocks * BLOCK, i));
            }
            await();
        }

        void flush() throws IOException {
            begun(pair.flush(1, 0));
            await();
            for (int block = 0; block < BLOCKS; block++) {
                safe(block);
            }
        }

        void verify() throws IOException {
            for (int first = 0; first < BLOCKS; first += MAX_BLOCKS) {
                begun(pair.read(1, first, MAX_BLOCKS, data.iova(), MAX_BLOCKS * BLOCK, 0));
                await();
                for (int i = 0; i < MAX_BLOCKS; i++) {
                    check(first + i, data.address() + (long) i * BLOCK);
                }
            }
        }

        private void begun(boolean submitted) {
            assertTrue(submitted, "the queue is longer than this goes");
            inFlight++;
        }

        private void await() throws IOException {
            pair.ring();
            while (inFlight > 0) {
                int ended = pair.poll(
                        (token, status, dw0) -> assertEquals(Status.OK, status, () -> Status.describe(status)), DEPTH);
                inFlight -= ended;
                if (ended == 0) {
                    LockSupport.parkNanos(10_000);
                }
            }
        }

        @Override
        public void close() {
            data.close();
            driver.close();
            client.close();
        }
    }
}

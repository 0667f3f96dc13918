package io.sluice.host;

import io.sluice.daemon.DeviceTarget;
import io.sluice.daemon.NvmeSession;
import io.sluice.mem.Memory;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

/**
 * Writes a random pattern over a whole drive in all sizes and alignments, several commands at a time, and says what should be
 * there; or compares a drive with a file. For guests: the other side of the comparison is the kernel's driver.
 */
final class DrivePattern {
    private static final int NSID = 1;
    private static final int SLOTS = 16;

    private final QueuePair pair;
    private final DmaArea area;
    private final NamespaceInfo namespace;
    private final int slotBytes;
    private final byte[] expected;
    private final Random random;
    private int failed;

    private DrivePattern(NvmeDriver driver, long seed) throws IOException {
        pair = driver.queuePairs().getFirst();
        namespace = driver.namespace(NSID);
        slotBytes = pair.maxTransferBytes() + 2 * Memory.PAGE_BYTES;
        area = driver.allocate("pattern", (long) SLOTS * slotBytes);
        expected = new byte[Math.toIntExact(namespace.blockCount() * namespace.blockBytes())];
        random = new Random(seed);
    }

    /** write ADDRESS FILE, or compare ADDRESS FILE. */
    public static void main(String[] arguments) throws IOException {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Path file = Path.of(arguments[2]);
        DeviceTarget target = DeviceTarget.parse(arguments[1]);
        try (NvmeSession session = NvmeSession.open(target, DriverOptions.polled(1, SLOTS + 1), () -> {})) {
            DrivePattern pattern = new DrivePattern(session.driver(), seed);
            if (arguments[0].equals("write")) {
                pattern.writeAll();
                pattern.readAll();
                Files.write(file, pattern.expected);
            } else {
                byte[] content = Files.readAllBytes(file);
                System.arraycopy(content, 0, pattern.expected, 0, pattern.expected.length);
                pattern.readAll();
            }
            session.driver().shutDown();
        }
    }

    /** First all in order, so that every byte is known; then at random. */
    private void writeAll() throws IOException {
        long commands = pass(true, false) + pass(true, true);
        System.out.println("wrote " + commands + " times, " + expected.length + " bytes");
    }

    private void readAll() throws IOException {
        long commands = pass(false, false) + pass(false, true);
        System.out.println("read " + commands + " times, " + expected.length + " bytes");
    }

    /** Goes over the drive once in batches of extents that do not overlap; returns how many commands that took. */
    private long pass(boolean write, boolean shuffled) throws IOException {
        long commands = 0;
        int block = namespace.blockBytes();
        int[] sizes = new int[SLOTS];
        int[] offsets = new int[SLOTS];
        long[] slbas = new long[SLOTS];
        long next = 0;
        while (next < namespace.blockCount()) {
            int count = 0;
            while (count < SLOTS && next < namespace.blockCount()) {
                int most = (int) Math.min(pair.maxTransferBytes() / block, namespace.blockCount() - next);
                int blocks = 1 + random.nextInt(shuffled ? Math.min(most, 24) : most);
                sizes[count] = blocks * block;
                offsets[count] = random.nextInt(Memory.PAGE_BYTES / Integer.BYTES) * Integer.BYTES;
                slbas[count] = next;
                next += blocks + (shuffled ? random.nextInt(64) : 0);
                count++;
            }
            batch(write, count, slbas, sizes, offsets);
            commands += count;
        }
        return commands;
    }

    private void batch(boolean write, int count, long[] slbas, int[] sizes, int[] offsets) throws IOException {
        int block = namespace.blockBytes();
        for (int i = 0; i < count; i++) {
            int place = i * slotBytes + offsets[i];
            int at = Math.toIntExact(slbas[i] * block);
            if (write) {
                byte[] data = new byte[sizes[i]];
                random.nextBytes(data);
                System.arraycopy(data, 0, expected, at, data.length);
                Memory.copyIn(data, 0, area.address() + place, data.length);
                check(pair.write(NSID, slbas[i], sizes[i] / block, area.iova() + place, sizes[i], i));
            } else {
                check(pair.read(NSID, slbas[i], sizes[i] / block, area.iova() + place, sizes[i], i));
            }
        }
        pair.ring();
        awaitAll(count);
        for (int i = 0; i < count && !write; i++) {
            byte[] data = new byte[sizes[i]];
            Memory.copyOut(area.address() + (long) i * slotBytes + offsets[i], data, 0, data.length);
            int at = Math.toIntExact(slbas[i] * block);
            if (!Arrays.equals(data, 0, data.length, expected, at, at + data.length)) {
                throw new IOException(data.length + " bytes at block " + slbas[i] + " are not what was written");
            }
        }
    }

    private static void check(boolean submitted) throws IOException {
        if (!submitted) {
            throw new IOException("no free slot");
        }
    }

    private void awaitAll(int count) throws IOException {
        int done = 0;
        while (done < count) {
            done += pair.poll((token, status, dw0) -> failed += Status.isSuccess(status) ? 0 : 1, SLOTS);
        }
        if (failed > 0) {
            throw new IOException(failed + " commands failed");
        }
    }
}

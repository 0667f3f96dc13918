package io.sluice.host;

import io.sluice.daemon.DeviceTarget;
import io.sluice.daemon.NvmeSession;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.nvme.DoorbellBuffer;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/**
 * Writes a random pattern over whole namespaces in all sizes and alignments, several commands at a time, and says what should be
 * there; or compares namespaces with files. For guests: the other side of the comparison is the kernel's driver.
 *
 * <p>Each argument is a job: {@code write ADDRESS NSID FILE [TRAIT...]}, or {@code compare} and the same. A trait is something to use,
 * and to fail without: {@code queues=N}, {@code interrupts}, {@code doorbell-buffer}, {@code hugepages}, {@code small-pages}.
 */
final class DrivePattern {
    private static final int SLOTS = 16;
    private static final long HANG_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final NvmeDriver driver;
    private final QueuePair[] pairs;
    private final NamespaceInfo namespace;
    private final int maxTransferBytes;
    private final int slotBytes;
    private final DmaArea area;
    private final long hugepagesTaken;
    private final byte[] expected;
    private final Random random;
    private final boolean[] eventIdxMoved;
    private long commands;
    private int failed;

    private DrivePattern(NvmeDriver driver, int nsid, long seed) throws IOException {
        this.driver = driver;
        pairs = driver.queuePairs().toArray(QueuePair[]::new);
        eventIdxMoved = new boolean[pairs.length];
        namespace = driver.namespace(nsid);
        maxTransferBytes = pairs[0].maxTransferBytes();
        slotBytes = maxTransferBytes + 2 * Memory.PAGE_BYTES;
        long before = availableHugepages();
        area = driver.allocate("pattern", (long) SLOTS * slotBytes);
        hugepagesTaken = before - availableHugepages();
        expected = new byte[Math.toIntExact(namespace.bytes())];
        random = new Random(seed);
    }

    public static void main(String[] jobs) throws IOException {
        for (String job : jobs) {
            long seed = System.nanoTime();
            System.out.println(job + ", seed " + seed);
            List<String> words = Arrays.asList(job.split(" ", -1));
            Collection<String> traits = words.subList(4, words.size());
            DeviceTarget target = patient(DeviceTarget.parse(words.get(1)));
            try (NvmeSession session = NvmeSession.open(target, options(traits), () -> {})) {
                DrivePattern pattern = new DrivePattern(session.driver(), Integer.parseInt(words.get(2), 10), seed);
                pattern.run(words.get(0), Path.of(words.get(3)));
                for (String trait : traits) {
                    require(pattern.hasUsed(trait), job + ": it has not used " + trait);
                }
                session.driver().shutDown();
            }
        }
    }

    /** In a guest without KVM, a server in Java that has just started takes seconds for what it does for the first time. */
    private static DeviceTarget patient(DeviceTarget target) {
        return target instanceof DeviceTarget.Socket socket
                ? new DeviceTarget.Socket(socket.path(), Duration.ofMinutes(1))
                : target;
    }

    private static DriverOptions options(Collection<String> traits) {
        DriverOptions options = DriverOptions.polled(1, SLOTS + 1);
        for (String trait : traits) {
            options = switch (trait) {
                case "interrupts" -> options.withInterrupts();
                case "doorbell-buffer" -> options.withDoorbellBuffer();
                case "hugepages", "small-pages" -> options;
                default -> DriverOptions.polled(Integer.parseInt(trait.replace("queues=", ""), 10), SLOTS + 1);
            };
        }
        return options;
    }

    private boolean hasUsed(String trait) {
        return switch (trait) {
            case "interrupts" ->
                Arrays.stream(pairs)
                        .map(pair -> driver.interrupt(pair.qid()))
                        .distinct() // queues may share one
                        .allMatch(interrupt -> interrupt.drain() > 0);
            case "doorbell-buffer" -> IntStream.range(0, pairs.length).allMatch(i -> eventIdxMoved[i]);
            case "hugepages" -> hugepagesTaken == area.bytes() / Memfd.HUGE_PAGE_BYTES;
            case "small-pages" -> hugepagesTaken == 0;
            default -> trait.equals("queues=" + pairs.length);
        };
    }

    /** A device that reads the tails in memory says there up to which one it has read. */
    private void noteEventIdx() {
        for (int i = 0; i < pairs.length && driver.shadows() != null; i++) {
            int offset = DoorbellBuffer.sqTailOffset(pairs[i].qid());
            eventIdxMoved[i] |= Memory.getIntAcquire(driver.shadows().eventIdx(offset)) != 0;
        }
    }

    /** Hugepages that nobody has: neither in use, nor promised to a mapping that has not touched them yet. */
    private static long availableHugepages() throws IOException {
        return hugepages("HugePages_Free:") - hugepages("HugePages_Rsvd:");
    }

    private static long hugepages(String name) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/meminfo"))) {
            if (line.startsWith(name)) {
                return Long.parseLong(line.substring(name.length()).strip(), 10);
            }
        }
        throw new IOException("/proc/meminfo has no " + name);
    }

    private void run(String action, Path file) throws IOException {
        if (action.equals("write")) {
            pass(true, false); // in order, so that every byte is known
            pass(true, true);
        } else {
            byte[] content = Files.readAllBytes(file);
            System.arraycopy(content, 0, expected, 0, expected.length);
        }
        pass(false, false);
        pass(false, true);
        if (action.equals("write")) {
            Files.write(file, expected);
        }
        System.out.println(commands + " commands of up to " + maxTransferBytes + " bytes, on " + pairs.length
                + " queues, over " + expected.length + " bytes in blocks of " + namespace.blockBytes());
    }

    /** Goes over the namespace once in batches of extents that do not overlap. */
    private void pass(boolean write, boolean shuffled) throws IOException {
        int block = namespace.blockBytes();
        int[] sizes = new int[SLOTS];
        int[] offsets = new int[SLOTS];
        long[] slbas = new long[SLOTS];
        long next = 0;
        while (next < namespace.blockCount()) {
            int count = 0;
            while (count < SLOTS && next < namespace.blockCount()) {
                int most = (int) Math.min(maxTransferBytes / block, namespace.blockCount() - next);
                int blocks = 1 + random.nextInt(shuffled ? Math.min(most, 24) : most);
                sizes[count] = blocks * block;
                offsets[count] = random.nextInt(Memory.PAGE_BYTES / Integer.BYTES) * Integer.BYTES;
                slbas[count] = next;
                next += blocks + (shuffled ? random.nextInt(64) : 0);
                count++;
            }
            batch(write, count, slbas, sizes, offsets);
        }
    }

    private void batch(boolean write, int count, long[] slbas, int[] sizes, int[] offsets) throws IOException {
        int block = namespace.blockBytes();
        int nsid = namespace.nsid();
        for (int i = 0; i < count; i++) {
            QueuePair pair = pairs[(int) (commands++ % pairs.length)];
            int place = i * slotBytes + offsets[i];
            int at = Math.toIntExact(slbas[i] * block);
            boolean submitted;
            if (write) {
                byte[] data = new byte[sizes[i]];
                random.nextBytes(data);
                System.arraycopy(data, 0, expected, at, data.length);
                Memory.copyIn(data, 0, area.address() + place, data.length);
                submitted = pair.write(nsid, slbas[i], sizes[i] / block, area.iova() + place, sizes[i], i);
            } else {
                submitted = pair.read(nsid, slbas[i], sizes[i] / block, area.iova() + place, sizes[i], i);
            }
            require(submitted, "no slot is free");
        }
        for (QueuePair pair : pairs) {
            pair.ring();
        }
        awaitAll(count);
        noteEventIdx();
        for (int i = 0; i < count && !write; i++) {
            byte[] data = new byte[sizes[i]];
            Memory.copyOut(area.address() + (long) i * slotBytes + offsets[i], data, 0, data.length);
            int at = Math.toIntExact(slbas[i] * block);
            boolean same = Arrays.equals(data, 0, data.length, expected, at, at + data.length);
            require(same, data.length + " bytes at block " + slbas[i] + " are not what was written");
        }
    }

    private void awaitAll(int count) throws IOException {
        int done = 0;
        long start = System.nanoTime();
        while (done < count) {
            for (QueuePair pair : pairs) {
                done += pair.poll((token, status, dw0) -> failed += Status.isSuccess(status) ? 0 : 1, SLOTS);
            }
            require(System.nanoTime() - start < HANG_NANOS, count - done + " commands do not end");
        }
        require(failed == 0, failed + " commands failed");
    }

    private static void require(boolean condition, String otherwise) throws IOException {
        if (!condition) {
            throw new IOException(otherwise);
        }
    }
}

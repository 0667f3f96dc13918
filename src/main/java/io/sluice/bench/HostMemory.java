package io.sluice.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.stream.Stream;

/** Whether a load's buffers fit into this machine: memory that is not there shows only when it is filled, as a killed process. */
final class HostMemory {
    private static final Path MEMINFO = Path.of("/proc/meminfo");
    private static final String AVAILABLE = "MemAvailable:";
    private static final long KIB = 1024;
    private static final double GIB = 1 << 30;

    private HostMemory() {}

    /** @throws IllegalArgumentException with the sum if it does not */
    static void check(int queues, int depth, int bufferBytes) {
        check(queues, depth, bufferBytes, availableBytes().orElse(Long.MAX_VALUE));
    }

    static void check(int queues, int depth, int bufferBytes, long availableBytes) {
        long commands = (long) queues * depth;
        if (commands > availableBytes / bufferBytes) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "%,d queues x a depth of %,d x buffers of %,d bytes are %.1f GiB, and this machine has %.1f GiB of memory"
                            + " left; use fewer queues, or less depth, or smaller blocks",
                    queues,
                    depth,
                    bufferBytes,
                    commands * (bufferBytes / GIB),
                    availableBytes / GIB));
        }
    }

    /** What the kernel estimates can be had without swapping; empty where it does not say. */
    private static OptionalLong availableBytes() {
        try (Stream<String> lines = Files.lines(MEMINFO)) {
            return lines.filter(line -> line.startsWith(AVAILABLE))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) * KIB)
                    .findFirst();
        } catch (IOException e) {
            return OptionalLong.empty();
        }
    }
}

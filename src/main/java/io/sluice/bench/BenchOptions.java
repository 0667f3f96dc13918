package io.sluice.bench;

import io.sluice.mem.Memory;

/**
 * A load.
 *
 * @param operation reads, writes or both, in sequence or anywhere
 * @param blockBytes data of one command; a multiple of the namespace's block size
 * @param depth commands outstanding on each queue, 1 to 65,535
 * @param queues I/O queue pairs, 1 to 65,535
 * @param threads that drive them, 1 to {@code queues}
 * @param seconds measured time, 1 or more
 * @param warmUpSeconds run before that and not counted, 0 or more
 * @param readPercent share of reads under {@link Operation#RANDRW}, 0 to 100
 * @param verify whether data is written in a pattern and checked
 * @param seed of addresses and of the pattern
 * @param regionBytes how much of the namespace is used, from its start; 0 for all
 * @param nsid the namespace; 0 for the first one
 * @param thinkMillis pause of a thread between the end of commands and the next ones, 0 to 60,000
 */
public record BenchOptions(
        Operation operation,
        int blockBytes,
        int depth,
        int queues,
        int threads,
        int seconds,
        int warmUpSeconds,
        int readPercent,
        boolean verify,
        long seed,
        long regionBytes,
        int nsid,
        int thinkMillis) {

    /** A queue has 65,536 entries at most, and is full with one less. */
    private static final int MAX_DEPTH = 65_535;

    private static final int MAX_QUEUES = 65_535;
    private static final int MAX_THINK_MILLIS = 60_000;

    public BenchOptions {
        require(blockBytes > 0, "the block size must be more than 0, not " + blockBytes);
        require(depth > 0, "the depth must be 1 or more, not " + depth);
        require(depth <= MAX_DEPTH, "the depth must be " + MAX_DEPTH + " or less, not " + depth + ": NVMe has no more");
        require(queues > 0, "queues must be 1 or more, not " + queues);
        require(
                queues <= MAX_QUEUES,
                "queues must be " + MAX_QUEUES + " or less, not " + queues + ": NVMe has no more");
        require(threads > 0 && threads <= queues, "threads must be 1 to the number of queues, not " + threads);
        require(seconds > 0, "the time must be 1 second or more, not " + seconds);
        require(warmUpSeconds >= 0, "the warm-up must be 0 seconds or more, not " + warmUpSeconds);
        require(readPercent >= 0 && readPercent <= 100, "reads must be 0 to 100 percent, not " + readPercent);
        require(regionBytes >= 0, "the size must be 0 or more, not " + regionBytes);
        require(
                thinkMillis >= 0 && thinkMillis <= MAX_THINK_MILLIS,
                "the think time must be 0 to " + MAX_THINK_MILLIS + " ms, not " + thinkMillis);
    }

    /** A load without pauses. */
    public BenchOptions(
            Operation operation,
            int blockBytes,
            int depth,
            int queues,
            int threads,
            int seconds,
            int warmUpSeconds,
            int readPercent,
            boolean verify,
            long seed,
            long regionBytes,
            int nsid) {
        this(
                operation,
                blockBytes,
                depth,
                queues,
                threads,
                seconds,
                warmUpSeconds,
                readPercent,
                verify,
                seed,
                regionBytes,
                nsid,
                0);
    }

    /** Memory for the data of all outstanding commands, each in whole pages. */
    public long bufferBytes() {
        return (long) queues * depth * Math.ceilDiv(blockBytes, Memory.PAGE_BYTES) * Memory.PAGE_BYTES;
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new IllegalArgumentException(otherwise);
        }
    }
}

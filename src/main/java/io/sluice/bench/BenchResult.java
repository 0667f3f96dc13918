package io.sluice.bench;

import java.util.Map;
import java.util.Optional;

/**
 * What a run measured.
 *
 * @param device its name
 * @param options what was asked for, with the seed that was used
 * @param blockBytes of the namespace's logical blocks
 * @param seconds measured: less than asked for after an early stop
 * @param stopped whether it was stopped early
 * @param reads of successful reads
 * @param writes of successful writes
 * @param total of both
 * @param errors failed commands by the status's name, warm-up and read-back included
 * @param resets how often the controller had to be reset
 * @param lastResetReason why it was reset last, if it was
 * @param verification what was checked, where that was asked for
 */
public record BenchResult(
        String device,
        BenchOptions options,
        int blockBytes,
        double seconds,
        boolean stopped,
        Measured reads,
        Measured writes,
        Measured total,
        Map<String, Long> errors,
        int resets,
        Optional<String> lastResetReason,
        Optional<Verification> verification) {

    /**
     * Commands of one kind.
     *
     * @param commands that ended well in the measured time
     * @param iops commands in a second
     * @param bytesPerSecond of their data
     * @param latency of them
     */
    public record Measured(long commands, double iops, double bytesPerSecond, Latency latency) {}

    /** Latencies in nanoseconds, exact to three digits; all 0 where there was no command. */
    public record Latency(double meanNanos, long p50, long p90, long p99, long p999, long p9999, long maxNanos) {}

    /**
     * What the reads of a verifying run found.
     *
     * @param blocksChecked logical blocks compared
     * @param blocksWrong of these, how many differed
     * @param blocksForeign logical blocks read that this run had not written, and that do not carry its seed
     * @param first the first mismatch
     */
    public record Verification(long blocksChecked, long blocksWrong, long blocksForeign, Optional<Mismatch> first) {}

    /** How many commands failed. */
    public long errorCount() {
        return errors.values().stream().mapToLong(Long::longValue).sum();
    }

    /** Whether data was read that differs from what was written. */
    public boolean dataIsWrong() {
        return verification.isPresent() && verification.get().blocksWrong() > 0;
    }

    /** Whether a check was asked for, and nothing that was read could be checked. */
    public boolean nothingWasVerified() {
        return verification.isPresent() && verification.get().blocksChecked() == 0;
    }
}

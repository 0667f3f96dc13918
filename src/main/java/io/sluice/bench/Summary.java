package io.sluice.bench;

import io.sluice.bench.BenchResult.Latency;
import io.sluice.bench.BenchResult.Measured;
import io.sluice.bench.BenchResult.Verification;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.HdrHistogram.Histogram;

/** Adds up what the jobs of a run measured. */
final class Summary {
    private static final double NANOS_PER_SECOND = 1e9;

    private final List<Job> jobs;
    private final double seconds;
    private final int unitBytes;

    Summary(List<Job> jobs, long measuredNanos, int unitBytes) {
        this.jobs = jobs;
        this.seconds = measuredNanos / NANOS_PER_SECOND;
        this.unitBytes = unitBytes;
    }

    BenchResult result(
            String device,
            BenchOptions options,
            int blockBytes,
            boolean stopped,
            int resets,
            Optional<String> lastResetReason) {
        List<Direction> reads = jobs.stream().map(Job::reads).toList();
        List<Direction> writes = jobs.stream().map(Job::writes).toList();
        Histogram readLatencies = merge(reads);
        Histogram writeLatencies = merge(writes);
        Histogram all = readLatencies.copy();
        all.add(writeLatencies);
        return new BenchResult(
                device,
                options,
                blockBytes,
                seconds,
                stopped,
                measured(readLatencies),
                measured(writeLatencies),
                measured(all),
                StatusTally.byName(jobs.stream().map(Job::errors).toList()),
                resets,
                resets == 0 ? Optional.empty() : lastResetReason,
                verification());
    }

    private static Histogram merge(List<Direction> directions) {
        Histogram merged = Direction.newHistogram();
        directions.forEach(direction -> merged.add(direction.latencies()));
        return merged;
    }

    private Measured measured(Histogram latencies) {
        long commands = latencies.getTotalCount();
        double iops = seconds == 0 ? 0 : commands / seconds;
        return new Measured(commands, iops, iops * unitBytes, latency(latencies));
    }

    private static Latency latency(Histogram latencies) {
        return new Latency(
                latencies.getMean(),
                latencies.getValueAtPercentile(50),
                latencies.getValueAtPercentile(90),
                latencies.getValueAtPercentile(99),
                latencies.getValueAtPercentile(99.9),
                latencies.getValueAtPercentile(99.99),
                latencies.getMaxValue());
    }

    private Optional<Verification> verification() {
        List<Verifier> verifiers =
                jobs.stream().map(Job::verifier).filter(Objects::nonNull).toList();
        if (verifiers.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new Verification(
                verifiers.stream().mapToLong(Verifier::blocksChecked).sum(),
                verifiers.stream().mapToLong(Verifier::blocksWrong).sum(),
                verifiers.stream().mapToLong(Verifier::blocksForeign).sum(),
                verifiers.stream()
                        .map(Verifier::firstMismatch)
                        .filter(Objects::nonNull)
                        .findFirst()));
    }
}

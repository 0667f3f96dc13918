package io.sluice.bench;

import java.util.List;

/** Turns the jobs' counters into reports. */
final class ProgressMeter {
    private static final double NANOS_PER_SECOND = 1e9;

    private final Timeline timeline;
    private final BenchOptions options;
    private final List<Job> jobs;
    private final Progress progress;
    private long lastNanos = System.nanoTime();
    private long lastCommands;

    ProgressMeter(Timeline timeline, BenchOptions options, List<Job> jobs, Progress progress) {
        this.timeline = timeline;
        this.options = options;
        this.jobs = jobs;
        this.progress = progress;
    }

    void report() {
        long now = System.nanoTime();
        long commands = jobs.stream().mapToLong(Job::progress).sum();
        double iops = (commands - lastCommands) * NANOS_PER_SECOND / Math.max(1, now - lastNanos);
        lastNanos = now;
        lastCommands = commands;
        progress.report(new Progress.Report(
                phase(now),
                timeline.measuredNanos(now) / NANOS_PER_SECOND,
                iops,
                iops * options.blockBytes(),
                jobs.stream().mapToLong(Job::failures).sum()));
    }

    private Progress.Phase phase(long now) {
        if (timeline.isOver(now)) {
            return Progress.Phase.READING_BACK;
        }
        return timeline.isMeasured(now) ? Progress.Phase.MEASURING : Progress.Phase.WARMING_UP;
    }
}

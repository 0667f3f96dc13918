package io.sluice.bench;

/** Hears how a run goes. */
@FunctionalInterface
public interface Progress {
    /** Hears nothing. */
    Progress NONE = report -> {};

    /** Called on the thread that runs the bench. */
    void report(Report report);

    /**
     * How it goes.
     *
     * @param phase what it does now
     * @param measuredSeconds so far
     * @param iops commands a second since the last report
     * @param bytesPerSecond of their data
     * @param errors commands failed so far
     */
    record Report(Phase phase, double measuredSeconds, double iops, double bytesPerSecond, long errors) {}

    /** What a run does. */
    enum Phase {
        WARMING_UP,
        MEASURING,
        READING_BACK
    }
}

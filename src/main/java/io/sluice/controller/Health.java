package io.sluice.controller;

import io.sluice.nvme.SmartLog;
import io.sluice.state.SnapshotReader;
import io.sluice.state.SnapshotWriter;
import java.util.function.LongSupplier;

/**
 * The controller's health: NVMe 1.4, 5.14.1.2. Software does not wear out and does not get warm, so most of it is constant.
 * Belongs to the controller's agent.
 */
final class Health {
    /** Composite temperature, in kelvins: 40 degrees Celsius, whatever happens. */
    static final int TEMPERATURE = 313;
    /** Identify Controller WCTEMP: 80 degrees Celsius. */
    static final int WARNING_TEMPERATURE = 353;
    /** Identify Controller CCTEMP: 90 degrees Celsius. */
    static final int CRITICAL_TEMPERATURE = 363;

    /** NVMe 1.4, 5.21.1.4: the default over temperature threshold is WCTEMP. */
    static final int DEFAULT_OVER_TEMPERATURE = WARNING_TEMPERATURE;
    /** NVMe 1.4, 5.21.1.4: the default under temperature threshold is 0. */
    static final int DEFAULT_UNDER_TEMPERATURE = 0;

    /** The critical warnings that events can be asked for; there is no persistent memory region. */
    static final int WARNINGS = SmartLog.WARNING_SPARE
            | SmartLog.WARNING_TEMPERATURE
            | SmartLog.WARNING_RELIABILITY
            | SmartLog.WARNING_READ_ONLY
            | SmartLog.WARNING_BACKUP;

    private static final int SPARE_PERCENT = 100;
    private static final int SPARE_THRESHOLD_PERCENT = 10;
    private static final long NANOS_PER_HOUR = 3_600_000_000_000L;

    private final LongSupplier clock;
    private long startedNanos;
    private final IoCounters io;
    private final ErrorLog errorLog;
    private final Features features;
    private long powerCycles = 1;

    Health(LongSupplier clock, IoCounters io, ErrorLog errorLog, Features features) {
        this.clock = clock;
        this.startedNanos = clock.getAsLong();
        this.io = io;
        this.errorLog = errorLog;
        this.features = features;
    }

    void save(SnapshotWriter out) {
        out.put(powerCycles);
        out.put(startedNanos);
    }

    /** The clock is the same one for all processes of a host. */
    void resume(SnapshotReader in) {
        powerCycles = in.getLong();
        startedNanos = in.getLong();
        errorLog.resume();
    }

    /** A client has gone, and with it the power. */
    void powerCycled() {
        powerCycles++;
    }

    /** Whether the temperature has passed a threshold: Critical Warning bit 1. */
    boolean isTemperatureCritical() {
        return TEMPERATURE >= features.temperature(false) || TEMPERATURE <= features.temperature(true);
    }

    /** Writes the SMART log; the target is zeroes. */
    void write(long target) {
        SmartLog.CRITICAL_WARNING.set(target, isTemperatureCritical() ? SmartLog.WARNING_TEMPERATURE : 0);
        SmartLog.TEMPERATURE.set(target, TEMPERATURE);
        SmartLog.AVAILABLE_SPARE.set(target, SPARE_PERCENT);
        SmartLog.SPARE_THRESHOLD.set(target, SPARE_THRESHOLD_PERCENT);
        SmartLog.DATA_UNITS_READ.set(target, dataUnits(io.readBytes()));
        SmartLog.DATA_UNITS_WRITTEN.set(target, dataUnits(io.writeBytes()));
        SmartLog.HOST_READS.set(target, io.readCommands());
        SmartLog.HOST_WRITES.set(target, io.writeCommands());
        SmartLog.POWER_CYCLES.set(target, powerCycles);
        SmartLog.POWER_ON_HOURS.set(target, (clock.getAsLong() - startedNanos) / NANOS_PER_HOUR);
        SmartLog.MEDIA_ERRORS.set(target, io.mediaErrors());
        SmartLog.ERROR_LOG_ENTRIES.set(target, errorLog.count());
    }

    /** Thousands of 512 bytes, rounded up. */
    private static long dataUnits(long bytes) {
        return Math.ceilDiv(bytes, 512_000L);
    }
}

package io.sluice.host;

import io.sluice.nvme.SmartLog;
import java.math.BigInteger;

/**
 * The SMART / Health Information log page, decoded: NVMe 1.4, 5.14.1.2.
 *
 * @param criticalWarning bits such as {@link SmartLog#WARNING_SPARE}; 0 for none
 * @param temperatureKelvin composite temperature
 * @param availableSparePercent spare capacity left
 * @param spareThresholdPercent below which it warns
 * @param percentageUsed of its life; may pass 100
 * @param dataUnitsRead thousands of 512-byte units, rounded up
 * @param dataUnitsWritten the same, written
 * @param hostReads Read and Compare commands completed
 * @param hostWrites Write commands completed
 * @param busyMinutes with commands outstanding
 * @param powerCycles how often it was switched on
 * @param powerOnHours with power
 * @param unsafeShutdowns without a shutdown before
 * @param mediaErrors unrecovered data integrity errors
 * @param errorLogEntries over its life
 */
public record HealthLog(
        int criticalWarning,
        int temperatureKelvin,
        int availableSparePercent,
        int spareThresholdPercent,
        int percentageUsed,
        BigInteger dataUnitsRead,
        BigInteger dataUnitsWritten,
        BigInteger hostReads,
        BigInteger hostWrites,
        BigInteger busyMinutes,
        BigInteger powerCycles,
        BigInteger powerOnHours,
        BigInteger unsafeShutdowns,
        BigInteger mediaErrors,
        BigInteger errorLogEntries) {

    static HealthLog of(long page) {
        return new HealthLog(
                SmartLog.CRITICAL_WARNING.getInt(page),
                SmartLog.TEMPERATURE.getInt(page),
                SmartLog.AVAILABLE_SPARE.getInt(page),
                SmartLog.SPARE_THRESHOLD.getInt(page),
                SmartLog.PERCENTAGE_USED.getInt(page),
                SmartLog.DATA_UNITS_READ.get(page),
                SmartLog.DATA_UNITS_WRITTEN.get(page),
                SmartLog.HOST_READS.get(page),
                SmartLog.HOST_WRITES.get(page),
                SmartLog.BUSY_MINUTES.get(page),
                SmartLog.POWER_CYCLES.get(page),
                SmartLog.POWER_ON_HOURS.get(page),
                SmartLog.UNSAFE_SHUTDOWNS.get(page),
                SmartLog.MEDIA_ERRORS.get(page),
                SmartLog.ERROR_LOG_ENTRIES.get(page));
    }
}

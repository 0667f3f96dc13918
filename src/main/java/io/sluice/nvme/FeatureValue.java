package io.sluice.nvme;

import io.sluice.mem.Bits;

/**
 * The values of features: NVMe 1.4, 5.21.1. A value is Set Features' CDW11 and Get Features' completion DW0; identifiers
 * are in {@link Feature}.
 */
public final class FeatureValue {
    /** Arbitration's burst that means "no limit". */
    public static final int BURST_UNLIMITED = 7;
    /** Bytes of Timestamp's data. */
    public static final int TIMESTAMP_BYTES = 8;

    /** Async event configuration and OAES, bit 8: Namespace Attribute Changed. */
    public static final int EVENT_NAMESPACE_ATTRIBUTES = 1 << 8;
    /** Bit 9: Firmware Activation Starting. */
    public static final int EVENT_FIRMWARE_ACTIVATION = 1 << 9;
    /** Bit 10: Telemetry Log Changed. */
    public static final int EVENT_TELEMETRY = 1 << 10;
    /** Bit 11: Asymmetric Namespace Access Change. */
    public static final int EVENT_ANA = 1 << 11;
    /** Bit 12: Predictable Latency Event Aggregate Log Change. */
    public static final int EVENT_PREDICTABLE_LATENCY = 1 << 12;
    /** Bit 13: LBA Status Information Alert. */
    public static final int EVENT_LBA_STATUS = 1 << 13;
    /** Bit 14: Endurance Group Event Aggregate Log Change. */
    public static final int EVENT_ENDURANCE_GROUP = 1 << 14;

    /** Temperature Threshold TMPSEL: the composite temperature; 1 to 8 are sensors. */
    public static final int TEMPERATURE_COMPOSITE = 0;
    /** TMPSEL: all sensors, in Set Features only. */
    public static final int TEMPERATURE_ALL = 0xf;
    /** THSEL: the over temperature threshold. */
    public static final int THRESHOLD_OVER = 0;
    /** THSEL: the under temperature threshold. */
    public static final int THRESHOLD_UNDER = 1;

    private static final int COALESCING_UNIT_MICROS = 100;

    private FeatureValue() {}

    // ---- Arbitration, 01h

    /** AB, bits 2:0: commands a burst, a power of two, or {@link #BURST_UNLIMITED}. */
    public static int arbitrationBurst(int value) {
        return Bits.get(value, 2, 0);
    }

    /** LPW decoded, bits 15:8 plus one: weight of low priority queues, 1 to 256. */
    public static int lowWeight(int value) {
        return Bits.get(value, 15, 8) + 1;
    }

    /** MPW decoded, bits 23:16 plus one: weight of medium priority queues, 1 to 256. */
    public static int mediumWeight(int value) {
        return Bits.get(value, 23, 16) + 1;
    }

    /** HPW decoded, bits 31:24 plus one: weight of high priority queues, 1 to 256. */
    public static int highWeight(int value) {
        return Bits.get(value, 31, 24) + 1;
    }

    /** Encodes Arbitration; the weights are 1 to 256. */
    public static int arbitration(int burst, int lowWeight, int mediumWeight, int highWeight) {
        int value = Bits.with(0, 2, 0, burst);
        value = Bits.with(value, 15, 8, lowWeight - 1);
        value = Bits.with(value, 23, 16, mediumWeight - 1);
        return Bits.with(value, 31, 24, highWeight - 1);
    }

    // ---- Power Management, 02h

    /** PS, bits 4:0: power state. */
    public static int powerState(int value) {
        return Bits.get(value, 4, 0);
    }

    /** WH, bits 7:5: workload hint. */
    public static int workloadHint(int value) {
        return Bits.get(value, 7, 5);
    }

    /** Whether a workload hint is a reserved value, 3 to 5: 0 to 2 are defined, 6 and 7 vendor specific. */
    public static boolean isReservedHint(int hint) {
        return hint >= 3 && hint <= 5;
    }

    // ---- Temperature Threshold, 04h

    /** TMPTH, bits 15:0: threshold, kelvin. */
    public static int temperatureThreshold(int value) {
        return Bits.get(value, 15, 0);
    }

    /** TMPSEL, bits 19:16: {@link #TEMPERATURE_COMPOSITE}, a sensor from 1 to 8, or {@link #TEMPERATURE_ALL}. */
    public static int temperatureSensor(int value) {
        return Bits.get(value, 19, 16);
    }

    /** THSEL, bits 21:20: {@link #THRESHOLD_OVER} or {@link #THRESHOLD_UNDER}. */
    public static int thresholdType(int value) {
        return Bits.get(value, 21, 20);
    }

    // ---- Error Recovery, 05h

    /** TLER, bits 15:0: limit of retries, 100 ms; 0 for none. */
    public static int errorRecoveryLimit(int value) {
        return Bits.get(value, 15, 0);
    }

    /** DULBE, bit 16: reads of deallocated blocks fail. */
    public static boolean deallocatedErrorEnabled(int value) {
        return Bits.isSet(value, 16);
    }

    // ---- Volatile Write Cache, 06h

    /** WCE, bit 0: the volatile write cache is on. */
    public static boolean writeCacheEnabled(int value) {
        return Bits.isSet(value, 0);
    }

    /** Encodes Volatile Write Cache. */
    public static int writeCache(boolean enabled) {
        return Bits.with(0, 0, enabled);
    }

    // ---- Number of Queues, 07h

    /**
     * NSQR or NSQA as it is on the wire, bits 15:0: I/O submission queues minus one. FFFFh is no legal request
     * (NVMe 1.4, 5.21.1.7).
     */
    public static int submissionQueues0(int value) {
        return Bits.get(value, 15, 0);
    }

    /** NCQR or NCQA as it is on the wire, bits 31:16: I/O completion queues minus one; FFFFh is no legal request. */
    public static int completionQueues0(int value) {
        return Bits.get(value, 31, 16);
    }

    /** Encodes Number of Queues, from 1 to 65536 of each. */
    public static int numberOfQueues(int submissionQueues, int completionQueues) {
        return Bits.with(Bits.with(0, 15, 0, submissionQueues - 1), 31, 16, completionQueues - 1);
    }

    // ---- Interrupt Coalescing, 08h

    /** THR decoded, bits 7:0 plus one: completions to wait for, 1 to 256. */
    public static int coalescingThreshold(int value) {
        return Bits.get(value, 7, 0) + 1;
    }

    /** TIME, bits 15:8: the longest wait, microseconds in steps of 100; 0 turns coalescing off. */
    public static int coalescingMicros(int value) {
        return Bits.get(value, 15, 8) * COALESCING_UNIT_MICROS;
    }

    // ---- Interrupt Vector Configuration, 09h

    /** IV, bits 15:0: which vector this is about. */
    public static int interruptVector(int value) {
        return Bits.get(value, 15, 0);
    }

    /** CD, bit 16: coalescing is off for the vector. */
    public static boolean coalescingDisabled(int value) {
        return Bits.isSet(value, 16);
    }

    /** Encodes Interrupt Vector Configuration. */
    public static int vectorConfiguration(int vector, boolean coalescingDisabled) {
        return Bits.with(Bits.with(0, 15, 0, vector), 16, coalescingDisabled);
    }

    // ---- Write Atomicity Normal, 0Ah

    /** DN, bit 0: AWUN and NAWUN need not be kept to. */
    public static boolean normalAtomicityDisabled(int value) {
        return Bits.isSet(value, 0);
    }

    // ---- Asynchronous Event Configuration, 0Bh

    /** Bits 7:0: the SMART critical warnings that make events, as in {@link SmartLog#CRITICAL_WARNING}. */
    public static int eventWarnings(int value) {
        return Bits.get(value, 7, 0);
    }

    // ---- Timestamp, 0Eh: 8 bytes of data

    /** Bits 47:0 of the data: milliseconds since 1970, or since the controller's reset if none was set. */
    public static long timestampMillis(long data) {
        return Bits.get(data, 47, 0);
    }

    /** Synch, bit 48 of what Get Features answers: the clock may have stopped at times. */
    public static boolean timestampStopped(long data) {
        return Bits.isSet(data, 48);
    }

    /** Timestamp Origin, bits 51:49 of what Get Features answers: 0 if it counts from reset, 1 if it was set. */
    public static int timestampOrigin(long data) {
        return (int) Bits.get(data, 51, 49);
    }

    /** Encodes what Get Features answers; the time is taken modulo 2^48 ms. */
    public static long timestamp(long millis, boolean stopped, int origin) {
        long data = Bits.get(millis, 47, 0);
        return Bits.with(Bits.with(data, 48, stopped), 51, 49, origin);
    }

    // ---- Keep Alive Timer, 0Fh

    /** KATO, bits 31:0: the timeout in milliseconds; 0 switches the timer off. */
    public static long keepAliveMillis(int value) {
        return Integer.toUnsignedLong(value);
    }

    // ---- Host Identifier, 81h

    /** EXHID, bit 0: the identifier is of 16 bytes, not 8. */
    public static boolean hostIdExtended(int value) {
        return Bits.isSet(value, 0);
    }
}

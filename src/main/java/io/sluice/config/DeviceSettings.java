package io.sluice.config;

import java.util.Optional;

/**
 * The device that is shared.
 *
 * @param target which it is
 * @param queuePairs I/O queue pairs that are asked of the device, 1 to {@link #MAX_QUEUE_PAIRS}; it may grant fewer
 * @param queueEntries size of each, 2 to {@link #MAX_QUEUE_ENTRIES}; the device may take fewer
 * @param timeoutMillis after which a command of the device's is aborted, {@link #MIN_TIMEOUT_MILLIS} to
 *     {@link #MAX_TIMEOUT_MILLIS}
 * @param destroyData whether a device is taken that has something in its first or last MiB
 * @param serial the serial number that it must have, without padding; empty for any
 * @param model the model number that it must have, likewise
 */
public record DeviceSettings(
        TargetSettings target,
        int queuePairs,
        int queueEntries,
        int timeoutMillis,
        boolean destroyData,
        Optional<String> serial,
        Optional<String> model) {
    public static final int MAX_QUEUE_PAIRS = 128;
    public static final int DEFAULT_QUEUE_PAIRS = 32;
    public static final int MAX_QUEUE_ENTRIES = 65_536;
    public static final int DEFAULT_QUEUE_ENTRIES = 256;
    public static final int MIN_TIMEOUT_MILLIS = 100;
    public static final int MAX_TIMEOUT_MILLIS = 600_000;

    /** Less than a guest waits, which is 30 s in Linux: so that the guest is told, and not driven to resets of its own. */
    public static final int DEFAULT_TIMEOUT_MILLIS = 10_000;

    /** NVMe 1.4, figure 247: SN and MN. */
    static final int MAX_SERIAL_LENGTH = 20;

    static final int MAX_MODEL_LENGTH = 40;

    /** Whichever device is at the target. */
    public DeviceSettings(
            TargetSettings target, int queuePairs, int queueEntries, int timeoutMillis, boolean destroyData) {
        this(target, queuePairs, queueEntries, timeoutMillis, destroyData, Optional.empty(), Optional.empty());
    }

    /** The same, and one that is not empty is taken too. */
    DeviceSettings destroyingData() {
        return new DeviceSettings(target, queuePairs, queueEntries, timeoutMillis, true, serial, model);
    }
}

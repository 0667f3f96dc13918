package io.sluice.config;

/**
 * The device that is shared.
 *
 * @param target which it is
 * @param queuePairs I/O queue pairs that are asked of the device, 1 to {@link #MAX_QUEUE_PAIRS}; it may grant fewer
 * @param queueEntries size of each, 2 to {@link #MAX_QUEUE_ENTRIES}; the device may take fewer
 * @param timeoutMillis after which a command of the device's is aborted, {@link #MIN_TIMEOUT_MILLIS} to
 *     {@link #MAX_TIMEOUT_MILLIS}
 * @param destroyData whether a device is taken that has something in its first or last MiB
 */
public record DeviceSettings(
        TargetSettings target, int queuePairs, int queueEntries, int timeoutMillis, boolean destroyData) {
    public static final int MAX_QUEUE_PAIRS = 128;
    public static final int DEFAULT_QUEUE_PAIRS = 32;
    public static final int MAX_QUEUE_ENTRIES = 65_536;
    public static final int DEFAULT_QUEUE_ENTRIES = 256;
    public static final int MIN_TIMEOUT_MILLIS = 100;
    public static final int MAX_TIMEOUT_MILLIS = 600_000;

    /** Less than a guest waits, which is 30 s in Linux: so that the guest is told, and not driven to resets of its own. */
    public static final int DEFAULT_TIMEOUT_MILLIS = 10_000;
}

package io.sluice.daemon;

import io.sluice.controller.ControllerConfig;

/**
 * A software NVMe model.
 *
 * @param medium what its namespace is made of
 * @param serial 1 to 20 printable ASCII characters, unique among a guest's drives
 * @param queuePairs I/O queue pairs on offer, 1 to {@link #MAX_QUEUE_PAIRS}
 */
public record DriveOptions(Medium medium, String serial, int queuePairs) {
    public static final int MAX_QUEUE_PAIRS = ControllerConfig.MAX_QUEUE_PAIRS;

    private static final int MAX_SERIAL_LENGTH = 20;

    public DriveOptions {
        if (serial.isEmpty()
                || serial.length() > MAX_SERIAL_LENGTH
                || !serial.chars().allMatch(c -> c >= ' ' && c <= '~')) {
            throw new IllegalArgumentException("a serial number has 1 to " + MAX_SERIAL_LENGTH
                    + " printable ASCII characters, not \"" + serial + "\"");
        }
        if (queuePairs < 1 || queuePairs > MAX_QUEUE_PAIRS) {
            throw new IllegalArgumentException(
                    "a drive offers 1 to " + MAX_QUEUE_PAIRS + " queue pairs, not " + queuePairs);
        }
    }

    /**
     * A model in memory.
     *
     * @param bytes as in {@link Medium.Memory}, and so is
     * @param blockBytes this
     * @param noop whether it is {@link Medium.Nothing} instead
     */
    public DriveOptions(long bytes, int blockBytes, String serial, boolean noop, int queuePairs) {
        this(noop ? new Medium.Nothing(bytes, blockBytes) : new Medium.Memory(bytes, blockBytes), serial, queuePairs);
    }
}

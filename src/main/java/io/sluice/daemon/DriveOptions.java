package io.sluice.daemon;

import io.sluice.controller.ControllerConfig;

/**
 * A software NVMe model.
 *
 * @param bytes size of its namespace: one block or more, whole blocks
 * @param blockBytes size of a logical block: 512 or 4096
 * @param serial 1 to 20 printable ASCII characters, unique among a guest's drives
 * @param noop whether commands succeed without moving data, to measure everything else
 * @param queuePairs I/O queue pairs on offer, 1 to {@link #MAX_QUEUE_PAIRS}
 */
public record DriveOptions(long bytes, int blockBytes, String serial, boolean noop, int queuePairs) {
    public static final int MAX_QUEUE_PAIRS = ControllerConfig.MAX_QUEUE_PAIRS;

    private static final int MAX_SERIAL_LENGTH = 20;

    public DriveOptions {
        if (serial.isEmpty()
                || serial.length() > MAX_SERIAL_LENGTH
                || !serial.chars().allMatch(c -> c >= ' ' && c <= '~')) {
            throw new IllegalArgumentException("a serial number has 1 to " + MAX_SERIAL_LENGTH
                    + " printable ASCII characters, not \"" + serial + "\"");
        }
        if (blockBytes != 512 && blockBytes != 4096) {
            throw new IllegalArgumentException("blocks have 512 or 4096 bytes, not " + blockBytes);
        }
        if (bytes < blockBytes || bytes % blockBytes != 0) {
            throw new IllegalArgumentException("a drive of " + bytes + " bytes is not made of whole blocks of "
                    + blockBytes + " bytes, one or more");
        }
        if (queuePairs < 1 || queuePairs > MAX_QUEUE_PAIRS) {
            throw new IllegalArgumentException(
                    "a drive offers 1 to " + MAX_QUEUE_PAIRS + " queue pairs, not " + queuePairs);
        }
    }
}

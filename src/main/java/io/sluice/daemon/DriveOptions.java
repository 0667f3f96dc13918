package io.sluice.daemon;

import io.sluice.controller.ControllerConfig;
import java.util.List;

/**
 * A software NVMe model.
 *
 * @param media what its namespaces are made of, in the order of their identifiers, which begin at 1; 1 to {@link #MAX_NAMESPACES}
 * @param serial 1 to 20 printable ASCII characters, unique among a guest's drives
 * @param queuePairs I/O queue pairs on offer, 1 to {@link #MAX_QUEUE_PAIRS}
 */
public record DriveOptions(List<Medium> media, String serial, int queuePairs) {
    public static final int MAX_QUEUE_PAIRS = ControllerConfig.MAX_QUEUE_PAIRS;

    /** Each file has threads of its own. */
    public static final int MAX_NAMESPACES = 16;

    private static final int MAX_SERIAL_LENGTH = 20;

    public DriveOptions {
        media = List.copyOf(media);
        if (media.isEmpty() || media.size() > MAX_NAMESPACES) {
            throw new IllegalArgumentException(
                    "a drive has 1 to " + MAX_NAMESPACES + " namespaces, not " + media.size());
        }
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

    /** With one namespace. */
    public DriveOptions(Medium medium, String serial, int queuePairs) {
        this(List.of(medium), serial, queuePairs);
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

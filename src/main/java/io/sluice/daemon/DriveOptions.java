package io.sluice.daemon;

import io.sluice.controller.ControllerConfig;
import io.sluice.storage.FaultPlan;
import java.util.List;
import java.util.Optional;

/**
 * A software NVMe model.
 *
 * @param media what its namespaces are made of, in the order of their identifiers, which begin at 1; 1 to {@link #MAX_NAMESPACES}
 * @param serial 1 to 20 printable ASCII characters, unique among a guest's drives
 * @param queuePairs I/O queue pairs on offer, 1 to {@link #MAX_QUEUE_PAIRS}
 * @param faults what goes wrong with it on purpose; torn is for a drive that has a file which it may write
 */
public record DriveOptions(List<Medium> media, String serial, int queuePairs, Optional<FaultPlan> faults) {
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
        if (faults.isPresent() && faults.get().torn() && media.stream().noneMatch(DriveOptions::isWritableFile)) {
            throw new IllegalArgumentException(
                    "torn is what a crash does to a file that is written: it goes with a file, not"
                            + " with memory, of which a crash leaves nothing");
        }
    }

    private static boolean isWritableFile(Medium medium) {
        return medium instanceof Medium.File file && !file.readOnly();
    }

    /** One that does nothing wrong on purpose. */
    public DriveOptions(List<Medium> media, String serial, int queuePairs) {
        this(media, serial, queuePairs, Optional.empty());
    }

    /**
     * The same with faults.
     *
     * @param text as {@link FaultPlan#parse} takes it
     * @throws IllegalArgumentException where it makes no sense
     */
    public DriveOptions withFaults(String text, long seed) {
        return new DriveOptions(media, serial, queuePairs, Optional.of(FaultPlan.parse(text, seed)));
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

package io.sluice.config;

import java.util.List;

/**
 * What a device turned out to be, as far as volumes depend on it.
 *
 * @param name for messages
 * @param serial SN, without padding
 * @param model MN, without padding
 * @param namespaces the active ones
 * @param maxTransferBytes of one command
 * @param queuePairs I/O queue pairs that it granted
 */
public record DeviceFacts(
        String name, String serial, String model, List<Namespace> namespaces, int maxTransferBytes, int queuePairs) {
    /** The smallest page of a guest's: less than that in a command helps nobody. */
    static final int MIN_TRANSFER_BYTES = 4096;

    public DeviceFacts {
        namespaces = List.copyOf(namespaces);
    }

    /**
     * A namespace.
     *
     * @param nsid its identifier
     * @param blockBytes size of a logical block, a power of two from 512
     * @param blockCount NSZE
     * @param alignmentBytes what volumes begin and end on multiples of, in bytes, a multiple of 1 MiB; 0 for no wish
     * @param nguid 32 lower-case hexadecimal digits, or empty for none
     * @param eui64 16 lower-case hexadecimal digits, or empty for none
     * @param unusableBecause why it cannot be shared, as a sentence; empty if it can
     */
    public record Namespace(
            int nsid,
            int blockBytes,
            long blockCount,
            long alignmentBytes,
            String nguid,
            String eui64,
            String unusableBecause) {
        /** Its size. */
        long bytes() {
            return blockCount * blockBytes;
        }

        /** What volumes on it begin and end on multiples of. */
        long unitBytes() {
            return Math.max(VolumeSettings.ALIGNMENT_BYTES, alignmentBytes);
        }
    }
}

package io.sluice.config;

import java.util.List;

/**
 * What a device turned out to be, as far as volumes depend on it.
 *
 * @param name for messages
 * @param namespaces the active ones
 * @param maxTransferBytes of one command
 * @param queuePairs I/O queue pairs that it granted
 */
public record DeviceFacts(String name, List<Namespace> namespaces, int maxTransferBytes, int queuePairs) {
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
     * @param alignmentBytes the largest of NOIOB, NPWG and NPDG, in bytes; 0 or 1 for none
     * @param unusableBecause why it cannot be shared, as a sentence; empty if it can
     */
    public record Namespace(int nsid, int blockBytes, long blockCount, long alignmentBytes, String unusableBecause) {
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

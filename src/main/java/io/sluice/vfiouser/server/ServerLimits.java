package io.sluice.vfiouser.server;

import io.sluice.dma.DmaLimits;
import io.sluice.vfiouser.Capabilities;
import java.time.Duration;

/**
 * What one client may ask of the server.
 *
 * @param dma its memory; the number of regions is advertised as max_dma_maps
 * @param maxDataTransferBytes the largest region access, advertised as max_data_xfer_size: 1 MiB, which clients may take for
 *     granted without asking, to 64 MiB, beyond which QEMU refuses the server
 * @param maxBatchedMessages how many DMA messages become one transaction at most; the first waits for the last
 * @param sendTimeout how long a client may leave one reply unread before its connection ends
 */
public record ServerLimits(DmaLimits dma, int maxDataTransferBytes, int maxBatchedMessages, Duration sendTimeout) {
    public static final ServerLimits DEFAULT = new ServerLimits(
            DmaLimits.DEFAULT, Capabilities.DEFAULT_MAX_DATA_TRANSFER_BYTES, 256, Duration.ofSeconds(5));

    private static final int MOST_DATA_TRANSFER_BYTES = 64 << 20;

    /** Room in a message for all but data: headers, structures, a VERSION's JSON, booleans of an interrupt set. */
    private static final int SLACK_BYTES = 64 << 10;

    public ServerLimits {
        if (maxDataTransferBytes < Capabilities.DEFAULT_MAX_DATA_TRANSFER_BYTES
                || maxDataTransferBytes > MOST_DATA_TRANSFER_BYTES) {
            throw new IllegalArgumentException("the largest data transfer is 1 MiB to 64 MiB, not "
                    + maxDataTransferBytes + " bytes: clients take 1 MiB for granted");
        }
        if (maxBatchedMessages < 1) {
            throw new IllegalArgumentException("a batch has 1 message or more, not " + maxBatchedMessages);
        }
        if (sendTimeout.isNegative() || sendTimeout.isZero()) {
            throw new IllegalArgumentException("a client needs some time to read, not " + sendTimeout);
        }
    }

    /** The same with other limits of memory. */
    public ServerLimits withDma(DmaLimits newDma) {
        return new ServerLimits(newDma, maxDataTransferBytes, maxBatchedMessages, sendTimeout);
    }

    /** The same with another time for a client to read in. */
    public ServerLimits withSendTimeout(Duration newSendTimeout) {
        return new ServerLimits(dma, maxDataTransferBytes, maxBatchedMessages, newSendTimeout);
    }

    /** The largest message that is accepted, header included. */
    int maxMessageBytes() {
        return maxDataTransferBytes + SLACK_BYTES;
    }
}

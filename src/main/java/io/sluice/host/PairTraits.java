package io.sluice.host;

/**
 * What the commands of a queue pair are like.
 *
 * @param maxTransferBytes the controller's limit; {@link QueuePair#MAX_TRANSFER_BYTES} holds besides
 * @param sgl whether data is described by an SGL data block instead of PRPs
 * @param timeouts how long they may take
 */
record PairTraits(int maxTransferBytes, boolean sgl, Timeouts timeouts) {}

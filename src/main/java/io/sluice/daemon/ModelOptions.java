package io.sluice.daemon;

import io.sluice.controller.ControllerConfig;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A software NVMe model to serve.
 *
 * @param socket where; at most 107 bytes
 * @param mode permission bits of the socket, 0 to 0777; connecting needs write
 * @param owner of the socket, by name or number; empty for this user
 * @param group of the socket, likewise
 * @param bytes size of its namespace: one block or more, whole blocks
 * @param blockBytes size of a logical block: 512 or 4096
 * @param serial 1 to 20 printable ASCII characters, unique among a guest's drives
 * @param noop whether commands succeed without moving data, to measure everything else
 * @param queuePairs I/O queue pairs on offer, 1 to {@link #MAX_QUEUE_PAIRS}
 */
public record ModelOptions(
        Path socket,
        int mode,
        Optional<String> owner,
        Optional<String> group,
        long bytes,
        int blockBytes,
        String serial,
        boolean noop,
        int queuePairs) {

    public static final int MAX_QUEUE_PAIRS = ControllerConfig.MAX_QUEUE_PAIRS;

    private static final int MAX_SERIAL_LENGTH = 20;

    public ModelOptions {
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

    /** With as many queue pairs as there can be. */
    public ModelOptions(
            Path socket,
            int mode,
            Optional<String> owner,
            Optional<String> group,
            long bytes,
            int blockBytes,
            String serial,
            boolean noop) {
        this(socket, mode, owner, group, bytes, blockBytes, serial, noop, MAX_QUEUE_PAIRS);
    }
}

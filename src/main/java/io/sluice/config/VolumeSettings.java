package io.sluice.config;

import java.util.Optional;
import java.util.OptionalLong;

/**
 * A volume: a part of a namespace of the device, for one guest.
 *
 * @param name for logs, 1 to 64 letters, digits, '-', '_' or '.'
 * @param nsid the device's namespace
 * @param startBytes where it begins in the namespace; a multiple of 1 MiB, or of more if the device says so
 * @param sizeBytes its size, likewise; empty for all that is left, which is pass-through where it begins at 0
 * @param socket where it is served; at most 107 bytes
 * @param mode permission bits of the socket, 0 to 0777
 * @param owner of the socket, by name or number
 * @param group of the socket, likewise
 * @param queuePairs I/O queue pairs on offer, 1 to 64
 * @param queueEntries the most entries of a queue, 2 to 4096
 * @param maxInFlight the most commands of this volume that the device has at a time, 1 to 1024
 * @param doorbells how the guest rings
 * @param readOnly whether writes are refused
 * @param serial 1 to 20 printable ASCII characters, unique among a guest's drives
 */
public record VolumeSettings(
        String name,
        int nsid,
        long startBytes,
        OptionalLong sizeBytes,
        String socket,
        int mode,
        Optional<String> owner,
        Optional<String> group,
        int queuePairs,
        int queueEntries,
        int maxInFlight,
        Doorbells doorbells,
        boolean readOnly,
        String serial) {
    public static final int DEFAULT_MODE = 0600;
    public static final int DEFAULT_QUEUE_PAIRS = 64;
    public static final int DEFAULT_QUEUE_ENTRIES = 1024;
    public static final int DEFAULT_MAX_IN_FLIGHT = 128;

    /** All of a namespace, behind no socket. */
    public static VolumeSettings ofAll(String name, int nsid, int queueEntries) {
        return new VolumeSettings(
                name,
                nsid,
                0,
                OptionalLong.empty(),
                "",
                DEFAULT_MODE,
                Optional.empty(),
                Optional.empty(),
                DEFAULT_QUEUE_PAIRS,
                queueEntries,
                DEFAULT_MAX_IN_FLIGHT,
                Doorbells.MAPPED,
                false,
                name);
    }

    /** How a guest's doorbells come. */
    public enum Doorbells {
        /** As shared memory, which must be polled: the lowest latency. */
        MAPPED,
        /** As messages: the poller may sleep when all is idle. */
        TRAPPED
    }
}

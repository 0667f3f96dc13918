package io.sluice.config;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * A volume: a part of a namespace of the device, for one guest.
 *
 * @param name for logs, 1 to {@link #MAX_NAME_LENGTH} letters, digits, '-', '_' or '.', the first a letter or a digit
 * @param nsid the device's namespace, 1 or more; or {@link #ONLY_NSID}
 * @param startBytes where it begins in the namespace; a multiple of 1 MiB, or of more if the device says so
 * @param sizeBytes its size, likewise; empty for all that is left, which is pass-through where it begins at 0
 * @param blockBytes what the namespace's logical blocks must have; empty for whatever they have
 * @param socket where it is served: absolute, at most {@link #MAX_SOCKET_BYTES} bytes
 * @param mode permission bits of the socket, 0 to 0777
 * @param owner of the socket, by name or number
 * @param group of the socket, likewise
 * @param queuePairs I/O queue pairs on offer, 1 to {@link #MAX_QUEUE_PAIRS}
 * @param queueEntries the most entries of a queue, 2 to {@link #MAX_QUEUE_ENTRIES}
 * @param maxInFlight the most commands of this volume that the device has at a time, 1 to {@link #MAX_IN_FLIGHT}
 * @param doorbells how the guest rings
 * @param readOnly whether writes are refused
 * @param serial 1 to {@link #MAX_SERIAL_LENGTH} printable ASCII characters, unique among a guest's drives
 * @param nguid the NGUID that the device's namespace must have, 32 lower-case hexadecimal digits; empty for any
 * @param eui64 the EUI64 that it must have, 16 lower-case hexadecimal digits; empty for any
 */
public record VolumeSettings(
        String name,
        int nsid,
        long startBytes,
        OptionalLong sizeBytes,
        OptionalInt blockBytes,
        String socket,
        int mode,
        Optional<String> owner,
        Optional<String> group,
        int queuePairs,
        int queueEntries,
        int maxInFlight,
        Doorbells doorbells,
        boolean readOnly,
        String serial,
        Optional<String> nguid,
        Optional<String> eui64) {
    public static final int MAX_NAME_LENGTH = 64;

    /** sun_path has 108 bytes and ends with a NUL. */
    public static final int MAX_SOCKET_BYTES = 107;

    public static final int MAX_SERIAL_LENGTH = 20;

    /** Where a volume may begin and end, unless the device wants more. */
    public static final long ALIGNMENT_BYTES = 1 << 20;

    public static final int DEFAULT_NSID = 1;

    /** The only namespace of the device that can be served: which one that is shows when the device is asked. */
    public static final int ONLY_NSID = 0;

    public static final int DEFAULT_MODE = 0600;
    public static final int MAX_QUEUE_PAIRS = 64;
    public static final int DEFAULT_QUEUE_PAIRS = 64;
    public static final int MAX_QUEUE_ENTRIES = 4096;
    public static final int DEFAULT_QUEUE_ENTRIES = 1024;
    public static final int MAX_IN_FLIGHT = 1024;
    public static final int DEFAULT_MAX_IN_FLIGHT = 128;

    /** A part of a namespace whichever that is. */
    public VolumeSettings(
            String name,
            int nsid,
            long startBytes,
            OptionalLong sizeBytes,
            OptionalInt blockBytes,
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
        this(
                name,
                nsid,
                startBytes,
                sizeBytes,
                blockBytes,
                socket,
                mode,
                owner,
                group,
                queuePairs,
                queueEntries,
                maxInFlight,
                doorbells,
                readOnly,
                serial,
                Optional.empty(),
                Optional.empty());
    }

    /** The same in another namespace. */
    VolumeSettings withNsid(int otherNsid) {
        return new VolumeSettings(
                name,
                otherNsid,
                startBytes,
                sizeBytes,
                blockBytes,
                socket,
                mode,
                owner,
                group,
                queuePairs,
                queueEntries,
                maxInFlight,
                doorbells,
                readOnly,
                serial,
                nguid,
                eui64);
    }

    /** All of a namespace, behind no socket. */
    public static VolumeSettings ofAll(String name, int nsid, int queueEntries) {
        return new VolumeSettings(
                name,
                nsid,
                0,
                OptionalLong.empty(),
                OptionalInt.empty(),
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

    /** Its range, for people: "10G to 30G of namespace 1". */
    public String rangeText() {
        String end = sizeBytes.isPresent() ? ByteCount.exact(startBytes + sizeBytes.getAsLong()) : "the end";
        String namespace = nsid == ONLY_NSID ? "the only namespace" : "namespace " + nsid;
        return ByteCount.exact(startBytes) + " to " + end + " of " + namespace;
    }
}

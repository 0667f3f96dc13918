package io.sluice.vfio;

import io.sluice.linux.Posix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * How much memory this process may lock in RAM, which VFIO does with all that a device reaches.
 *
 * @param limit RLIMIT_MEMLOCK in bytes, or {@link Posix#UNLIMITED}
 * @param locked how much of it is locked already, in bytes
 * @param exempt whether the limit does not count (CAP_IPC_LOCK, which root has)
 */
record LockedMemory(long limit, long locked, boolean exempt) {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final String EFFECTIVE = "CapEff:";
    private static final String LOCKED = "VmLck:";

    /** capabilities(7). */
    private static final int CAP_IPC_LOCK = 14;

    private static final int HEX = 16;
    private static final long KIB = 1024;

    static LockedMemory ofThisProcess() {
        long soft = Posix.limit(Posix.Resource.MEMLOCK).soft();
        try {
            return of(soft, Files.readAllLines(STATUS));
        } catch (IOException e) {
            return new LockedMemory(soft, 0, false);
        }
    }

    /** By the lines of /proc/PID/status. */
    static LockedMemory of(long limit, List<String> status) {
        long locked = 0;
        boolean exempt = false;
        for (String line : status) {
            if (line.startsWith(LOCKED)) {
                locked = Long.parseLong(line.replaceAll("[^0-9]", "")) * KIB;
            } else if (line.startsWith(EFFECTIVE)) {
                long capabilities = Long.parseUnsignedLong(
                        line.substring(EFFECTIVE.length()).strip(), HEX);
                exempt = (capabilities >>> CAP_IPC_LOCK) % 2 != 0;
            }
        }
        return new LockedMemory(limit, locked, exempt);
    }

    /** Whether the limit lets so many bytes more be locked. */
    boolean allows(long bytes) {
        return exempt || limit == Posix.UNLIMITED || bytes <= limit - locked;
    }

    /** What to do about a kernel that had no memory to lock, which has two reasons. */
    String whenRefused(long bytes) {
        return allows(bytes)
                ? "This process may lock that much, so the host has no memory left: see `free -m`, and end what needs it"
                : advice(bytes);
    }

    /** What the limit is, and what raises it. */
    String advice(long bytes) {
        return "Memory for DMA is locked in RAM; this process may lock " + limit + " bytes, has locked " + locked
                + ", and needs " + bytes
                + " more at least. Raise the limit: `ulimit -l unlimited` in the shell before (as root:"
                + " `prlimit --memlock=unlimited --pid $$`), or LimitMEMLOCK=infinity in a systemd unit";
    }
}

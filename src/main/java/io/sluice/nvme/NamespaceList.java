package io.sluice.nvme;

import io.sluice.mem.Memory;

/**
 * A list of namespace identifiers: NVMe 1.4, "Namespace List", 4096 bytes: up to 1024 identifiers in increasing
 * order, then zeroes. Identify CNS 02h and 10h answer with one, and so does the Changed Namespace log page, which says
 * with {@link Sqe#NSID_ALL} as its only entry that more have changed than it has room for.
 */
public final class NamespaceList {
    /** Size of a list in bytes. */
    public static final int BYTES = 4096;
    /** The most identifiers of a list. */
    public static final int MAX_COUNT = BYTES / Integer.BYTES;

    private NamespaceList() {}

    /** Entry {@code index}, 0 to 1023, unsigned; 0 is behind the end. */
    public static int nsid(long page, int index) {
        return Memory.getInt(at(page, index));
    }

    /** Stores entry {@code index}, 0 to 1023. */
    public static void setNsid(long page, int index, int nsid) {
        Memory.putInt(at(page, index), nsid);
    }

    /** The number of identifiers before the first zero, 0 to 1024. */
    public static int count(long page) {
        int count = 0;
        while (count < MAX_COUNT && nsid(page, count) != 0) {
            count++;
        }
        return count;
    }

    private static long at(long page, int index) {
        if (index < 0 || index >= MAX_COUNT) {
            throw new IllegalArgumentException("entry " + index + " of a namespace list; there are 0 to 1023");
        }
        return page + (long) index * Integer.BYTES;
    }
}

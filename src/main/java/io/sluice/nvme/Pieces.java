package io.sluice.nvme;

import io.sluice.mem.Memory;

/**
 * Where a command's data lies, in order: spans of host memory that a walk along the command's data pointer has checked.
 * Made once and reused for every command; owned by one thread.
 *
 * <p>Neighbours that turn out to be contiguous in host memory are kept as one piece.
 */
public final class Pieces {
    private final long[] addresses;
    private final int[] lengths;
    private int count;
    private int totalBytes;
    /** Where the last piece ends, so that appending need not look it up; no address while there is none. */
    private long end;

    /**
     * Makes room for {@code capacity} pieces.
     *
     * @param capacity 1 or more; see {@link #capacityFor}
     */
    public Pieces(int capacity) {
        addresses = new long[capacity];
        lengths = new int[capacity];
    }

    /** The most pieces that a transfer can have: one a small page, and one more since it may start inside a page. */
    public static int capacityFor(int maxTransferBytes) {
        return Math.ceilDiv(maxTransferBytes, Memory.PAGE_BYTES) + 1;
    }

    public int capacity() {
        return addresses.length;
    }

    /** The number of pieces. */
    public int count() {
        return count;
    }

    /** The host address of piece {@code index}, 0 to {@code count() - 1}. */
    public long address(int index) {
        return addresses[index];
    }

    /** The length of piece {@code index} in bytes, 1 or more. */
    public int bytes(int index) {
        return lengths[index];
    }

    /** The length of all pieces together, in bytes. */
    public int totalBytes() {
        return totalBytes;
    }

    /** Forgets all pieces. */
    public void clear() {
        count = 0;
        totalBytes = 0;
        end = 0;
    }

    /** Adds a span at the end if there is room for it; its address is positive. Whether there was. */
    public boolean offer(long address, int bytes) {
        if (count == addresses.length && address != end) {
            return false;
        }
        append(address, bytes);
        return true;
    }

    /** Adds a span at the end; there must be room for it, and its address is positive. */
    public void append(long address, int bytes) {
        if (address == end) {
            lengths[count - 1] += bytes;
        } else {
            addresses[count] = address;
            lengths[count] = bytes;
            count++;
        }
        end = address + bytes;
        totalBytes += bytes;
    }

    /** Copies the pieces' first {@code bytes} bytes, or all if they are fewer, to one contiguous place. */
    public void gather(long target, int bytes) {
        int done = 0;
        for (int i = 0; i < count && done < bytes; i++) {
            int step = Math.min(lengths[i], bytes - done);
            Memory.copy(addresses[i], target + done, step);
            done += step;
        }
    }

    /** Copies {@code bytes} bytes, or as many as the pieces hold, from one contiguous place to the pieces. */
    public void scatter(long source, int bytes) {
        int done = 0;
        for (int i = 0; i < count && done < bytes; i++) {
            int step = Math.min(lengths[i], bytes - done);
            Memory.copy(source + done, addresses[i], step);
            done += step;
        }
    }
}

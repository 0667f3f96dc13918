package io.sluice.host;

import io.sluice.mem.Memory;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Sqe;

/**
 * The memory of one queue pair: both queues, and a page for a PRP list for each slot.
 *
 * <pre>
 *   0                       cqOffset                listsOffset
 *   | SQ, 64 bytes an entry | CQ, 16 bytes an entry | page of slot 0 | page of slot 1 | …
 *   each part begins on a page, as queue base addresses must with CC.MPS = 0
 * </pre>
 */
final class QueueMemory {
    private final int entries;
    private final long address;
    private final long iova;
    private final long cqOffset;
    private final long listsOffset;

    /**
     * @param area zeroed
     * @param offset where in the area, a multiple of 4096, with {@link #bytes} from there on
     * @param entries of each queue
     */
    QueueMemory(DmaArea area, long offset, int entries) {
        this(area.address() + offset, area.iova() + offset, entries);
    }

    QueueMemory(long address, long iova, int entries) {
        this.entries = entries;
        this.address = Memory.hint(address);
        this.iova = iova;
        this.cqOffset = cqOffset(entries);
        this.listsOffset = listsOffset(entries);
    }

    /** What a pair of queues of so many entries takes, in bytes. */
    static long bytes(int entries) {
        return listsOffset(entries) + (long) (entries - 1) * Memory.PAGE_BYTES;
    }

    private static long cqOffset(int entries) {
        return wholePages((long) entries * Sqe.BYTES);
    }

    private static long listsOffset(int entries) {
        return cqOffset(entries) + wholePages((long) entries * Cqe.BYTES);
    }

    private static long wholePages(long bytes) {
        return Math.ceilDiv(bytes, Memory.PAGE_BYTES) * Memory.PAGE_BYTES;
    }

    int entries() {
        return entries;
    }

    long sqIova() {
        return iova;
    }

    long cqIova() {
        return iova + cqOffset;
    }

    /** Address of a submission queue entry. */
    long sqe(int index) {
        return Memory.hint(address + (long) index * Sqe.BYTES);
    }

    /** Address of a completion queue entry. */
    long cqe(int index) {
        return Memory.hint(address + cqOffset + (long) index * Cqe.BYTES);
    }

    /** Address of a slot's page for a PRP list. */
    long listAddress(int slot) {
        return address + listsOffset + (long) slot * Memory.PAGE_BYTES;
    }

    /** The same page as the device sees it. */
    long listIova(int slot) {
        return iova + listsOffset + (long) slot * Memory.PAGE_BYTES;
    }

    /** All entries as when the memory was new: of the phase that says that nothing has been posted. */
    void clearQueues() {
        Memory.fill(address, listsOffset, (byte) 0);
    }
}

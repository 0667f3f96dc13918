package io.sluice.dma;

import io.sluice.mem.Translator;

/**
 * One DMA region: a range of guest addresses and what is behind it. Immutable; no more than an entry in a table, for the
 * memory itself is mapped by its {@link Extent}.
 *
 * <p>A view of the guest's memory adds its own base to {@code offset}. The host's view adds where the extent is mapped, and
 * has that worked out here as one difference, because it is used for every command. A device's view adds the extent's IOVA.
 */
final class DmaRegion {
    /** First and last guest address; the last one, because the end may be 2^64. */
    final long gpa;

    final long last;

    /** {@link Translator#READ}, {@link Translator#WRITE}, both or none. */
    final int access;

    /** What holds the memory; null for a region whose memory is to be had by messages only. */
    final Extent extent;

    /** Where the region begins in the file, in bytes. */
    final long offset;

    /** Host address minus guest address; 0 without an extent. */
    final long hostDelta;

    DmaRegion(long gpa, long last, int access, Extent extent, long offset) {
        this.gpa = gpa;
        this.last = last;
        this.access = access;
        this.extent = extent;
        this.offset = offset;
        this.hostDelta = extent == null ? 0 : extent.addressOf(offset) - gpa;
    }

    boolean contains(long address) {
        return Long.compareUnsigned(gpa, address) <= 0 && Long.compareUnsigned(address, last) <= 0;
    }

    /** Size in bytes, unsigned. */
    long bytes() {
        return last - gpa + 1;
    }

    /** Where the region ends in the file, in bytes; for regions with an extent. */
    long fileEnd() {
        return offset + bytes();
    }

    /** The host address of an address in this region, or why there is none. */
    long hostAddress(long address, int wanted) {
        if ((access & wanted) != wanted) {
            return Translator.NO_ACCESS;
        }
        return extent == null ? Translator.NOT_LOCAL : address + hostDelta;
    }

    @Override
    public String toString() {
        return "0x" + Long.toHexString(gpa) + "..0x" + Long.toHexString(last);
    }
}

package io.sluice.dma;

import io.sluice.mem.Translator;

/**
 * One DMA region: a range of guest addresses and what is behind it. Immutable; no more than an entry in a table, for the
 * memory itself is mapped by its {@link Extent}.
 *
 * <p>Where it leads to is worked out here as one difference, because it is used for every command. The same region is two
 * objects where there is a device: the host view's leads to where the extent is mapped, the device view's to an IOVA.
 */
final class DmaRegion {
    /** First and last guest address; the last one, because the end may be 2^64. */
    final long gpa;

    final long last;

    /** {@link Translator#READ}, {@link Translator#WRITE}, both or none. */
    final int access;

    /**
     * What holds the memory; null for a region whose memory is to be had by messages only, or, in the device view, is not for
     * the device.
     */
    final Extent extent;

    /** Where the region begins in the file, in bytes. */
    final long offset;

    /** The address that this leads to minus the guest address; 0 without an extent. */
    final long delta;

    /** A region of the host view. */
    DmaRegion(long gpa, long last, int access, Extent extent, long offset) {
        this(gpa, last, access, extent, offset, extent == null ? 0 : extent.addressOf(offset) - gpa);
    }

    private DmaRegion(long gpa, long last, int access, Extent extent, long offset, long delta) {
        this.gpa = gpa;
        this.last = last;
        this.access = access;
        this.extent = extent;
        this.offset = offset;
        this.delta = delta;
    }

    /** The same region as the device has it. */
    DmaRegion at(long iova) {
        return new DmaRegion(gpa, last, access, extent, offset, iova - gpa);
    }

    /** The same region as the device view has it when it leads nowhere: it says why. */
    DmaRegion nowhere() {
        return new DmaRegion(gpa, last, access, null, 0, 0);
    }

    /** Whether a device can be given access to it, and may be. */
    boolean isForDevice() {
        return extent != null && access != 0;
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

    /** Where an address in this region leads to, or why nowhere. */
    long address(long address, int wanted) {
        if ((access & wanted) != wanted) {
            return Translator.NO_ACCESS;
        }
        return extent == null ? Translator.NOT_LOCAL : address + delta;
    }

    @Override
    public String toString() {
        return "0x" + Long.toHexString(gpa) + "..0x" + Long.toHexString(last);
    }
}

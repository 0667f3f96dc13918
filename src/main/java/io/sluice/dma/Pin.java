package io.sluice.dma;

import io.sluice.mem.Memory;
import java.util.HashSet;
import java.util.Set;

/**
 * A range of a file that is mapped for the device, or is about to be: as one range of IOVAs, in steps, with the rights of the
 * regions in it. It is never split and never grows.
 *
 * <pre>
 *   WAITING ──all steps──▶ LIVE ──────────────┐
 *      │  └──a step failed, undone──▶ FAILED  │ no region any more, or the deadline
 *      └──────────────────────────────────────┴────▶ GONE
 * </pre>
 *
 * <p>A region that comes may share it where regions have been in that part of the file without interruption. Where there was
 * none for a while, the client may have punched a hole in its file (ballooning, virtio-mem): then the file has new pages there
 * and the device would still write to the old ones.
 */
final class Pin {
    /** The largest pages that IOMMUs map well and that are not of a special file. */
    private static final long LARGE_PAGE_BYTES = 2L << 20;

    enum State {
        WAITING,
        LIVE,
        FAILED,
        GONE
    }

    /** For a total order of pins. */
    final long number;

    final Backing backing;
    final int access;
    final long fileStart;
    final long bytes;

    /** How many DMA mappings it takes: its steps. */
    final long entries;

    private final long stepBytes;

    /** Regions in it, of the committed state; under the space's lock. */
    final Set<DmaRegion> regions = new HashSet<>();

    /** The parts that may be shared; under the space's lock. */
    final Coverage coverage = new Coverage();

    /** Under the space's lock. */
    State state = State.WAITING;

    /** Why it is FAILED. */
    DmaRefused refusal;

    /** The IOVA of its first byte; 0 as long as it has none. As all that follows, of the thread whose turn it is. */
    long iova;

    /** What was taken of the allocator: more than the pin, where it begins inside of a large page. */
    long takenIova;

    long takenBytes;

    /** How much of it is mapped, from its start. */
    long mappedBytes;

    Pin(long number, DmaRegion first, long stepBytes) {
        this.number = number;
        this.backing = first.extent.backing;
        this.access = first.access;
        this.fileStart = first.offset;
        this.bytes = first.bytes();
        this.stepBytes = stepBytes;
        this.entries = steps(first, stepBytes);
    }

    void add(DmaRegion region) {
        regions.add(region);
        coverage.add(region.offset, region.fileEnd());
    }

    void remove(DmaRegion region) {
        regions.remove(region);
        coverage.remove(region.offset, region.fileEnd());
    }

    /** Whether a region may share it. */
    boolean mayHold(DmaRegion region) {
        return coverage.covers(region.offset, region.fileEnd());
    }

    /** A region in it as the device has it. */
    DmaRegion seenByDevice(DmaRegion region) {
        return region.at(iova + (region.offset - fileStart));
    }

    long remainingBytes() {
        return bytes - mappedBytes;
    }

    /** Where the step that begins at a byte of the pin ends: at multiples of a step in the file, so that no page is cut. */
    long stepEnd(long at) {
        long offset = fileStart + at;
        return Math.min(bytes, at + stepBytes - offset % stepBytes);
    }

    /** How many steps, which is how many DMA mappings, a region takes. */
    static long steps(DmaRegion region, long stepBytes) {
        return (region.fileEnd() - 1) / stepBytes - region.offset / stepBytes + 1;
    }

    /** The alignment that lets the IOMMU use pages as large as the file's. */
    long alignment() {
        if (bytes >= backing.pageSize() && backing.pageSize() > LARGE_PAGE_BYTES) {
            return backing.pageSize();
        }
        return bytes >= LARGE_PAGE_BYTES ? LARGE_PAGE_BYTES : Memory.PAGE_BYTES;
    }

    @Override
    public String toString() {
        return bytes + " bytes at offset " + fileStart + " of " + backing;
    }
}

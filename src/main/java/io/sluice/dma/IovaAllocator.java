package io.sluice.dma;

import io.sluice.linux.Errno;
import io.sluice.mem.Memory;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * Gives out the addresses at which a device sees memory, from the ranges that its IOMMU can translate. They are never derived
 * from host or guest addresses, so an IOMMU of 39 bits, a restart and two guests with equal addresses are all the same case.
 *
 * <p>First fit from the lowest address on. All lengths and addresses are multiples of 4096. Thread-safe.
 */
public final class IovaAllocator {
    /**
     * Addresses that the device can use, u64, as VFIO lists them ({@code struct vfio_iova_range}).
     *
     * @param first the first address
     * @param last the last one, included: it may be 2^64 - 1
     */
    public record Range(long first, long last) {
        public Range {
            if (Long.compareUnsigned(first, last) > 0) {
                throw new IllegalArgumentException("the IOVA range begins after its end: 0x" + Long.toHexString(first)
                        + "..0x" + Long.toHexString(last));
            }
        }
    }

    /** First address to last address, both included. Free pieces never touch each other. */
    private final NavigableMap<Long, Long> free = new TreeMap<>(Long::compareUnsigned);

    private final NavigableMap<Long, Long> taken = new TreeMap<>(Long::compareUnsigned);

    /** What outlives this process of what is taken; null if nothing does. */
    private IovaRecord record;

    /**
     * @param usable ranges that do not overlap; what is not a whole page in them is left out, and so is the page at address 0,
     *     which would look like no address at all
     */
    public IovaAllocator(List<Range> usable) {
        for (Range range : usable) {
            long first = roundUp(range.first() == 0 ? 1 : range.first(), Memory.PAGE_BYTES);
            long last = roundDown(range.last() + 1, Memory.PAGE_BYTES) - 1;
            boolean wrapped = first == 0;
            boolean whole = last != -1 || range.last() == -1;
            if (!wrapped && whole && Long.compareUnsigned(first, last) < 0) {
                checkFree(first, last);
                insert(first, last);
            }
        }
    }

    /**
     * Takes a piece.
     *
     * @param bytes length, more than 0, a multiple of 4096
     * @param alignment of its first address, a power of two, 4096 or more
     * @return its first address, never 0
     * @throws DmaRefused ENOSPC if no free piece is large enough
     */
    public synchronized long allocate(long bytes, long alignment) throws DmaRefused {
        if (bytes <= 0 || bytes % Memory.PAGE_BYTES != 0) {
            throw new IllegalArgumentException("an IOVA range of " + bytes + " bytes");
        }
        if (alignment < Memory.PAGE_BYTES || Long.bitCount(alignment) != 1) {
            throw new IllegalArgumentException("an IOVA alignment of " + alignment + " bytes");
        }
        for (Map.Entry<Long, Long> piece : free.entrySet()) {
            long first = roundUp(piece.getKey(), alignment);
            // Both comparisons: rounding up may wrap to 0, and may go past the piece's end.
            boolean inside = Long.compareUnsigned(first, piece.getKey()) >= 0
                    && Long.compareUnsigned(first, piece.getValue()) <= 0;
            if (inside && Long.compareUnsigned(piece.getValue() - first, bytes - 1) >= 0) {
                if (record != null) {
                    record.taken(first, bytes);
                }
                take(piece.getKey(), piece.getValue(), first, first + bytes - 1);
                return first;
            }
        }
        throw new DmaRefused(
                Errno.ENOSPC,
                "no " + bytes + " bytes of IOVA space are free at a multiple of " + alignment + "; " + taken.size()
                        + " pieces are taken");
    }

    private void take(long pieceFirst, long pieceLast, long first, long last) {
        free.remove(pieceFirst);
        if (pieceFirst != first) {
            free.put(pieceFirst, first - 1);
        }
        if (pieceLast != last) {
            free.put(last + 1, pieceLast);
        }
        taken.put(first, last);
    }

    /**
     * Gives a piece back, as it was taken.
     *
     * @throws IllegalArgumentException if it was not taken: giving it out once more would let two users share memory
     */
    public synchronized void free(long iova, long bytes) {
        Long last = taken.get(iova);
        if (last == null || last != iova + bytes - 1) {
            throw new IllegalArgumentException(
                    bytes + " bytes of IOVA space at 0x" + Long.toHexString(iova) + " were not taken as one piece");
        }
        if (record != null) {
            record.freed(iova);
        }
        taken.remove(iova);
        insert(iova, last);
    }

    // ---- beyond the end of this process

    /**
     * Keeps from now on what is taken, and what is taken already.
     *
     * @param to empty
     * @throws DmaRefused ENOSPC if it cannot be kept
     */
    public synchronized void keep(IovaRecord to) throws DmaRefused {
        for (Map.Entry<Long, Long> piece : taken.entrySet()) {
            to.taken(piece.getKey(), piece.getValue() - piece.getKey() + 1);
        }
        record = to;
    }

    /**
     * Has taken what another process had taken, and keeps it from now on.
     *
     * @param from that process's
     * @throws IllegalArgumentException if that is not among the usable addresses, or taken: it is of another device
     */
    public synchronized void resume(IovaRecord from) {
        from.forEach(this::takeAgain);
        record = from;
    }

    /** Keeps nothing any more: the record is about to go. */
    public synchronized void stopKeeping() {
        record = null;
    }

    private void takeAgain(long iova, long bytes) {
        Map.Entry<Long, Long> piece = free.floorEntry(iova);
        if (piece == null || Long.compareUnsigned(piece.getValue(), iova + bytes - 1) < 0) {
            throw new IllegalArgumentException(bytes + " bytes of IOVA space at 0x" + Long.toHexString(iova)
                    + " are not free here, and were taken by another process: that had another device");
        }
        take(piece.getKey(), piece.getValue(), iova, iova + bytes - 1);
    }

    /** All pieces that are taken: first address to length in bytes. */
    public synchronized Map<Long, Long> taken() {
        Map<Long, Long> lengths = new LinkedHashMap<>();
        taken.forEach((first, last) -> lengths.put(first, last - first + 1));
        return lengths;
    }

    /** Adds a free piece, joined with its neighbours. */
    private void insert(long first, long last) {
        long from = first;
        long to = last;
        Map.Entry<Long, Long> before = free.lowerEntry(first);
        if (before != null && before.getValue() + 1 == first) {
            from = before.getKey();
        }
        Long after = last == -1 ? null : free.remove(last + 1);
        if (after != null) {
            to = after;
        }
        free.put(from, to);
    }

    private void checkFree(long first, long last) {
        Map.Entry<Long, Long> before = free.floorEntry(last);
        if (before != null && Long.compareUnsigned(before.getValue(), first) >= 0) {
            throw new IllegalArgumentException("the IOVA ranges overlap at 0x" + Long.toHexString(first));
        }
    }

    private static long roundUp(long address, long alignment) {
        return roundDown(address + alignment - 1, alignment);
    }

    private static long roundDown(long address, long alignment) {
        return address & -alignment;
    }
}

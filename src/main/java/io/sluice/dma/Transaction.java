package io.sluice.dma;

import io.sluice.linux.Errno;
import io.sluice.linux.Fd;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A change of a guest's memory, made of maps and unmaps that readers see all at once, when it is committed. What is refused is
 * as if it had not been asked for; the rest of the transaction goes on.
 *
 * <p>Addresses and lengths are u64 and compared unsigned; a range may end at exactly 2^64.
 */
public final class Transaction {
    private static final int ALL_ACCESS = Translator.READ | Translator.WRITE;

    private final DmaSpace space;
    private final Backings backings;
    private final List<DmaRegion> removed = new ArrayList<>();
    private final List<DmaRegion> added = new ArrayList<>();
    private final List<PendingMap> maps = new ArrayList<>();
    private RegionIndex index;
    private boolean committed;

    Transaction(DmaSpace space) {
        this.space = space;
        this.backings = space.backings();
        this.index = space.index();
    }

    /**
     * Adds a region.
     *
     * @param gpa first guest address, a multiple of 4096
     * @param bytes length, a multiple of 4096, not 0
     * @param access what the device may do with it: {@link Translator#READ}, {@link Translator#WRITE}, both or, as vfio-user
     *     does not forbid it, neither
     * @param memory the file that holds it, taken over and closed by the space, also if the region is refused; or null where
     *     there is none, so that the memory can be had by messages only
     * @param offset of the region in the file, in bytes, a multiple of 4096; without a file it means nothing
     * @return what tells, after the commit, whether a device behind the memory could be given it; without one it always could
     * @throws DmaRefused EINVAL, EEXIST, ENOSPC, EACCES, or the errno of a system call that failed
     */
    public PendingMap map(long gpa, long bytes, int access, Fd memory, long offset) throws DmaRefused {
        Fd untaken = memory;
        try {
            checkOpen();
            checkRange("map", gpa, bytes);
            checkMap(gpa, gpa + bytes - 1, access);
            Extent extent = null;
            if (memory != null) {
                checkAligned("map", "file offset", offset);
                untaken = null;
                extent = backings.extentFor(memory, offset, bytes, access);
                backings.use(extent);
            }
            return add(new DmaRegion(gpa, gpa + bytes - 1, access, extent, offset));
        } finally {
            if (untaken != null) {
                untaken.close();
            }
        }
    }

    private void checkMap(long gpa, long last, int access) throws DmaRefused {
        if ((access & ALL_ACCESS) != access) {
            throw new DmaRefused(Errno.EINVAL, "cannot map: access is read (1), write (2) or both, not " + access);
        }
        DmaRegion before = index.floor(last);
        if (before != null && Long.compareUnsigned(before.last, gpa) >= 0) {
            throw new DmaRefused(
                    Errno.EEXIST,
                    "cannot map 0x" + Long.toHexString(gpa) + "..0x" + Long.toHexString(last) + ": the region " + before
                            + " is there. Unmap it first.");
        }
        Backings.checkLimit("DMA regions", index.size(), 1, space.limits().regions());
    }

    private PendingMap add(DmaRegion region) {
        index = index.with(region);
        added.add(region);
        PendingMap pending = new PendingMap(region);
        maps.add(pending);
        return pending;
    }

    /**
     * Takes all regions in a range away; there may be holes between them. A region that is only in part in the range is not
     * cut in two: that is refused, as Linux's type1 (version 2) does.
     *
     * @param gpa first guest address, a multiple of 4096
     * @param bytes length, a multiple of 4096, not 0
     * @return how many bytes were mapped there; 0 where there was nothing, which is no error: QEMU takes whole address ranges
     *     away, mapped or not, when a guest's virtual IOMMU changes its tables
     * @throws DmaRefused EINVAL for a bad range or a cut
     */
    public long unmap(long gpa, long bytes) throws DmaRefused {
        checkOpen();
        checkRange("unmap", gpa, bytes);
        long last = gpa + bytes - 1;
        DmaRegion first = index.find(gpa);
        DmaRegion end = index.find(last);
        checkWhole(first, first == null || first.gpa == gpa, gpa, last);
        checkWhole(end, end == null || end.last == last, gpa, last);
        long sum = 0;
        DmaRegion region = index.floor(last);
        while (region != null && Long.compareUnsigned(region.gpa, gpa) >= 0) {
            sum += region.bytes();
            index = index.without(region);
            forget(region);
            region = index.floor(last);
        }
        return sum;
    }

    private static void checkWhole(DmaRegion region, boolean whole, long gpa, long last) throws DmaRefused {
        if (!whole) {
            throw new DmaRefused(
                    Errno.EINVAL,
                    "cannot unmap 0x" + Long.toHexString(gpa) + "..0x" + Long.toHexString(last)
                            + ": it would cut the region " + region + " in two. Unmap whole regions.");
        }
    }

    /**
     * Takes all regions away.
     *
     * @return how many bytes were mapped, modulo 2^64; 0 also where there were none
     */
    public long unmapAll() {
        checkOpen();
        long[] sum = new long[1];
        RegionIndex all = index;
        index = RegionIndex.EMPTY;
        all.forEach(region -> {
            sum[0] += region.bytes();
            forget(region);
        });
        return sum[0];
    }

    private void forget(DmaRegion region) {
        removed.add(region);
        if (region.extent != null) {
            backings.unuse(region.extent);
        }
    }

    /**
     * Makes the changes visible. Where regions went away it returns when no reader uses them any more, or at the space's
     * deadline; in either case what is asked of the device from now on cannot reach them. Where a device has to be given
     * memory, it returns when it has it, or when it has taken {@link DeviceMemory#WAIT_NANOS}, and each map can be asked what
     * became of it.
     */
    public void commit() {
        checkOpen();
        committed = true;
        Map<DmaRegion, DmaRefused> refused = space.commit(new Change(index, removed, added));
        maps.forEach(map -> map.resolve(refused));
    }

    private void checkOpen() {
        if (committed) {
            throw new IllegalStateException(space + ": the transaction has been committed");
        }
    }

    private static void checkRange(String what, long gpa, long bytes) throws DmaRefused {
        checkAligned(what, "address", gpa);
        checkAligned(what, "length", bytes);
        if (bytes == 0) {
            throw new DmaRefused(Errno.EINVAL, "cannot " + what + " 0 bytes at 0x" + Long.toHexString(gpa));
        }
        if (Long.compareUnsigned(gpa + bytes - 1, gpa) < 0) {
            throw new DmaRefused(
                    Errno.EINVAL,
                    "cannot " + what + " 0x" + Long.toHexString(bytes) + " bytes at 0x" + Long.toHexString(gpa)
                            + ": the range goes past 2^64");
        }
    }

    private static void checkAligned(String what, String which, long value) throws DmaRefused {
        if (value % Memory.PAGE_BYTES != 0) {
            throw new DmaRefused(
                    Errno.EINVAL,
                    "cannot " + what + ": the " + which + " 0x" + Long.toHexString(value) + " is not a multiple of "
                            + Memory.PAGE_BYTES);
        }
    }
}

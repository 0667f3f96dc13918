package io.sluice.host;

import io.sluice.mem.Memory;
import io.sluice.nvme.Pieces;
import io.sluice.nvme.Sgl;
import io.sluice.nvme.Sqe;

/**
 * Points an entry at data that lies in pieces: by PRPs where these can say it, which every device takes, else by an SGL.
 *
 * <pre>
 *   each piece but the first begins, each but the last ends at a page's border      PRPs, see {@link Prps}
 *   1 piece                                                                         SGL1 ─▶ data
 *   more                                                                            SGL1 ─▶ last segment ─▶ data, data, …
 * </pre>
 */
public final class DataPointers {
    /** The most pieces of which an SGL in a slot's own page can tell. */
    public static final int MAX_SGL_PIECES = Memory.PAGE_BYTES / Sgl.BYTES;

    private DataPointers() {}

    /** Whether data in such pieces can be described at all, for a device that takes SGLs. */
    public static boolean isDescribable(Pieces pieces) {
        return pieces.count() <= MAX_SGL_PIECES || isDescribableByPrps(pieces);
    }

    /** Whether PRPs can describe it: NVMe 1.4, 4.3. */
    public static boolean isDescribableByPrps(Pieces pieces) {
        int last = pieces.count() - 1;
        for (int i = 0; i <= last; i++) {
            long end = pieces.address(i) + pieces.bytes(i);
            if ((i > 0 && offset(pieces.address(i)) != 0) || (i < last && offset(end) != 0)) {
                return false;
            }
        }
        return pieces.address(0) % Integer.BYTES == 0;
    }

    /**
     * Sets the data pointer of an entry whose PSDT is 0.
     *
     * @param pieces at least one, all {@link #isDescribable}, at the device's addresses
     * @param listAddress a page for a list of PRPs or a segment, as this process sees it
     * @param listIova the same page as the device sees it
     */
    public static void set(long sqe, Pieces pieces, long listAddress, long listIova) {
        if (isDescribableByPrps(pieces)) {
            Prps.set(sqe, pieces, listAddress, listIova);
        } else if (pieces.count() == 1) {
            Sqe.setSglDataBlock(sqe, pieces.address(0), pieces.bytes(0));
        } else {
            for (int i = 0; i < pieces.count(); i++) {
                Sgl.setDataBlock(listAddress + (long) i * Sgl.BYTES, pieces.address(i), pieces.bytes(i));
            }
            Sqe.setSglLastSegment(sqe, listIova, pieces.count());
        }
    }

    private static long offset(long iova) {
        return iova & (Memory.PAGE_BYTES - 1);
    }
}

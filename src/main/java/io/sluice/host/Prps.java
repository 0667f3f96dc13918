package io.sluice.host;

import io.sluice.mem.Memory;
import io.sluice.nvme.Pieces;
import io.sluice.nvme.Sqe;

/**
 * Writes PRPs for data that is contiguous for the device: NVMe 1.4, 4.3.
 *
 * <pre>
 *   1 page    PRP1 ─▶ data, at any offset
 *   2 pages   PRP1 ─▶ data     PRP2 ─▶ second page
 *   more      PRP1 ─▶ data     PRP2 ─▶ list ─▶ second page, third page, …
 * </pre>
 */
public final class Prps {
    private Prps() {}

    /**
     * Sets PRP1 and PRP2 of an entry.
     *
     * @param iova where the data begins
     * @param bytes 1 to {@link QueuePair#MAX_TRANSFER_BYTES}, so that one list page is enough
     * @param listAddress a page for the list, as this process sees it
     * @param listIova the same page as the device sees it
     */
    static void set(long sqe, long iova, int bytes, long listAddress, long listIova) {
        Sqe.setPrp1(sqe, iova);
        long secondPage = pageStart(iova) + Memory.PAGE_BYTES;
        long lastPage = pageStart(iova + bytes - 1);
        if (secondPage > lastPage) {
            Sqe.setPrp2(sqe, 0);
        } else if (secondPage == lastPage) {
            Sqe.setPrp2(sqe, secondPage);
        } else {
            fillList(listAddress, secondPage, lastPage);
            Sqe.setPrp2(sqe, listIova);
        }
    }

    /**
     * Sets PRP1 and PRP2 of an entry to data in pieces, of which all but the first begin, and all but the last end, at a
     * page's border; otherwise as above.
     */
    public static void set(long sqe, Pieces pieces, long listAddress, long listIova) {
        long first = pieces.address(0);
        if (pieces.count() == 1) {
            set(sqe, first, pieces.bytes(0), listAddress, listIova);
            return;
        }
        Sqe.setPrp1(sqe, first);
        long entry =
                fillList(listAddress, pageStart(first) + Memory.PAGE_BYTES, pageStart(first + pieces.bytes(0) - 1));
        for (int i = 1; i < pieces.count(); i++) {
            long address = pieces.address(i);
            entry = fillList(entry, address, pageStart(address + pieces.bytes(i) - 1));
        }
        boolean single = entry == listAddress + Long.BYTES;
        Sqe.setPrp2(sqe, single ? Memory.getLong(listAddress) : listIova);
    }

    /** Returns where the next entry goes. */
    private static long fillList(long listAddress, long firstPage, long lastPage) {
        long entry = listAddress;
        for (long page = firstPage; page <= lastPage; page += Memory.PAGE_BYTES) {
            Memory.putLong(entry, page);
            entry += Long.BYTES;
        }
        return entry;
    }

    private static long pageStart(long iova) {
        return iova & -Memory.PAGE_BYTES;
    }
}

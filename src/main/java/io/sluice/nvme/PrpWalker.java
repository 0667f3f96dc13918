package io.sluice.nvme;

import io.sluice.mem.Memory;
import io.sluice.mem.Translator;

/**
 * Follows a command's PRP entries and lists and turns them into checked {@link Pieces} of host memory: NVMe 1.4, 4.3
 * "Physical Region Page Entry and List".
 *
 * <pre>
 *   data fits one page     PRP1 ──▶ page (any dword offset)       PRP2 is reserved
 *   data fits two pages    PRP1 ──▶ page (any dword offset)       PRP2 ──▶ page, offset 0
 *   data needs more        PRP1 ──▶ page (any dword offset)       PRP2 ──▶ list (any qword offset)
 *
 *   a list page, used from its offset to its end:
 *
 *     | entry | entry | …  | entry | last |     the last slot of the page is an entry if it is the last one that
 *                                     │         the data needs, and else the address of the next list page,
 *                                     ▼         whose offset is 0
 *                                   | entry | …
 * </pre>
 *
 * <p>The guest can rewrite a list while it is walked. Each slot is loaded exactly once, and what was loaded is checked and
 * translated; so a rewrite can only ever choose among addresses that the guest may use. The number of slots follows from
 * the transfer's length alone and every list page after the first yields at least 511 entries, so no list, looping ones
 * included, keeps the walker for longer than a good one does.
 *
 * <p>Statuses:
 *
 * <ul>
 *   <li>PRP Offset Invalid, do not retry: a misaligned entry, which will be as wrong again.
 *   <li>Invalid Field in Command, do not retry: more data than MDTS allows (NVMe 1.4, 5.15.2.2, MDTS).
 *   <li>Data Transfer Error, retry allowed: an address that the translator refuses. That is a property of the guest's
 *       mappings, not of the command, and mappings change: a firmware that moves memory about can have it back in
 *       microseconds. {@link #fault()} tells why, so that the caller can treat memory without a file descriptor
 *       ({@link Translator#NOT_LOCAL}) differently.
 * </ul>
 *
 * <p>Allocates nothing after construction; owned by one thread.
 */
public final class PrpWalker {
    private final Translator lists;
    private final Translator data;
    private final int pageBytes;
    private final int pageMask;
    private final int maxTransferBytes;

    private long fault;
    private long faultGpa;
    private int faultBytes;
    private boolean faultInList;

    /**
     * Makes a walker for one setting of the controller.
     *
     * @param pageBytes the memory page size, {@link Cc#pageBytes}: a power of two, 4096 or more
     * @param maxTransferBytes the longest transfer, as MDTS says; 1 or more
     */
    public PrpWalker(Translator translator, int pageBytes, int maxTransferBytes) {
        this(translator, translator, pageBytes, maxTransferBytes);
    }

    /**
     * Makes a walker for data that somebody else will move.
     *
     * @param lists gives the host addresses at which lists are read here
     * @param data gives the addresses that the pieces will have: a device's, for instance
     */
    public PrpWalker(Translator lists, Translator data, int pageBytes, int maxTransferBytes) {
        if (pageBytes < Memory.PAGE_BYTES || Integer.bitCount(pageBytes) != 1 || maxTransferBytes < 1) {
            throw new IllegalArgumentException("page of " + pageBytes + " bytes or transfer of " + maxTransferBytes
                    + " bytes: a page is a power of two from 4096 up, a transfer 1 byte or more");
        }
        this.lists = lists;
        this.data = data;
        this.pageBytes = pageBytes;
        this.pageMask = pageBytes - 1;
        this.maxTransferBytes = maxTransferBytes;
    }

    /**
     * Resolves a data pointer.
     *
     * @param bytes length of the transfer, compared unsigned with the maximum; 0 resolves to no pieces
     * @param access {@link Translator#READ} if the data will be read from the guest, {@link Translator#WRITE} if written
     * @param pieces receives the answer, valid only if this returns 0; its capacity must be at least
     *     {@link Pieces#capacityFor} of {@code bytes}
     * @return 0, or a status as in {@link Status}
     */
    public int walk(long prp1, long prp2, int bytes, int access, Pieces pieces) {
        pieces.clear();
        fault = 0;
        if (Integer.compareUnsigned(bytes, maxTransferBytes) > 0) {
            return Status.INVALID_FIELD.dnr();
        }
        if (bytes == 0) {
            return Status.OK;
        }
        if (pieces.capacity() < Pieces.capacityFor(bytes)) {
            throw new IllegalArgumentException(
                    "room for " + pieces.capacity() + " pieces is too little for " + bytes + " bytes");
        }
        if (!isAligned(prp1, Integer.BYTES)) {
            return Status.PRP_OFFSET_INVALID.dnr();
        }
        int firstBytes = Math.min(bytes, pageBytes - offset(prp1));
        int status = data(prp1, firstBytes, access, pieces);
        int restBytes = bytes - firstBytes;
        if (status != Status.OK || restBytes == 0) {
            return status;
        }
        if (restBytes <= pageBytes) {
            return entry(prp2, restBytes, access, pieces);
        }
        if (!isAligned(prp2, Long.BYTES)) {
            return Status.PRP_OFFSET_INVALID.dnr();
        }
        return list(prp2, restBytes, access, pieces);
    }

    /**
     * Why the last walk ended in Data Transfer Error: one of the translator's negative codes, or 0 if it did not.
     */
    public long fault() {
        return fault;
    }

    /** The guest address that the translator refused; meaningful while {@link #fault()} is not 0. */
    public long faultGpa() {
        return faultGpa;
    }

    /** How many bytes from {@link #faultGpa} on it was asked for, 1 or more: not all of them may be out of reach. */
    public int faultBytes() {
        return faultBytes;
    }

    /** Whether it was a list that could not be read, rather than data that could not be reached. */
    public boolean isFaultInList() {
        return faultInList;
    }

    /** Walks the list at {@code listGpa}, and those chained to it, for {@code bytes} bytes. */
    private int list(long listGpa, int bytes, int access, Pieces pieces) {
        long gpa = listGpa;
        int restBytes = bytes;
        while (true) {
            int slots = (pageBytes - offset(gpa)) / Long.BYTES;
            int needed = Math.ceilDiv(restBytes, pageBytes);
            if (needed <= slots) {
                return entries(gpa, needed, restBytes, access, pieces);
            }
            int entries = slots - 1;
            // Cannot overflow: fewer entries than the transfer needs cover fewer bytes than it has.
            int stepBytes = entries * pageBytes;
            int status = entries(gpa, entries, stepBytes, access, pieces);
            if (status != Status.OK) {
                return status;
            }
            long lastGpa = gpa + (long) entries * Long.BYTES;
            long hva = listHva(lastGpa, 1);
            if (hva <= 0) {
                return refuse(hva, lastGpa, Long.BYTES, true);
            }
            gpa = Memory.getLongOpaque(hva);
            if (offset(gpa) != 0) {
                return Status.PRP_OFFSET_INVALID.dnr();
            }
            restBytes -= stepBytes;
        }
    }

    /** Takes {@code count} entries, all on one memory page, that cover {@code bytes} bytes. */
    private int entries(long listGpa, int count, int bytes, int access, Pieces pieces) {
        long gpa = listGpa;
        int left = count;
        int restBytes = bytes;
        while (left > 0) {
            // A memory page may be several of the small pages inside which a translation is contiguous.
            int toBoundary = (Memory.PAGE_BYTES - smallOffset(gpa)) / Long.BYTES;
            int step = Math.min(left, toBoundary);
            long hva = listHva(gpa, step);
            if (hva <= 0) {
                return refuse(hva, gpa, step * Long.BYTES, true);
            }
            for (int i = 0; i < step; i++) {
                int entryBytes = Math.min(restBytes, pageBytes);
                // Opaque: loaded once, whatever the compiler thinks of it.
                int status = entry(Memory.getLongOpaque(hva + (long) i * Long.BYTES), entryBytes, access, pieces);
                if (status != Status.OK) {
                    return status;
                }
                restBytes -= entryBytes;
            }
            left -= step;
            gpa += (long) step * Long.BYTES;
        }
        return Status.OK;
    }

    /** A positive host address of {@code slots} list slots inside one small page, or a translator's code. */
    private long listHva(long gpa, int slots) {
        long hva = lists.translate(gpa, slots * Long.BYTES, Translator.READ);
        // Regions are page aligned, so a qword aligned guest address has a qword aligned host address; if ever not,
        // the ordered load below would throw, and a guest's doing must not.
        return hva <= 0 ? hva : isAligned(hva, Long.BYTES) ? Memory.hint(hva) : Translator.NOT_MAPPED;
    }

    /** Takes one entry of PRP2 or of a list: its offset must be 0. */
    private int entry(long gpa, int bytes, int access, Pieces pieces) {
        if (offset(gpa) != 0) {
            return Status.PRP_OFFSET_INVALID.dnr();
        }
        return data(gpa, bytes, access, pieces);
    }

    /** Takes a span of data that lies inside one memory page. */
    private int data(long gpa, int bytes, int access, Pieces pieces) {
        long address = data.translate(gpa, bytes, access);
        if (address > 0) {
            pieces.append(address, bytes);
            return Status.OK;
        }
        return address == Translator.SPLIT ? split(gpa, bytes, access, pieces) : refuse(address, gpa, bytes, false);
    }

    /** The same by small pages, for memory pages of more than 4096 bytes. */
    private int split(long spanGpa, int bytes, int access, Pieces pieces) {
        long gpa = spanGpa;
        int restBytes = bytes;
        while (restBytes > 0) {
            int step = Math.min(restBytes, Memory.PAGE_BYTES - smallOffset(gpa));
            long address = data.translate(gpa, step, access);
            if (address <= 0) {
                return refuse(address, gpa, step, false);
            }
            pieces.append(address, step);
            gpa += step;
            restBytes -= step;
        }
        return Status.OK;
    }

    private int refuse(long code, long gpa, int bytes, boolean inList) {
        fault = code;
        faultGpa = gpa;
        faultBytes = bytes;
        faultInList = inList;
        return Status.DATA_TRANSFER_ERROR.code();
    }

    private int offset(long gpa) {
        return (int) gpa & pageMask;
    }

    private static int smallOffset(long gpa) {
        return (int) gpa & (Memory.PAGE_BYTES - 1);
    }

    private static boolean isAligned(long address, int bytes) {
        return (address & (bytes - 1)) == 0;
    }
}

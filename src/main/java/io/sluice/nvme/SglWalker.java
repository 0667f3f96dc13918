package io.sluice.nvme;

import io.sluice.mem.Memory;
import io.sluice.mem.Translator;

/**
 * Resolves a command's SGL into checked {@link Pieces}: NVMe 1.4, 4.4 "Scatter Gather List", for memory-based commands.
 *
 * <pre>
 *   SGL1: data block                      │ SGL1: segment ─▶ | data block | data block | segment or last segment |
 *                                         │                                                 └─▶ | data block | … |
 * </pre>
 *
 * <p>The guest can rewrite its segments at any time. Each descriptor is loaded once, and what was loaded is what is checked and
 * used. A walk takes no more than {@link #MAX_DESCRIPTORS} descriptors, those that lead to the next segment included, so a
 * segment that leads to itself ends too.
 *
 * <p>What is refused, and how (NVMe 1.4, 4.4 and Figure 128), always with Do Not Retry:
 *
 * <ul>
 *   <li>SGL Descriptor Type Invalid: anything but data blocks, bit buckets, segments and last segments of memory addresses; bit
 *       buckets where there is no page for what they leave out.
 *   <li>Invalid Number of SGL Descriptors: a segment's descriptor in front of the last place of a segment; more descriptors than
 *       the limit, or more pieces than there is room for.
 *   <li>Invalid SGL Segment Descriptor: one in a last segment; one whose length is 0 or no multiple of 16, or whose address is no
 *       multiple of 8.
 *   <li>Data SGL Length Invalid: data blocks and bit buckets whose sum is not the transfer's length; a span that goes beyond 2^64.
 *   <li>SGL Data Block Granularity Invalid: a data block or bit bucket that is not of dwords, where only those are offered.
 * </ul>
 *
 * <p>And Data Transfer Error, retry allowed, as in {@link PrpWalker}: an address that the translator refuses.
 *
 * <p>Allocates nothing after construction; owned by one thread.
 */
public final class SglWalker {
    /** The most descriptors in one SGL. Linux makes 129 at the most, SPDK 250. */
    public static final int MAX_DESCRIPTORS = 512;

    /** Data blocks of which any SGL may consist, as far as the room for pieces goes; each can begin and end inside a page. */
    private static final int SURE_BLOCKS = 256;

    private final Translator lists;
    private final Translator data;
    private final int maxTransferBytes;
    private final int alignmentBytes;
    private final long discardPage;

    private long fault;
    private long faultGpa;
    private int faultBytes;
    private boolean faultInList;

    /** Where the segment goes on, and how many bytes are left of it. */
    private long nextGpa;

    private long segmentBytes;

    /** What is left of the span that was translated last: its host address, its bytes. */
    private long nextHva;

    private int hvaBytes;
    private int descriptors;
    private boolean inLastSegment;
    private long restBytes;

    /**
     * Makes a walker.
     *
     * @param lists gives the host addresses at which descriptors are read here
     * @param data gives the addresses that the pieces will have: a device's, for instance
     * @param maxTransferBytes the longest transfer, as MDTS says; 1 or more
     * @param alignmentBytes what addresses and lengths of data blocks must be multiples of, as SGLS says: 1 or 4
     * @param discardPage address, as pieces have it, of a page for what bit buckets leave out, whose content is nobody's; 0 if bit
     *     buckets are not offered
     */
    public SglWalker(Translator lists, Translator data, int maxTransferBytes, int alignmentBytes, long discardPage) {
        if (maxTransferBytes < 1 || (alignmentBytes != 1 && alignmentBytes != Integer.BYTES)) {
            throw new IllegalArgumentException("transfer of " + maxTransferBytes + " bytes or alignment of "
                    + alignmentBytes + ": a transfer is 1 byte or more, an alignment 1 or 4");
        }
        this.lists = lists;
        this.data = data;
        this.maxTransferBytes = maxTransferBytes;
        this.alignmentBytes = alignmentBytes;
        this.discardPage = discardPage;
    }

    /** Room for the pieces of a transfer: any SGL of 256 data blocks fits, and one of more blocks that merge or fill pages. */
    public static int capacityFor(int maxTransferBytes) {
        return Pieces.capacityFor(maxTransferBytes) + 2 * SURE_BLOCKS;
    }

    /**
     * Resolves an SGL.
     *
     * @param address the first word of SGL1, as {@link Sqe#prp1} has it
     * @param word1 its second word, as {@link Sqe#prp2} has it
     * @param bytes length of the transfer, compared unsigned with the maximum
     * @param access {@link Translator#READ} if the data will be read from the guest, {@link Translator#WRITE} if written
     * @param pieces receives the answer, valid only if this returns 0
     * @return 0, or a status as in {@link Status}
     */
    public int walk(long address, long word1, int bytes, int access, Pieces pieces) {
        pieces.clear();
        fault = 0;
        if (Integer.compareUnsigned(bytes, maxTransferBytes) > 0) {
            return Status.INVALID_FIELD.dnr();
        }
        begin(bytes);
        int status = descriptor(address, word1, access, pieces);
        while (status == Status.OK && segmentBytes > 0) {
            status = next(access, pieces);
        }
        return status != Status.OK || restBytes == 0 ? status : Status.DATA_SGL_LENGTH_INVALID.dnr();
    }

    /** SGL1 is like a segment of one descriptor. */
    private void begin(int bytes) {
        restBytes = bytes;
        segmentBytes = 0;
        hvaBytes = 0;
        descriptors = 1;
        inLastSegment = false;
    }

    /** See {@link PrpWalker#fault()}. */
    public long fault() {
        return fault;
    }

    /** See {@link PrpWalker#faultGpa()}. */
    public long faultGpa() {
        return faultGpa;
    }

    /** See {@link PrpWalker#faultBytes()}. */
    public int faultBytes() {
        return faultBytes;
    }

    /** Whether it was a segment that could not be read, rather than data that could not be reached. */
    public boolean isFaultInList() {
        return faultInList;
    }

    /** Loads the next descriptor of the segment and takes it. */
    private int next(int access, Pieces pieces) {
        if (!reach()) {
            return Status.DATA_TRANSFER_ERROR.code();
        }
        long address = load();
        if (!reach()) { // it is a multiple of 8 only, so its second word may be on another page
            return Status.DATA_TRANSFER_ERROR.code();
        }
        return descriptor(address, load(), access, pieces);
    }

    /** Makes sure of the host address of the next word. */
    private boolean reach() {
        if (hvaBytes > 0) {
            return true;
        }
        int toBoundary = Memory.PAGE_BYTES - smallOffset(nextGpa);
        int bytes = (int) Math.min(toBoundary, segmentBytes);
        long hva = lists.translate(nextGpa, bytes, Translator.READ);
        if (hva <= 0 || !isAligned(hva, Long.BYTES)) {
            refuse(hva <= 0 ? hva : Translator.NOT_MAPPED, nextGpa, bytes, true);
            return false;
        }
        nextHva = Memory.hint(hva);
        hvaBytes = bytes;
        return true;
    }

    private long load() {
        long word = Memory.getLongOpaque(nextHva); // opaque: loaded once, whatever the compiler thinks of it
        nextHva += Long.BYTES;
        nextGpa += Long.BYTES;
        hvaBytes -= Long.BYTES;
        segmentBytes -= Long.BYTES;
        return word;
    }

    private int descriptor(long address, long word1, int access, Pieces pieces) {
        if (Sgl.subtypeOf(word1) != Sgl.SUBTYPE_ADDRESS) {
            return Status.SGL_DESCRIPTOR_TYPE_INVALID.dnr();
        }
        return switch (Sgl.typeOf(word1)) {
            case Sgl.TYPE_DATA_BLOCK -> dataBlock(address, Sgl.lengthOf(word1), access, pieces);
            case Sgl.TYPE_BIT_BUCKET -> bitBucket(Sgl.lengthOf(word1), access, pieces);
            case Sgl.TYPE_SEGMENT -> segment(address, Sgl.lengthOf(word1), false);
            case Sgl.TYPE_LAST_SEGMENT -> segment(address, Sgl.lengthOf(word1), true);
            default -> Status.SGL_DESCRIPTOR_TYPE_INVALID.dnr();
        };
    }

    /** The next descriptors come from another segment. */
    private int segment(long gpa, long bytes, boolean last) {
        if (segmentBytes > 0) {
            return Status.INVALID_SGL_DESCRIPTOR_COUNT.dnr();
        }
        if (inLastSegment || bytes == 0 || !isAligned(bytes, Sgl.BYTES) || !isAligned(gpa, Long.BYTES)) {
            return Status.INVALID_SGL_SEGMENT_DESCRIPTOR.dnr();
        }
        if (wraps(gpa, bytes)) {
            return Status.DATA_SGL_LENGTH_INVALID.dnr();
        }
        long count = bytes / Sgl.BYTES;
        if (count > MAX_DESCRIPTORS - descriptors) {
            return Status.INVALID_SGL_DESCRIPTOR_COUNT.dnr();
        }
        descriptors += (int) count;
        segmentBytes = bytes;
        nextGpa = gpa;
        hvaBytes = 0;
        inLastSegment = last;
        return Status.OK;
    }

    /** One of length 0 is valid, whatever its address: NVMe 1.4, 4.4, "specifies that no data is transferred". */
    private int dataBlock(long gpa, long bytes, int access, Pieces pieces) {
        if (!isAligned(gpa | bytes, alignmentBytes)) {
            return Status.SGL_DATA_BLOCK_GRANULARITY_INVALID.dnr();
        }
        if (bytes > restBytes || wraps(gpa, bytes)) {
            return Status.DATA_SGL_LENGTH_INVALID.dnr();
        }
        restBytes -= bytes;
        return bytes == 0 ? Status.OK : span(gpa, (int) bytes, access, pieces);
    }

    /**
     * NVMe 1.4, 4.4: of a Read, as many bytes go nowhere, and count. Of commands that take data from the guest, it is as if it were
     * not there.
     */
    private int bitBucket(long bytes, int access, Pieces pieces) {
        if (discardPage == 0) {
            return Status.SGL_DESCRIPTOR_TYPE_INVALID.dnr();
        }
        if (access == Translator.READ) {
            return Status.OK;
        }
        if (!isAligned(bytes, alignmentBytes)) {
            return Status.SGL_DATA_BLOCK_GRANULARITY_INVALID.dnr();
        }
        if (bytes > restBytes) {
            return Status.DATA_SGL_LENGTH_INVALID.dnr();
        }
        restBytes -= bytes;
        for (long rest = bytes; rest > 0; rest -= Memory.PAGE_BYTES) {
            if (!pieces.offer(discardPage, (int) Math.min(rest, Memory.PAGE_BYTES))) {
                return Status.INVALID_SGL_DESCRIPTOR_COUNT.dnr();
            }
        }
        return Status.OK;
    }

    /** In one step where that can be; else by small pages, of which each may be elsewhere, and in another region. */
    private int span(long spanGpa, int bytes, int access, Pieces pieces) {
        long whole = data.translate(spanGpa, bytes, access);
        if (whole > 0) {
            return pieces.offer(whole, bytes) ? Status.OK : Status.INVALID_SGL_DESCRIPTOR_COUNT.dnr();
        }
        long gpa = spanGpa;
        int rest = bytes;
        while (rest > 0) {
            int step = Math.min(rest, Memory.PAGE_BYTES - smallOffset(gpa));
            long address = data.translate(gpa, step, access);
            if (address <= 0) {
                return refuse(address, gpa, step, false);
            }
            if (!pieces.offer(address, step)) {
                return Status.INVALID_SGL_DESCRIPTOR_COUNT.dnr();
            }
            gpa += step;
            rest -= step;
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

    /** Whether a span of less than 2^32 bytes ends beyond 2^64. Ending there is allowed. */
    private static boolean wraps(long gpa, long bytes) {
        return bytes > 0 && Long.compareUnsigned(gpa + bytes - 1, gpa) < 0;
    }

    private static int smallOffset(long gpa) {
        return (int) gpa & (Memory.PAGE_BYTES - 1);
    }

    private static boolean isAligned(long value, int bytes) {
        return (value & (bytes - 1)) == 0;
    }
}

package io.sluice.nvme;

import io.sluice.mem.Bits;

/**
 * Where the doorbells are: NVMe 1.4, 3.1.24 and 3.1.25, offset 1000h of BAR0. Each is 4 bytes wide, {@code 4 << DSTRD}
 * bytes after the one before.
 *
 * <pre>
 *   1000h  SQ0 tail (admin)     1000h + (2y)     * (4 &lt;&lt; DSTRD)  SQy tail
 *   1004h  CQ0 head (admin)     1000h + (2y + 1) * (4 &lt;&lt; DSTRD)  CQy head
 * </pre>
 *
 * <p>The one-argument forms are for DSTRD = 0, which Sluice's own controllers have.
 */
public final class Doorbells {
    /** Offset of the first doorbell in BAR0. */
    public static final int OFFSET = 0x1000;
    /** Size of a doorbell, and with DSTRD = 0 the distance of two, in bytes. */
    public static final int BYTES = 4;

    private Doorbells() {}

    /** Offset in BAR0 of a submission queue's tail doorbell, DSTRD = 0. */
    public static int sqTailDoorbell(int qid) {
        return sqTailDoorbell(qid, 0);
    }

    /** Offset in BAR0 of a completion queue's head doorbell, DSTRD = 0. */
    public static int cqHeadDoorbell(int qid) {
        return cqHeadDoorbell(qid, 0);
    }

    /**
     * Offset in BAR0 of a submission queue's tail doorbell.
     *
     * @param dstrd CAP.DSTRD, 0 to 8; larger strides are legal, and no 16-bit queue identifier fits a BAR with them
     */
    public static int sqTailDoorbell(int qid, int dstrd) {
        return OFFSET + 2 * qid * (BYTES << dstrd);
    }

    /** Offset in BAR0 of a completion queue's head doorbell; parameters as in {@link #sqTailDoorbell(int, int)}. */
    public static int cqHeadDoorbell(int qid, int dstrd) {
        return OFFSET + (2 * qid + 1) * (BYTES << dstrd);
    }

    /** Bytes of BAR0 from offset 1000h that the doorbells of queues 0 to {@code maxQid} take, DSTRD = 0. */
    public static int bytesFor(int maxQid) {
        return 2 * (maxQid + 1) * BYTES;
    }

    /** The queue whose doorbell (DSTRD = 0) is at this BAR0 offset; the offset is 1000h or more and a multiple of 4. */
    public static int qid(int offset) {
        return (offset - OFFSET) / (2 * BYTES);
    }

    /** Whether the doorbell (DSTRD = 0) at this BAR0 offset is a completion queue's head. */
    public static boolean isCqHead(int offset) {
        return Bits.isSet(offset - OFFSET, 2);
    }

    /**
     * The index in a written doorbell, bits 15:0. Bits 31:16 are reserved; what a host writes there is ignored
     * (NVMe 1.4, 3.1.24).
     */
    public static int index(int doorbell) {
        return Bits.get(doorbell, 15, 0);
    }
}

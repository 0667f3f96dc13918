package io.sluice.nvme;

import io.sluice.mem.Bits;
import io.sluice.mem.Memory;

/**
 * A completion queue entry: NVMe 1.4, 4.6 "Completion Queue Entry".
 *
 * <pre>
 *   byte  0           4           8       10      12      14      15.7
 *       +-----------+-----------+-------+-------+-------+---------+
 *       |    DW0    |  reserved | SQHD  | SQID  |  CID  |P| status|
 *       +-----------+-----------+-------+-------+-------+---------+
 *                                '------ the tail: one long ------'
 * </pre>
 *
 * <p>The last 8 bytes hold everything that tells the reader that an entry is new, so a writer stores them last, in one
 * release store ({@link #publish}), and a reader loads them first, in one acquire load ({@link #tail}). A status is an
 * int as in {@link Status}: DW3 bits 31:17, without the phase. Addresses are 16-byte aligned.
 */
public final class Cqe {
    /** Size of an entry in bytes; CC.IOCQES must say 4 (2^4). */
    public static final int BYTES = 16;

    static final int DW0 = 0;
    static final int DW1 = 4;
    static final int TAIL = 8;

    private Cqe() {}

    /**
     * Writes an entry so that a reader on another processor that sees its phase sees all of it.
     *
     * @param sqHead SQHD, 0 to 65535
     * @param sqid identifier of the submission queue, 0 to 65535
     * @param cid the command's identifier, 0 to 65535
     * @param status as in {@link Status}
     * @param phase 0 or 1
     */
    public static void publish(long cqe, int dw0, int sqHead, int sqid, int cid, int status, int phase) {
        Memory.putLong(cqe, Integer.toUnsignedLong(dw0)); // DW1 is reserved: zero
        Memory.putLongRelease(cqe + TAIL, encodeTail(sqHead, sqid, cid, status, phase));
    }

    /** The last 8 bytes of an entry as one long; parameters as in {@link #publish}. */
    public static long encodeTail(int sqHead, int sqid, int cid, int status, int phase) {
        long tail = Bits.with(0L, 15, 0, sqHead);
        tail = Bits.with(tail, 31, 16, sqid);
        tail = Bits.with(tail, 47, 32, cid);
        tail = Bits.with(tail, 48, 48, phase);
        return Bits.with(tail, 63, 49, status);
    }

    /** Loads the last 8 bytes with acquire semantics; decode them with the methods below. */
    public static long tail(long cqe) {
        return Memory.getLongAcquire(cqe + TAIL);
    }

    /** SQHD, DW2 bits 15:0, of a loaded tail. */
    public static int sqHead(long tail) {
        return (int) Bits.get(tail, 15, 0);
    }

    /** SQID, DW2 bits 31:16, of a loaded tail. */
    public static int sqid(long tail) {
        return (int) Bits.get(tail, 31, 16);
    }

    /** CID, DW3 bits 15:0, of a loaded tail. */
    public static int cid(long tail) {
        return (int) Bits.get(tail, 47, 32);
    }

    /** P, DW3 bit 16, of a loaded tail: 0 or 1. */
    public static int phase(long tail) {
        return (int) Bits.get(tail, 48, 48);
    }

    /** Status field, DW3 bits 31:17, of a loaded tail. */
    public static int status(long tail) {
        return (int) Bits.get(tail, 63, 49);
    }

    /** DW0, the command's result; to be read after the {@link #tail}. */
    public static int dw0(long cqe) {
        return Memory.getInt(cqe + DW0);
    }
}

package io.sluice.nvme;

import io.sluice.mem.Bits;
import io.sluice.mem.Memory;

/**
 * A submission queue entry: NVMe 1.4, 4.2 "Submission Queue Entry – Command Format", and the NVM commands of section 6.
 *
 * <pre>
 *   byte  0   1   2   3   4           8                 16                24
 *       +---+---+-------+-----------+-----------------+-----------------+-----------------+
 *       |OPC|FLG|  CID  |   NSID    |    reserved     |      MPTR       |      PRP1       |
 *       +---+---+-------+-----------+-----------------+-----------------+-----------------+
 *        32                40          44          48       52       56        60
 *       +-----------------+-----------+-----------+--------+--------+---------+---------+
 *       |      PRP2       |   CDW10   |   CDW11   | CDW12  | CDW13  |  CDW14  |  CDW15  |
 *       +-----------------+-----------+-----------+--------+--------+---------+---------+
 *                          '------ SLBA ---------' '- NLB, FUA …
 * </pre>
 *
 * <p>Every method takes the address of the entry, which is 8-byte aligned. A guest can rewrite its queue at any time:
 * copy an entry once ({@link #copy}) to private memory, then decode and check the copy. Nothing here allocates, but
 * setters throw {@link IllegalArgumentException} for values that do not fit.
 *
 * <p>Who decodes several fields of one entry passes its address through {@link Memory#hint} once: four times as quick. Where
 * each nanosecond counts, dwords with several fields are loaded once and decoded by the methods that end in {@code Of}: each
 * access is hundreds of nodes to the JIT, which stops inlining at some 18,000.
 *
 * <p>Commands of the admin queue have their own fields in {@link AdminSqe}.
 */
public final class Sqe {
    /** Size of an entry in bytes; CC.IOSQES must say 6 (2^6). */
    public static final int BYTES = 64;

    /** CDW0.PSDT, bits 15:14: the data pointer holds PRPs. */
    public static final int PSDT_PRP = 0;
    /** CDW0.PSDT: SGL for data, and MPTR is the address of one contiguous metadata buffer. */
    public static final int PSDT_SGL = 1;
    /** CDW0.PSDT: SGL for data, and MPTR is the address of an SGL segment for metadata. */
    public static final int PSDT_SGL_METADATA_SGL = 2;

    /** CDW0.PSDT: no setting. */
    public static final int PSDT_RESERVED = 3;

    /** CDW0.FUSE, bits 9:8: a command of its own. */
    public static final int FUSE_NONE = 0;
    /** CDW0.FUSE: first command of a fused operation. */
    public static final int FUSE_FIRST = 1;
    /** CDW0.FUSE: second command of a fused operation. */
    public static final int FUSE_SECOND = 2;

    /** NSID that addresses all namespaces. */
    public static final int NSID_ALL = 0xffff_ffff;

    /** Dataset Management CDW11 bit 0, IDR: the ranges will be read as one. */
    public static final int DSM_INTEGRAL_READ = 1;
    /** Dataset Management CDW11 bit 1, IDW: the ranges will be written as one. */
    public static final int DSM_INTEGRAL_WRITE = 1 << 1;
    /** Dataset Management CDW11 bit 2, AD: deallocate the ranges. */
    public static final int DSM_DEALLOCATE = 1 << 2;

    static final int CDW0 = 0;
    static final int CID = 2;
    static final int NSID = 4;
    static final int MPTR = 16;
    static final int PRP1 = 24;
    static final int PRP2 = 32;
    static final int CDW10 = 40;
    static final int CDW11 = 44;
    static final int CDW12 = 48;
    static final int CDW13 = 52;
    static final int CDW14 = 56;
    static final int CDW15 = 60;

    private Sqe() {}

    /** Copies one entry by eight plain 8-byte loads, each word of the source being read exactly once. */
    public static void copy(long source, long target) {
        long from = Memory.hint(source);
        long to = Memory.hint(target);
        for (int i = 0; i < BYTES; i += Long.BYTES) {
            Memory.putLong(to + i, Memory.getLong(from + i));
        }
    }

    /** Sets all 64 bytes to zero. */
    public static void clear(long sqe) {
        long at = Memory.hint(sqe);
        for (int i = 0; i < BYTES; i += Long.BYTES) {
            Memory.putLong(at + i, 0);
        }
    }

    /** Makes an entry of 64 bytes: opcode, CID, NSID, no fuse, PRPs; all else is zero, and for the setters to fill in. */
    public static void begin(long sqe, int opcode, int cid, int nsid) {
        long at = Memory.hint(sqe);
        int cdw0 = Bits.with(Bits.with(0, 7, 0, opcode), 31, 16, cid);
        Memory.putLong(at, (long) nsid << Integer.SIZE | Integer.toUnsignedLong(cdw0));
        for (int i = Long.BYTES; i < BYTES; i += Long.BYTES) {
            Memory.putLong(at + i, 0);
        }
    }

    // ---- all commands

    /** Command dword 0 whole: CID 31:16, PSDT 15:14, FUSE 9:8, OPC 7:0. */
    public static int cdw0(long sqe) {
        return Memory.getInt(sqe + CDW0);
    }

    /** OPC, CDW0 bits 7:0; see {@link AdminOpcode} and {@link NvmOpcode}. */
    public static int opcode(long sqe) {
        return opcodeOf(cdw0(sqe));
    }

    /** FUSE, CDW0 bits 9:8. */
    public static int fuse(long sqe) {
        return fuseOf(cdw0(sqe));
    }

    /** PSDT, CDW0 bits 15:14: what the data pointer holds. */
    public static int psdt(long sqe) {
        return psdtOf(cdw0(sqe));
    }

    /** CID, CDW0 bits 31:16, 0 to 65535. */
    public static int cid(long sqe) {
        return cidOf(cdw0(sqe));
    }

    /** OPC of a CDW0 that has been loaded. */
    public static int opcodeOf(int cdw0) {
        return Bits.get(cdw0, 7, 0);
    }

    /** FUSE of a CDW0 that has been loaded. */
    public static int fuseOf(int cdw0) {
        return Bits.get(cdw0, 9, 8);
    }

    /** PSDT of a CDW0 that has been loaded. */
    public static int psdtOf(int cdw0) {
        return Bits.get(cdw0, 15, 14);
    }

    /** CID of a CDW0 that has been loaded. */
    public static int cidOf(int cdw0) {
        return Bits.get(cdw0, 31, 16);
    }

    /** NSID, CDW1; unsigned. */
    public static int nsid(long sqe) {
        return Memory.getInt(sqe + NSID);
    }

    /** MPTR, CDW4 and 5. */
    public static long mptr(long sqe) {
        return Memory.getLong(sqe + MPTR);
    }

    /** PRP entry 1, CDW6 and 7; also the first half of SGL entry 1. */
    public static long prp1(long sqe) {
        return Memory.getLong(sqe + PRP1);
    }

    /** PRP entry 2, CDW8 and 9; also the second half of SGL entry 1. */
    public static long prp2(long sqe) {
        return Memory.getLong(sqe + PRP2);
    }

    public static int cdw10(long sqe) {
        return Memory.getInt(sqe + CDW10);
    }

    public static int cdw11(long sqe) {
        return Memory.getInt(sqe + CDW11);
    }

    public static int cdw12(long sqe) {
        return Memory.getInt(sqe + CDW12);
    }

    public static int cdw13(long sqe) {
        return Memory.getInt(sqe + CDW13);
    }

    public static int cdw14(long sqe) {
        return Memory.getInt(sqe + CDW14);
    }

    public static int cdw15(long sqe) {
        return Memory.getInt(sqe + CDW15);
    }

    /** Writes CDW0 whole: opcode, CID, no fuse, PRPs. The other dwords keep their values. */
    public static void setCommand(long sqe, int opcode, int cid) {
        Memory.putInt(sqe + CDW0, Bits.with(Bits.with(0, 7, 0, opcode), 31, 16, cid));
    }

    public static void setOpcode(long sqe, int opcode) {
        Memory.putInt(sqe + CDW0, Bits.with(cdw0(sqe), 7, 0, opcode));
    }

    public static void setFuse(long sqe, int fuse) {
        Memory.putInt(sqe + CDW0, Bits.with(cdw0(sqe), 9, 8, fuse));
    }

    public static void setPsdt(long sqe, int psdt) {
        Memory.putInt(sqe + CDW0, Bits.with(cdw0(sqe), 15, 14, psdt));
    }

    public static void setCid(long sqe, int cid) {
        Memory.putInt(sqe + CDW0, Bits.with(cdw0(sqe), 31, 16, cid));
    }

    public static void setNsid(long sqe, int nsid) {
        Memory.putInt(sqe + NSID, nsid);
    }

    public static void setMptr(long sqe, long mptr) {
        Memory.putLong(sqe + MPTR, mptr);
    }

    public static void setPrp1(long sqe, long prp1) {
        Memory.putLong(sqe + PRP1, prp1);
    }

    public static void setPrp2(long sqe, long prp2) {
        Memory.putLong(sqe + PRP2, prp2);
    }

    /** Sets the data pointer to an SGL of one data block (PSDT 1, SGL1), which needs no list. */
    public static void setSglDataBlock(long sqe, long address, int bytes) {
        setPsdt(sqe, PSDT_SGL);
        Sgl.setDataBlock(sqe + PRP1, address, bytes);
    }

    /** Sets the data pointer to an SGL of one more segment (PSDT 1, SGL1), of {@code count} descriptors. */
    public static void setSglLastSegment(long sqe, long address, int count) {
        setPsdt(sqe, PSDT_SGL);
        Sgl.setLastSegment(sqe + PRP1, address, count);
    }

    public static void setCdw10(long sqe, int value) {
        Memory.putInt(sqe + CDW10, value);
    }

    public static void setCdw11(long sqe, int value) {
        Memory.putInt(sqe + CDW11, value);
    }

    public static void setCdw12(long sqe, int value) {
        Memory.putInt(sqe + CDW12, value);
    }

    public static void setCdw13(long sqe, int value) {
        Memory.putInt(sqe + CDW13, value);
    }

    public static void setCdw14(long sqe, int value) {
        Memory.putInt(sqe + CDW14, value);
    }

    public static void setCdw15(long sqe, int value) {
        Memory.putInt(sqe + CDW15, value);
    }

    // ---- Read, Write, Compare, Write Zeroes, Verify, Write Uncorrectable (6.6, 6.9, 6.14 to 6.17)

    /** SLBA, CDW10 and 11: first logical block, unsigned. */
    public static long slba(long sqe) {
        return Memory.getLong(sqe + CDW10);
    }

    /** NLB as it is on the wire, CDW12 bits 15:0: the number of blocks minus one. */
    public static int nlb0(long sqe) {
        return Bits.get(cdw12(sqe), 15, 0);
    }

    /** The number of logical blocks, 1 to 65536. */
    public static int blockCount(long sqe) {
        return blockCountOf(cdw12(sqe));
    }

    /** The number of logical blocks of a CDW12 that has been loaded. */
    public static int blockCountOf(int cdw12) {
        return Bits.get(cdw12, 15, 0) + 1;
    }

    /** DTYPE, CDW12 bits 23:20: directive type of a Write. */
    public static int directiveType(long sqe) {
        return directiveTypeOf(cdw12(sqe));
    }

    /** DTYPE of a CDW12 that has been loaded. */
    public static int directiveTypeOf(int cdw12) {
        return Bits.get(cdw12, 23, 20);
    }

    /** DEAC, CDW12 bit 25 of Write Zeroes: the blocks may be deallocated. */
    public static boolean deallocate(long sqe) {
        return Bits.isSet(cdw12(sqe), 25);
    }

    /** PRINFO, CDW12 bits 29:26: protection information action (bit 3) and checks (bits 2:0). */
    public static int prinfo(long sqe) {
        return Bits.get(cdw12(sqe), 29, 26);
    }

    /** FUA, CDW12 bit 30: complete only once on non-volatile media. */
    public static boolean forceUnitAccess(long sqe) {
        return forceUnitAccessOf(cdw12(sqe));
    }

    /** FUA of a CDW12 that has been loaded. */
    public static boolean forceUnitAccessOf(int cdw12) {
        return Bits.isSet(cdw12, 30);
    }

    /** LR, CDW12 bit 31: limited retry. */
    public static boolean limitedRetry(long sqe) {
        return Bits.isSet(cdw12(sqe), 31);
    }

    public static void setSlba(long sqe, long slba) {
        Memory.putLong(sqe + CDW10, slba);
    }

    /** Sets the blocks and FUA of a Read or Write; the rest of CDW12 and CDW13 becomes zero. As words that are read as words. */
    public static void setTransfer(long sqe, long slba, int blockCount, boolean fua) {
        setSlba(sqe, slba);
        Memory.putLong(sqe + CDW12, Bits.with(Bits.with(0L, 15, 0, blockCount - 1), 30, fua));
    }

    /** Sets NLB from a number of blocks, 1 to 65536; the other bits of CDW12 keep their values. */
    public static void setBlockCount(long sqe, int blockCount) {
        Memory.putInt(sqe + CDW12, Bits.with(cdw12(sqe), 15, 0, blockCount - 1));
    }

    public static void setDeallocate(long sqe, boolean deallocate) {
        Memory.putInt(sqe + CDW12, Bits.with(cdw12(sqe), 25, deallocate));
    }

    public static void setForceUnitAccess(long sqe, boolean fua) {
        Memory.putInt(sqe + CDW12, Bits.with(cdw12(sqe), 30, fua));
    }

    public static void setLimitedRetry(long sqe, boolean limitedRetry) {
        Memory.putInt(sqe + CDW12, Bits.with(cdw12(sqe), 31, limitedRetry));
    }

    // ---- Dataset Management (6.7)

    /** NR decoded, CDW10 bits 7:0 plus one: the number of {@link DsmRange}s, 1 to 256. */
    public static int dsmRangeCount(long sqe) {
        return Bits.get(cdw10(sqe), 7, 0) + 1;
    }

    /** Whether a Dataset Management command asks for deallocation, CDW11 bit 2 (AD). */
    public static boolean dsmDeallocate(long sqe) {
        return Bits.isSet(cdw11(sqe), 2);
    }

    /** Sets a Dataset Management command's CDW10 and CDW11. */
    public static void setDsm(long sqe, int rangeCount, int attributes) {
        Memory.putInt(sqe + CDW10, Bits.with(0, 7, 0, rangeCount - 1));
        Memory.putInt(sqe + CDW11, attributes);
    }

    // ---- Copy (NVM Command Set 1.0, 3.2.2); its SDLBA is where others have their SLBA, and so is FUA

    /** NR decoded, CDW12 bits 7:0 plus one: the number of {@link CopyRange}s, 1 to 256. */
    public static int copyRangeCount(long sqe) {
        return Bits.get(cdw12(sqe), 7, 0) + 1;
    }

    /** Descriptor format of the source ranges, CDW12 bits 11:8. */
    public static int copyFormat(long sqe) {
        return Bits.get(cdw12(sqe), 11, 8);
    }

    /** Sets a Copy's destination, ranges and FUA; the rest of CDW12 and CDW13 becomes zero. */
    public static void setCopy(long sqe, long sdlba, int rangeCount, boolean fua) {
        setSlba(sqe, sdlba);
        Memory.putLong(sqe + CDW12, Bits.with(Bits.with(0L, 7, 0, rangeCount - 1), 30, fua));
    }
}

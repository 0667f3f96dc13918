package io.sluice.nvme;

import io.sluice.mem.Bits;

/**
 * The command-specific dwords of admin commands: NVMe 1.4, section 5. Like {@link Sqe}, every method takes the address of
 * a private copy of the entry. Setters leave the dwords alone that they do not name, so start from a cleared entry.
 */
public final class AdminSqe {
    /** QPRIO, Create I/O Submission Queue CDW11 bits 2:1: urgent. */
    public static final int QPRIO_URGENT = 0;
    /** QPRIO: high. */
    public static final int QPRIO_HIGH = 1;
    /** QPRIO: medium. */
    public static final int QPRIO_MEDIUM = 2;
    /** QPRIO: low. */
    public static final int QPRIO_LOW = 3;

    private AdminSqe() {}

    // ---- Create and Delete I/O Queue (5.3 to 5.6)

    /** QID, CDW10 bits 15:0, of Create and Delete I/O Submission and Completion Queue. */
    public static int qid(long sqe) {
        return Bits.get(Sqe.cdw10(sqe), 15, 0);
    }

    /** QSIZE decoded, CDW10 bits 31:16 plus one: entries of the queue, 1 to 65536 (1 is illegal). */
    public static int queueEntries(long sqe) {
        return Bits.get(Sqe.cdw10(sqe), 31, 16) + 1;
    }

    /** PC, CDW11 bit 0: the queue is physically contiguous and PRP1 is its address, not a list's. */
    public static boolean physicallyContiguous(long sqe) {
        return Bits.isSet(Sqe.cdw11(sqe), 0);
    }

    /** QPRIO, CDW11 bits 2:1 of Create I/O Submission Queue. */
    public static int queuePriority(long sqe) {
        return Bits.get(Sqe.cdw11(sqe), 2, 1);
    }

    /** CQID, CDW11 bits 31:16 of Create I/O Submission Queue. */
    public static int cqid(long sqe) {
        return Bits.get(Sqe.cdw11(sqe), 31, 16);
    }

    /** IEN, CDW11 bit 1 of Create I/O Completion Queue: interrupts are enabled. */
    public static boolean interruptsEnabled(long sqe) {
        return Bits.isSet(Sqe.cdw11(sqe), 1);
    }

    /** IV, CDW11 bits 31:16 of Create I/O Completion Queue. */
    public static int interruptVector(long sqe) {
        return Bits.get(Sqe.cdw11(sqe), 31, 16);
    }

    /** Sets the dwords of a Create I/O Completion Queue command for a contiguous queue. */
    public static void setCreateCq(
            long sqe, int qid, int entries, long base, boolean interruptsEnabled, int interruptVector) {
        Sqe.setPrp1(sqe, base);
        Sqe.setCdw10(sqe, queueSize(qid, entries));
        int cdw11 = Bits.with(0, 0, true);
        cdw11 = Bits.with(cdw11, 1, interruptsEnabled);
        Sqe.setCdw11(sqe, Bits.with(cdw11, 31, 16, interruptVector));
    }

    /** Sets the dwords of a Create I/O Submission Queue command for a contiguous queue. */
    public static void setCreateSq(long sqe, int qid, int entries, long base, int cqid, int priority) {
        Sqe.setPrp1(sqe, base);
        Sqe.setCdw10(sqe, queueSize(qid, entries));
        int cdw11 = Bits.with(0, 0, true);
        cdw11 = Bits.with(cdw11, 2, 1, priority);
        Sqe.setCdw11(sqe, Bits.with(cdw11, 31, 16, cqid));
    }

    /** Sets the dwords of a Delete I/O Submission or Completion Queue command. */
    public static void setDeleteQueue(long sqe, int qid) {
        Sqe.setCdw10(sqe, Bits.with(0, 15, 0, qid));
    }

    private static int queueSize(int qid, int entries) {
        return Bits.with(Bits.with(0, 15, 0, qid), 31, 16, entries - 1);
    }

    // ---- Identify (5.15)

    /** CNS, CDW10 bits 7:0; see {@link Cns}. */
    public static int cns(long sqe) {
        return Bits.get(Sqe.cdw10(sqe), 7, 0);
    }

    /** CNTID, CDW10 bits 31:16: controller identifier. */
    public static int cntid(long sqe) {
        return Bits.get(Sqe.cdw10(sqe), 31, 16);
    }

    /** CSI, CDW11 bits 31:24: command set identifier, NVMe 2.0; 0 is the NVM command set. */
    public static int csi(long sqe) {
        return Bits.get(Sqe.cdw11(sqe), 31, 24);
    }

    /** Sets the dwords of an Identify command; the data is 4096 bytes. */
    public static void setIdentify(long sqe, int cns, int nsid) {
        Sqe.setNsid(sqe, nsid);
        Sqe.setCdw10(sqe, Bits.with(0, 7, 0, cns));
    }

    // ---- Get Log Page (5.14)

    /** LID, CDW10 bits 7:0; see {@link LogPage}. */
    public static int logPageId(long sqe) {
        return Bits.get(Sqe.cdw10(sqe), 7, 0);
    }

    /** LSP, CDW10 bits 11:8: log specific field. */
    public static int logSpecific(long sqe) {
        return Bits.get(Sqe.cdw10(sqe), 11, 8);
    }

    /** RAE, CDW10 bit 15: the event that announced the page stays outstanding. */
    public static boolean retainAsyncEvent(long sqe) {
        return Bits.isSet(Sqe.cdw10(sqe), 15);
    }

    /** NUMD decoded, CDW11 bits 15:0 and CDW10 bits 31:16 plus one dword: bytes to return, 4 to 2^34. */
    public static long logBytes(long sqe) {
        long numd0 = Bits.with((long) Bits.get(Sqe.cdw10(sqe), 31, 16), 31, 16, Bits.get(Sqe.cdw11(sqe), 15, 0));
        return (numd0 + 1) * Integer.BYTES;
    }

    /** LPO, CDW12 and CDW13: offset into the page in bytes, unsigned; must be a multiple of 4. */
    public static long logOffset(long sqe) {
        return Bits.with(Integer.toUnsignedLong(Sqe.cdw12(sqe)), 63, 32, Integer.toUnsignedLong(Sqe.cdw13(sqe)));
    }

    /** Sets the dwords of a Get Log Page command. */
    public static void setGetLogPage(
            long sqe, int nsid, int logPageId, long offset, int bytes, boolean retainAsyncEvent) {
        int numd0 = bytes / Integer.BYTES - 1;
        int cdw10 = Bits.with(0, 7, 0, logPageId);
        cdw10 = Bits.with(cdw10, 15, retainAsyncEvent);
        Sqe.setNsid(sqe, nsid);
        Sqe.setCdw10(sqe, Bits.with(cdw10, 31, 16, Bits.get(numd0, 15, 0)));
        Sqe.setCdw11(sqe, Bits.get(numd0, 31, 16));
        Sqe.setCdw12(sqe, (int) Bits.get(offset, 31, 0));
        Sqe.setCdw13(sqe, (int) Bits.get(offset, 63, 32));
    }

    // ---- Set and Get Features (5.13 and 5.21)

    /** FID, CDW10 bits 7:0; see {@link Feature}. */
    public static int featureId(long sqe) {
        return Bits.get(Sqe.cdw10(sqe), 7, 0);
    }

    /** SEL, CDW10 bits 10:8 of Get Features; see {@link Feature#SELECT_CURRENT} and its neighbours. */
    public static int featureSelect(long sqe) {
        return Bits.get(Sqe.cdw10(sqe), 10, 8);
    }

    /** SV, CDW10 bit 31 of Set Features: the value is to survive power cycles and resets. */
    public static boolean featureSave(long sqe) {
        return Bits.isSet(Sqe.cdw10(sqe), 31);
    }

    /** Sets the dwords of a Set Features command. */
    public static void setSetFeatures(long sqe, int nsid, int featureId, int value, boolean save) {
        Sqe.setNsid(sqe, nsid);
        Sqe.setCdw10(sqe, Bits.with(Bits.with(0, 7, 0, featureId), 31, save));
        Sqe.setCdw11(sqe, value);
    }

    /** Sets the dwords of a Get Features command. */
    public static void setGetFeatures(long sqe, int nsid, int featureId, int select) {
        Sqe.setNsid(sqe, nsid);
        Sqe.setCdw10(sqe, Bits.with(Bits.with(0, 7, 0, featureId), 10, 8, select));
    }

    // ---- Abort (5.1)

    /** SQID, CDW10 bits 15:0 of Abort: the queue of the command to abort. */
    public static int abortSqid(long sqe) {
        return Bits.get(Sqe.cdw10(sqe), 15, 0);
    }

    /** CID, CDW10 bits 31:16 of Abort: the command to abort. */
    public static int abortCid(long sqe) {
        return Bits.get(Sqe.cdw10(sqe), 31, 16);
    }

    /** Sets the dwords of an Abort command. */
    public static void setAbort(long sqe, int sqid, int cid) {
        Sqe.setCdw10(sqe, Bits.with(Bits.with(0, 15, 0, sqid), 31, 16, cid));
    }

    /** DW0 of an Abort's completion: whether the command was aborted; bit 0 says that it was not. */
    public static boolean aborted(int dw0) {
        return !Bits.isSet(dw0, 0);
    }

    // ---- Format NVM (5.23)

    /** LBAF, CDW10 bits 3:0: the LBA format to apply. */
    public static int formatLbaFormat(long sqe) {
        return Bits.get(Sqe.cdw10(sqe), 3, 0);
    }

    /** MSET, CDW10 bit 4: metadata is part of an extended block. */
    public static boolean formatMetadataExtended(long sqe) {
        return Bits.isSet(Sqe.cdw10(sqe), 4);
    }

    /** PI, CDW10 bits 7:5: protection information type, 0 for none. */
    public static int formatProtection(long sqe) {
        return Bits.get(Sqe.cdw10(sqe), 7, 5);
    }

    /** SES, CDW10 bits 11:9: secure erase setting: 0 none, 1 user data, 2 cryptographic. */
    public static int formatSecureErase(long sqe) {
        return Bits.get(Sqe.cdw10(sqe), 11, 9);
    }
}

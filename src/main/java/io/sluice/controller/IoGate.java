package io.sluice.controller;

import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.CopyLimits;
import io.sluice.nvme.CopyRange;
import io.sluice.nvme.DsmRange;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Pieces;
import io.sluice.nvme.PrpWalker;
import io.sluice.nvme.SglWalker;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;

/**
 * Checks each I/O command against what the controller offers, and resolves its data pointer: what passes here touches only
 * blocks of its namespace and memory of its guest. NVMe 1.4, 6. Allocates nothing.
 */
final class IoGate {
    /** What {@link #admit} returns for the first of two fused commands, which are to be looked at together. */
    static final int FUSED = -4;

    private static final int INVALID_OPCODE = Status.INVALID_OPCODE.dnr();
    private static final int INVALID_FIELD = Status.INVALID_FIELD.dnr();
    private static final int INVALID_NAMESPACE = Status.INVALID_NAMESPACE_OR_FORMAT.dnr();
    private static final int LBA_OUT_OF_RANGE = Status.LBA_OUT_OF_RANGE.dnr();
    private static final int WRITE_PROTECTED = Status.NAMESPACE_WRITE_PROTECTED.dnr();
    private static final int TOO_LONG = Status.COMMAND_SIZE_LIMIT_EXCEEDED.dnr();
    private static final int MISSING_FUSED = Status.ABORTED_MISSING_FUSED.dnr();

    private final IoPath path;
    private final int maxTransferBytes;
    private NamespaceTable namespaces;

    /** By opcode, of which there are less than 64, a bit: what the controller offers. */
    private final long offered;

    private final boolean offersFused;

    private final int sglAlignmentBytes;
    private final long discardPage;
    private Translator hostView;
    private PrpWalker data;
    private PrpWalker ranges;
    private SglWalker sglData;
    private SglWalker sglRanges;
    private boolean writeThrough;

    /** Those that are not in use, for commands whose memory the guest does not share. */
    private PrpWalker otherData;

    private PrpWalker otherRanges;
    private SglWalker otherSglData;
    private SglWalker otherSglRanges;

    /**
     * A gate that is not enabled yet.
     *
     * @param maxTransferBytes as Identify Controller's MDTS says
     */
    IoGate(IoPath path, int maxTransferBytes) {
        this.path = path;
        this.offered = offered(path);
        this.offersFused = path.offersFused();
        this.sglAlignmentBytes = path.sglAlignmentBytes();
        this.discardPage = path.discardPage(DiscardPage.address());
        this.maxTransferBytes = maxTransferBytes;
        this.namespaces = NamespaceTable.of(path);
    }

    private static long offered(IoPath path) {
        long bits = 1L << NvmOpcode.READ | 1L << NvmOpcode.WRITE | 1L << NvmOpcode.FLUSH;
        for (int opcode = 0; opcode < Long.SIZE; opcode++) {
            bits |= path.offers(opcode) ? 1L << opcode : 0;
        }
        return bits;
    }

    /** The most pieces of memory that one command's data can have. */
    static int maxPieces(IoPath path, int maxTransferBytes) {
        return path.sglAlignmentBytes() == 0
                ? Pieces.capacityFor(maxTransferBytes)
                : SglWalker.capacityFor(maxTransferBytes);
    }

    /**
     * As after a reset of the controller.
     *
     * @param newHostView where this process finds lists and ranges
     * @param dataView where the path finds data
     * @param memoryPageBytes CC.MPS
     */
    void enable(Translator newHostView, Translator dataView, int memoryPageBytes) {
        hostView = newHostView;
        data = new PrpWalker(newHostView, dataView, memoryPageBytes, maxTransferBytes);
        ranges = new PrpWalker(newHostView, newHostView, memoryPageBytes, maxTransferBytes);
        if (sglAlignmentBytes > 0) {
            sglData = new SglWalker(newHostView, dataView, maxTransferBytes, sglAlignmentBytes, discardPage);
            sglRanges = new SglWalker(newHostView, newHostView, maxTransferBytes, sglAlignmentBytes, discardPage);
        }
        writeThrough = false;
    }

    /** The same, for {@link #admitStaged}. After {@link #enable}. */
    void enableStaged(Translator lists, Translator dataView, int memoryPageBytes) {
        otherData = new PrpWalker(lists, dataView, memoryPageBytes, maxTransferBytes);
        otherRanges = new PrpWalker(lists, lists, memoryPageBytes, maxTransferBytes);
        if (sglAlignmentBytes > 0) {
            otherSglData = new SglWalker(lists, dataView, maxTransferBytes, sglAlignmentBytes, discardPage);
            otherSglRanges = new SglWalker(lists, lists, maxTransferBytes, sglAlignmentBytes, discardPage);
        }
    }

    /** As {@link #admit}, or {@link #admitFused}, with the translators of {@link #enableStaged}. */
    int admitStaged(IoCommand command, boolean fused) {
        exchangeWalkers();
        try {
            return fused ? admitFused(command) : admit(command);
        } finally {
            exchangeWalkers();
        }
    }

    private void exchangeWalkers() {
        PrpWalker someData = data;
        PrpWalker someRanges = ranges;
        SglWalker someSglData = sglData;
        SglWalker someSglRanges = sglRanges;
        data = otherData;
        ranges = otherRanges;
        sglData = otherSglData;
        sglRanges = otherSglRanges;
        otherData = someData;
        otherRanges = someRanges;
        otherSglData = someSglData;
        otherSglRanges = someSglRanges;
    }

    /** The namespaces of the path have changed. */
    void renewNamespaces() {
        namespaces = NamespaceTable.of(path);
    }

    /** One namespace has no more than some blocks for commands that come from now on; with 0 it is not there. */
    void limitNamespace(int nsid, long blockCount) {
        namespaces = namespaces.limited(nsid, blockCount);
    }

    /** Whether each write must be on non-volatile media when it completes: the guest has switched its write cache off. */
    void setWriteThrough(boolean through) {
        writeThrough = through;
    }

    /**
     * Decodes and checks a command whose entry has been copied to its slot.
     *
     * @return {@link Status#OK}, or the status that it ends with, or {@link IoPath#BUSY} if its data is the guest's but the
     *     path cannot reach it yet ({@link IoPath#whenUnreachable}), or {@link #FUSED}
     */
    int admit(IoCommand command) {
        long sqe = Memory.hint(command.sqeAddress());
        int cdw0 = Sqe.cdw0(sqe);
        int nsid = Sqe.nsid(sqe);
        int opcode = Sqe.opcodeOf(cdw0);
        int psdt = Sqe.psdtOf(cdw0);
        command.decode(opcode, nsid);
        if (!isOffered(opcode)) {
            return INVALID_OPCODE; // first: what an unknown command's fields mean is unknown too
        }
        if (Sqe.fuseOf(cdw0) != Sqe.FUSE_NONE || !isOfferedPsdt(psdt)) {
            return admitUnusual(Sqe.fuseOf(cdw0), psdt);
        }
        return admitPlain(command, sqe, psdt);
    }

    /** Whatever FUSE says: for commands whose companion has been found. As {@link #admit}. */
    int admitFused(IoCommand command) {
        long sqe = Memory.hint(command.sqeAddress());
        int psdt = Sqe.psdt(sqe);
        command.decode(Sqe.opcode(sqe), Sqe.nsid(sqe));
        return isOfferedPsdt(psdt) ? admitPlain(command, sqe, psdt) : INVALID_FIELD;
    }

    private int admitUnusual(int fuse, int psdt) {
        if (!offersFused || !isOfferedPsdt(psdt)) {
            return INVALID_FIELD;
        }
        return switch (fuse) {
            case Sqe.FUSE_FIRST -> FUSED;
            case Sqe.FUSE_SECOND -> MISSING_FUSED; // what came before it was not the first
            default -> INVALID_FIELD;
        };
    }

    private int admitPlain(IoCommand command, long sqe, int psdt) {
        return switch (command.opcode()) {
            case NvmOpcode.READ, NvmOpcode.WRITE, NvmOpcode.COMPARE -> admitTransfer(command, sqe, psdt);
            case NvmOpcode.FLUSH -> admitFlush(command.nsid());
            case NvmOpcode.WRITE_ZEROES, NvmOpcode.WRITE_UNCORRECTABLE, NvmOpcode.VERIFY -> admitRange(command, sqe);
            case NvmOpcode.DATASET_MANAGEMENT -> admitDatasetManagement(command, sqe);
            case NvmOpcode.COPY -> admitCopy(command, sqe);
            default -> INVALID_OPCODE;
        };
    }

    /** How MPTR is to be read makes no difference: no namespace has metadata. */
    private boolean isOfferedPsdt(int psdt) {
        return psdt == Sqe.PSDT_PRP || (sglAlignmentBytes > 0 && psdt != Sqe.PSDT_RESERVED);
    }

    private boolean isOffered(int opcode) {
        return opcode < Long.SIZE && (offered >>> opcode & 1) != 0;
    }

    private int admitTransfer(IoCommand command, long sqe, int psdt) {
        boolean write = command.opcode() == NvmOpcode.WRITE;
        int nsid = command.nsid();
        if (!namespaces.isActive(nsid)) {
            return absent(nsid);
        }
        int cdw12 = Sqe.cdw12(sqe);
        int status = admitBlocks(command, Sqe.slba(sqe), Sqe.blockCountOf(cdw12), nsid);
        if (status != Status.OK) {
            return status;
        }
        if (command.byteCount() > maxTransferBytes) {
            return INVALID_FIELD;
        }
        if (write && (namespaces.isReadOnly(nsid) || Sqe.directiveTypeOf(cdw12) != 0)) {
            return namespaces.isReadOnly(nsid) ? WRITE_PROTECTED : INVALID_FIELD;
        }
        command.setForceUnitAccess(Sqe.forceUnitAccessOf(cdw12) || (write && writeThrough));
        command.setInGuestMemory();
        int access = command.opcode() == NvmOpcode.READ ? Translator.WRITE : Translator.READ;
        return psdt == Sqe.PSDT_PRP ? walkPrps(command, sqe, access) : walkSgl(command, sqe, access);
    }

    private int walkPrps(IoCommand command, long sqe, int access) {
        int bytes = (int) command.byteCount();
        int status = data.walk(Sqe.prp1(sqe), Sqe.prp2(sqe), bytes, access, command.pieces());
        return status == Status.OK || data.fault() == 0 || data.isFaultInList()
                ? status
                : unreachable(status, data.faultGpa(), data.faultBytes(), access);
    }

    private int walkSgl(IoCommand command, long sqe, int access) {
        int bytes = (int) command.byteCount();
        int status = sglData.walk(Sqe.prp1(sqe), Sqe.prp2(sqe), bytes, access, command.pieces());
        return status == Status.OK || sglData.fault() == 0 || sglData.isFaultInList()
                ? status
                : unreachable(status, sglData.faultGpa(), sglData.faultBytes(), access);
    }

    /** What this process reaches already the path will reach soon: memory is pinned for a device while the guest goes on. */
    private int unreachable(int status, long faultGpa, int faultBytes, int access) {
        long end = faultGpa + faultBytes;
        for (long gpa = faultGpa; gpa != end; ) {
            int bytes = (int) Math.min(end - gpa, Memory.PAGE_BYTES - (gpa & (Memory.PAGE_BYTES - 1)));
            if (hostView.translate(gpa, bytes, access) <= 0) {
                return status;
            }
            gpa += bytes;
        }
        return path.whenUnreachable();
    }

    private int admitFlush(int nsid) {
        return nsid == Sqe.NSID_ALL || namespaces.isActive(nsid) ? Status.OK : absent(nsid);
    }

    /** Blocks, and no data. */
    private int admitRange(IoCommand command, long sqe) {
        int nsid = command.nsid();
        if (!namespaces.isActive(nsid)) {
            return absent(nsid);
        }
        int status = admitBlocks(command, Sqe.slba(sqe), Sqe.blockCount(sqe), nsid);
        boolean verify = command.opcode() == NvmOpcode.VERIFY;
        if (status == Status.OK && !verify && namespaces.isReadOnly(nsid)) {
            return WRITE_PROTECTED;
        }
        command.setDeallocate(command.opcode() == NvmOpcode.WRITE_ZEROES && Sqe.deallocate(sqe));
        command.setForceUnitAccess(Sqe.forceUnitAccess(sqe) || (!verify && writeThrough));
        return status;
    }

    /** SLBA and NLB inside the namespace, whatever 64-bit values they are. */
    private int admitBlocks(IoCommand command, long slba, int blockCount, int nsid) {
        command.setBlocks(slba, blockCount, (long) blockCount << namespaces.blockShift(nsid));
        return inside(slba, blockCount, nsid) ? Status.OK : LBA_OUT_OF_RANGE;
    }

    /** No sum is formed, so none can wrap; a namespace has fewer than 2^63 blocks, so a negative start is outside. */
    private boolean inside(long slba, long blocks, int nsid) {
        return slba >= 0 && slba <= namespaces.blockCount(nsid) - blocks;
    }

    private int admitDatasetManagement(IoCommand command, long sqe) {
        int nsid = command.nsid();
        if (!namespaces.isActive(nsid)) {
            return absent(nsid);
        }
        int rangeCount = Sqe.dsmRangeCount(sqe);
        int bytes = rangeCount * DsmRange.BYTES;
        command.setRangeCount(rangeCount);
        command.setDeallocate(Sqe.dsmDeallocate(sqe));
        int status = fetchRanges(command, sqe, bytes);
        if (status != Status.OK) {
            return status;
        }
        if (command.deallocate() && namespaces.isReadOnly(nsid)) {
            return WRITE_PROTECTED;
        }
        return rangesInside(command, nsid) ? Status.OK : LBA_OUT_OF_RANGE;
    }

    private int fetchRanges(IoCommand command, long sqe, int bytes) {
        int status = Sqe.psdt(sqe) == Sqe.PSDT_PRP
                ? ranges.walk(Sqe.prp1(sqe), Sqe.prp2(sqe), bytes, Translator.READ, command.pieces())
                : sglRanges.walk(Sqe.prp1(sqe), Sqe.prp2(sqe), bytes, Translator.READ, command.pieces());
        if (status == Status.OK) {
            command.pieces().gather(command.rangesAddress(), bytes); // once: the guest can change its own
        }
        return status;
    }

    /** NVM Command Set 1.0, 3.2.2: the limits before the blocks, the sources before the destination. */
    private int admitCopy(IoCommand command, long sqe) {
        int nsid = command.nsid();
        if (!namespaces.isActive(nsid)) {
            return absent(nsid);
        }
        int rangeCount = Sqe.copyRangeCount(sqe);
        if (Sqe.copyFormat(sqe) != CopyRange.FORMAT || Sqe.directiveType(sqe) != 0) {
            return INVALID_FIELD;
        }
        if (rangeCount > namespaces.copyLimits(nsid).ranges()) {
            return TOO_LONG;
        }
        int status = fetchRanges(command, sqe, rangeCount * CopyRange.BYTES);
        if (status != Status.OK) {
            return status;
        }
        command.setRangeCount(rangeCount);
        command.setForceUnitAccess(Sqe.forceUnitAccess(sqe) || writeThrough);
        status = admitSources(command, nsid);
        if (status == Status.OK && namespaces.isReadOnly(nsid)) {
            return WRITE_PROTECTED;
        }
        return status;
    }

    private int admitSources(IoCommand command, int nsid) {
        CopyLimits limits = namespaces.copyLimits(nsid);
        long blocks = 0;
        boolean inside = true;
        for (int i = 0; i < command.rangeCount(); i++) {
            long range = command.rangesAddress() + (long) i * CopyRange.BYTES;
            int blockCount = CopyRange.blockCount(range);
            if (blockCount > limits.rangeBlocks()) {
                return TOO_LONG;
            }
            inside &= inside(CopyRange.slba(range), blockCount, nsid);
            blocks += blockCount;
        }
        if (blocks > limits.blocks()) {
            return TOO_LONG;
        }
        return inside ? admitBlocks(command, Sqe.slba(command.sqeAddress()), (int) blocks, nsid) : LBA_OUT_OF_RANGE;
    }

    /** All are checked before any is touched. What is to be deallocated is summed up: less than 2^52 bytes. */
    private boolean rangesInside(IoCommand command, int nsid) {
        long blocks = 0;
        for (int i = 0; i < command.rangeCount(); i++) {
            long range = command.rangesAddress() + (long) i * DsmRange.BYTES;
            if (!inside(DsmRange.slba(range), DsmRange.blockCount(range), nsid)) {
                return false;
            }
            blocks += DsmRange.blockCount(range);
        }
        command.setByteCount(command.deallocate() ? blocks << namespaces.blockShift(nsid) : 0);
        return true;
    }

    /** NVMe 1.4, 6.1.5: an identifier that a namespace could have, but none has, is a bad field. */
    private int absent(int nsid) {
        return namespaces.isValid(nsid) ? INVALID_FIELD : INVALID_NAMESPACE;
    }
}

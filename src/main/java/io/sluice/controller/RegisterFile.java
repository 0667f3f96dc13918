package io.sluice.controller;

import io.sluice.device.AccessRefused;
import io.sluice.mem.Bits;
import io.sluice.nvme.Aqa;
import io.sluice.nvme.Cap;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Vs;
import io.sluice.state.SnapshotReader;
import io.sluice.state.SnapshotWriter;

/**
 * The registers' values: NVMe 1.4, 3.1. Read by any thread, written by the controller's agent only.
 *
 * <p>A register is read and written whole, and one of 8 bytes by its 4-byte halves too; two registers that are neighbours
 * may be read by one 8-byte access. Everything else is refused: NVMe 1.4, 3.1 leaves it undefined. Reserved space, and
 * registers of what is not offered (NSSR, CMB, boot partitions, PMR), read 0 and take no writes.
 */
final class RegisterFile {
    /** What the values of registers stand for, told after they have been stored. */
    interface Effects {
        /** CC was written; the new value is in {@link #cc}. */
        void configured(int oldCc);

        /** Whether INTMS and INTMC are out of use: NVMe 1.4, 3.1.3, "shall not be accessed … when configured for MSI-X". */
        boolean usesMsix();

        /** The mask of vectors has changed. */
        void interruptMaskChanged();
    }

    /** 64 KiB: what Linux may have as a page on other machines, and as large as is ever asked for. */
    static final int MPS_MAX = 4;
    /** Becoming ready takes less than a step; leaving takes as long as what is in flight. Linux waits for this long. */
    private static final int READY_TIMEOUT_MILLIS = 20_000;

    private final long cap;
    private volatile int cc;
    private int csts;

    /** What the guest sees of it: what another process would know, too. */
    private volatile int publicCsts;

    private volatile int aqa;
    private volatile long asq;
    private volatile long acq;
    private volatile int interruptMask;

    RegisterFile(int maxQueueEntries) {
        long value = Cap.withMaxQueueEntries(0, maxQueueEntries);
        value = Cap.withContiguousQueuesRequired(value, true);
        value = Cap.withTimeoutMillis(value, READY_TIMEOUT_MILLIS);
        value = Cap.withCss(value, Cap.CSS_NVM);
        cap = Cap.withMpsMax(value, MPS_MAX);
    }

    long cap() {
        return cap;
    }

    int cc() {
        return cc;
    }

    /** For the agent. */
    int csts() {
        return csts;
    }

    int aqa() {
        return aqa;
    }

    long asq() {
        return asq;
    }

    long acq() {
        return acq;
    }

    /** The vectors that INTMS masks, one bit each. */
    int interruptMask() {
        return interruptMask;
    }

    /** For the agent; seen by others from {@link #publish} on. */
    void setCsts(int newCsts) {
        csts = newCsts;
    }

    /** Shows CSTS to the guest. */
    void publish() {
        publicCsts = csts;
    }

    void save(SnapshotWriter out) {
        out.put(cc);
        out.put(csts);
        out.put(aqa);
        out.put(asq);
        out.put(acq);
        out.put(interruptMask);
    }

    void resume(SnapshotReader in) {
        cc = in.getInt();
        csts = in.getInt();
        aqa = in.getInt();
        asq = in.getLong();
        acq = in.getLong();
        interruptMask = in.getInt();
        publish();
    }

    /** A controller reset by CC.EN: all but the admin queue's registers and CC itself, NVMe 1.4, 3.1.5, EN. */
    void resetController() {
        csts = 0;
        interruptMask = 0;
    }

    /** Every other reset. */
    void resetAll() {
        resetController();
        cc = 0;
        aqa = 0;
        asq = 0;
        acq = 0;
    }

    /**
     * Reads.
     *
     * @param offset in BAR0, below the doorbells
     * @param bytes 4 or 8; see {@link #checkAligned}
     */
    long read(long offset, int bytes) {
        long low = Integer.toUnsignedLong(word(offset));
        return bytes == Integer.BYTES
                ? low
                : Bits.with(low, 63, 32, Integer.toUnsignedLong(word(offset + Integer.BYTES)));
    }

    private int word(long offset) {
        Registers register = Registers.at(offset);
        if (register == null) {
            return 0;
        }
        long value = value(register);
        return (int) (offset == register.offset() ? Bits.get(value, 31, 0) : Bits.get(value, 63, 32));
    }

    private long value(Registers register) {
        return switch (register) {
            case CAP -> cap;
            case VS -> Vs.NVME_1_4;
            case INTMS, INTMC -> Integer.toUnsignedLong(interruptMask);
            case CC -> Integer.toUnsignedLong(cc);
            case CSTS -> Integer.toUnsignedLong(publicCsts);
            case AQA -> Integer.toUnsignedLong(aqa);
            case ASQ -> asq;
            case ACQ -> acq;
            default -> 0; // what is not offered
        };
    }

    /** Writes what {@link #checkWrite} has passed. On the agent. */
    void write(long offset, int bytes, long value, Effects effects) {
        Registers register = Registers.at(offset);
        writeWord(register, offset, (int) Bits.get(value, 31, 0), effects);
        if (bytes == Long.BYTES) {
            writeWord(register, offset + Integer.BYTES, (int) Bits.get(value, 63, 32), effects);
        }
    }

    private void writeWord(Registers register, long offset, int value, Effects effects) {
        if (register == null) {
            return;
        }
        switch (register) {
            case CC -> writeCc(value, effects);
            case INTMS -> writeMask(interruptMask | value, effects);
            case INTMC -> writeMask(interruptMask & ~value, effects);
            case AQA, ASQ, ACQ -> writeAdminQueue(register, offset, value);
            default -> {
                // read-only, or not offered
            }
        }
    }

    /** NVMe 1.4, 3.1.5: the fields that only a disabled controller takes keep their values while it is enabled. */
    private void writeCc(int value, Effects effects) {
        int old = cc;
        boolean staysEnabled = Cc.enabled(old) && Cc.enabled(value);
        int kept = staysEnabled ? old : value;
        int written = Cc.withEnabled(0, Cc.enabled(value));
        written = Cc.withCss(written, Cc.css(kept));
        written = Cc.withMps(written, Cc.mps(kept));
        written = Cc.withAms(written, Cc.ams(kept));
        written = Cc.withShn(written, Cc.shn(value));
        written = Cc.withIosqes(written, Cc.iosqes(value));
        cc = Cc.withIocqes(written, Cc.iocqes(value));
        effects.configured(old);
    }

    private void writeMask(int newMask, Effects effects) {
        if (!effects.usesMsix()) {
            interruptMask = newMask;
            effects.interruptMaskChanged();
        }
    }

    /** NVMe 1.4, 3.1.8 to 3.1.10: not to be modified while CC.EN is 1. */
    private void writeAdminQueue(Registers register, long offset, int value) {
        if (Cc.enabled(cc)) {
            return;
        }
        switch (register) {
            case AQA -> aqa = Aqa.of(Aqa.sqEntries(value), Aqa.cqEntries(value));
            case ASQ -> asq = base(asq, offset == register.offset(), value);
            default -> acq = base(acq, offset == register.offset(), value);
        }
    }

    private static long base(long old, boolean lowHalf, int value) {
        long half = Integer.toUnsignedLong(value);
        long written = lowHalf ? Bits.with(old, 31, 0, half) : Bits.with(old, 63, 32, half);
        return written & Registers.QUEUE_BASE_MASK;
    }

    /** Whether a write would be taken: as {@link #write}, and doorbells by 4 bytes only. From any thread. */
    static void checkWrite(long offset, int bytes) throws AccessRefused {
        checkAligned("write", offset, bytes);
        Registers register = Registers.at(offset);
        if (bytes == Long.BYTES && register != null && register.bytes() != Long.BYTES) {
            throw refused("write", offset, bytes, register + " has 4 bytes");
        }
        if (bytes == Long.BYTES && DoorbellPage.contains(offset)) {
            throw refused("write", offset, bytes, "a doorbell has 4 bytes");
        }
    }

    static void checkAligned(String what, long offset, int bytes) throws AccessRefused {
        boolean width = bytes == Integer.BYTES || bytes == Long.BYTES;
        if (!width || offset % bytes != 0) {
            throw refused(what, offset, bytes, "registers are accessed by aligned 4 or 8 bytes");
        }
    }

    private static AccessRefused refused(String what, long offset, int bytes, String why) {
        return new AccessRefused(
                what + " of " + bytes + " bytes at 0x" + Long.toHexString(offset) + " of BAR0: " + why);
    }
}

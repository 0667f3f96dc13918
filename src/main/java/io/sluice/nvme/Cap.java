package io.sluice.nvme;

import io.sluice.mem.Bits;

/**
 * CAP, Controller Capabilities: NVMe 1.4, 3.1.1, offset 0h, 8 bytes, read-only. Getters decode a value of the register;
 * {@code with…} methods return a changed copy, so that a value is built by chaining from 0.
 *
 * <pre>
 *   63    58 57   56   55:52  51:48  47:46 45  44:37 36    35:32 31:24 23:19 18:17 16  15:0
 *   |  0   |CMBS|PMRS|MPSMAX|MPSMIN|  0  |BPS| CSS |NSSRS|DSTRD| TO  |  0  | AMS |CQR|MQES|
 * </pre>
 */
public final class Cap {
    /** CSS bit 0 (CAP bit 37): the NVM command set. */
    public static final int CSS_NVM = 1;
    /** CSS bit 6 (CAP bit 43): several I/O command sets, with what NVMe 2.0 says of each. */
    public static final int CSS_SEVERAL = 1 << 6;
    /** CSS bit 7 (CAP bit 44): no I/O command set, admin commands only. */
    public static final int CSS_NONE = 1 << 7;
    /** AMS bit 0 (CAP bit 17): weighted round robin with urgent priority class. */
    public static final int AMS_WEIGHTED_ROUND_ROBIN = 1;

    private static final int TIMEOUT_UNIT_MILLIS = 500;
    private static final int MPS_UNIT_BYTES = 4096;

    private Cap() {}

    /** MQES decoded, bits 15:0 plus one: the most entries of an I/O queue, 2 to 65536. */
    public static int maxQueueEntries(long cap) {
        return (int) Bits.get(cap, 15, 0) + 1;
    }

    /** CQR, bit 16: queues must be physically contiguous. */
    public static boolean contiguousQueuesRequired(long cap) {
        return Bits.isSet(cap, 16);
    }

    /** AMS, bits 18:17: arbitration mechanisms besides round robin. */
    public static int ams(long cap) {
        return (int) Bits.get(cap, 18, 17);
    }

    /** TO decoded, bits 31:24: the longest that CSTS.RDY takes to follow CC.EN, in milliseconds, 0 to 127500. */
    public static int timeoutMillis(long cap) {
        return (int) Bits.get(cap, 31, 24) * TIMEOUT_UNIT_MILLIS;
    }

    /** DSTRD, bits 35:32: doorbells are {@code 4 << DSTRD} bytes apart. */
    public static int dstrd(long cap) {
        return (int) Bits.get(cap, 35, 32);
    }

    /** NSSRS, bit 36: NVM subsystem reset is supported. */
    public static boolean subsystemResetSupported(long cap) {
        return Bits.isSet(cap, 36);
    }

    /** CSS, bits 44:37: command sets supported, one bit each. */
    public static int css(long cap) {
        return (int) Bits.get(cap, 44, 37);
    }

    /** BPS, bit 45: boot partitions are supported. */
    public static boolean bootPartitionsSupported(long cap) {
        return Bits.isSet(cap, 45);
    }

    /** MPSMIN, bits 51:48: as CC.MPS encodes it. */
    public static int mpsMin(long cap) {
        return (int) Bits.get(cap, 51, 48);
    }

    /** MPSMAX, bits 55:52: as CC.MPS encodes it. */
    public static int mpsMax(long cap) {
        return (int) Bits.get(cap, 55, 52);
    }

    /** The smallest memory page size, 4096 to 2^27 bytes. */
    public static int minPageBytes(long cap) {
        return MPS_UNIT_BYTES << mpsMin(cap);
    }

    /** The largest memory page size, 4096 to 2^27 bytes. */
    public static int maxPageBytes(long cap) {
        return MPS_UNIT_BYTES << mpsMax(cap);
    }

    /** PMRS, bit 56: a persistent memory region is supported. */
    public static boolean persistentMemoryRegionSupported(long cap) {
        return Bits.isSet(cap, 56);
    }

    /** CMBS, bit 57: a controller memory buffer is supported. */
    public static boolean controllerMemoryBufferSupported(long cap) {
        return Bits.isSet(cap, 57);
    }

    public static long withMaxQueueEntries(long cap, int entries) {
        return Bits.with(cap, 15, 0, entries - 1L);
    }

    public static long withContiguousQueuesRequired(long cap, boolean required) {
        return Bits.with(cap, 16, required);
    }

    public static long withAms(long cap, int ams) {
        return Bits.with(cap, 18, 17, ams);
    }

    /** Sets TO; the time is rounded up to whole units of 500 ms. */
    public static long withTimeoutMillis(long cap, int millis) {
        return Bits.with(cap, 31, 24, Math.ceilDiv(millis, TIMEOUT_UNIT_MILLIS));
    }

    public static long withDstrd(long cap, int dstrd) {
        return Bits.with(cap, 35, 32, dstrd);
    }

    public static long withSubsystemResetSupported(long cap, boolean supported) {
        return Bits.with(cap, 36, supported);
    }

    public static long withCss(long cap, int css) {
        return Bits.with(cap, 44, 37, css);
    }

    public static long withBootPartitionsSupported(long cap, boolean supported) {
        return Bits.with(cap, 45, supported);
    }

    public static long withMpsMin(long cap, int mpsMin) {
        return Bits.with(cap, 51, 48, mpsMin);
    }

    public static long withMpsMax(long cap, int mpsMax) {
        return Bits.with(cap, 55, 52, mpsMax);
    }

    public static long withPersistentMemoryRegionSupported(long cap, boolean supported) {
        return Bits.with(cap, 56, supported);
    }

    public static long withControllerMemoryBufferSupported(long cap, boolean supported) {
        return Bits.with(cap, 57, supported);
    }
}

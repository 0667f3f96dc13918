package io.sluice.nvme;

import io.sluice.mem.Bits;

/**
 * CC, Controller Configuration: NVMe 1.4, 3.1.5, offset 14h, 4 bytes, read-write.
 *
 * <pre>
 *   31:24 23:20  19:16  15:14 13:11 10:7 6:4  3:1  0
 *   |  0 |IOCQES|IOSQES| SHN | AMS |MPS |CSS | 0 |EN|
 * </pre>
 */
public final class Cc {
    /** SHN, bits 15:14: no shutdown notification. */
    public static final int SHN_NONE = 0;
    /** SHN: normal shutdown. */
    public static final int SHN_NORMAL = 1;
    /** SHN: abrupt shutdown. */
    public static final int SHN_ABRUPT = 2;

    /** CSS, bits 6:4: the NVM command set. */
    public static final int CSS_NVM = 0;
    /** CSS: admin commands only. */
    public static final int CSS_ADMIN_ONLY = 7;

    /** AMS, bits 13:11: round robin. */
    public static final int AMS_ROUND_ROBIN = 0;
    /** AMS: weighted round robin with urgent priority class. */
    public static final int AMS_WEIGHTED_ROUND_ROBIN = 1;

    /** IOSQES that a 64-byte {@link Sqe} needs: 2^6 bytes. */
    public static final int IOSQES = 6;
    /** IOCQES that a 16-byte {@link Cqe} needs: 2^4 bytes. */
    public static final int IOCQES = 4;

    private static final int MPS_UNIT_BYTES = 4096;

    private Cc() {}

    /** EN, bit 0. */
    public static boolean enabled(int cc) {
        return Bits.isSet(cc, 0);
    }

    /** CSS, bits 6:4: the selected command set. */
    public static int css(int cc) {
        return Bits.get(cc, 6, 4);
    }

    /** MPS, bits 10:7: the memory page size is 2^(12 + MPS) bytes. */
    public static int mps(int cc) {
        return Bits.get(cc, 10, 7);
    }

    /** The memory page size, 4096 to 2^27 bytes. */
    public static int pageBytes(int cc) {
        return MPS_UNIT_BYTES << mps(cc);
    }

    /** AMS, bits 13:11: the selected arbitration mechanism. */
    public static int ams(int cc) {
        return Bits.get(cc, 13, 11);
    }

    /** SHN, bits 15:14: shutdown notification. */
    public static int shn(int cc) {
        return Bits.get(cc, 15, 14);
    }

    /** IOSQES, bits 19:16: I/O submission queue entries are 2^IOSQES bytes. */
    public static int iosqes(int cc) {
        return Bits.get(cc, 19, 16);
    }

    /** IOCQES, bits 23:20: I/O completion queue entries are 2^IOCQES bytes. */
    public static int iocqes(int cc) {
        return Bits.get(cc, 23, 20);
    }

    public static int withEnabled(int cc, boolean enabled) {
        return Bits.with(cc, 0, enabled);
    }

    public static int withCss(int cc, int css) {
        return Bits.with(cc, 6, 4, css);
    }

    public static int withMps(int cc, int mps) {
        return Bits.with(cc, 10, 7, mps);
    }

    public static int withAms(int cc, int ams) {
        return Bits.with(cc, 13, 11, ams);
    }

    public static int withShn(int cc, int shn) {
        return Bits.with(cc, 15, 14, shn);
    }

    public static int withIosqes(int cc, int iosqes) {
        return Bits.with(cc, 19, 16, iosqes);
    }

    public static int withIocqes(int cc, int iocqes) {
        return Bits.with(cc, 23, 20, iocqes);
    }
}

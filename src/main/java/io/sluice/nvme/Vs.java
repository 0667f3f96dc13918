package io.sluice.nvme;

import io.sluice.mem.Bits;

/**
 * VS, Version: NVMe 1.4, 3.1.2, offset 8h, 4 bytes, read-only; Identify Controller's VER has the same format.
 *
 * <pre>
 *   31:16 15:8 7:0
 *   | MJR| MNR|TER|
 * </pre>
 */
public final class Vs {
    /** NVMe 1.4.0, the version that Sluice's controllers implement. */
    public static final int NVME_1_4 = 0x0001_0400;

    /** NVMe 2.0. */
    public static final int NVME_2_0 = 0x0002_0000;

    private Vs() {}

    public static int major(int vs) {
        return Bits.get(vs, 31, 16);
    }

    public static int minor(int vs) {
        return Bits.get(vs, 15, 8);
    }

    public static int tertiary(int vs) {
        return Bits.get(vs, 7, 0);
    }

    /** For people: "1.4", or "1.2.1" where there is a tertiary version. */
    public static String text(int vs) {
        String text = major(vs) + "." + minor(vs);
        return tertiary(vs) == 0 ? text : text + "." + tertiary(vs);
    }
}

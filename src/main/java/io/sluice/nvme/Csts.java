package io.sluice.nvme;

import io.sluice.mem.Bits;

/**
 * CSTS, Controller Status: NVMe 1.4, 3.1.6, offset 1Ch, 4 bytes, read-only but for NSSRO, which is write-1-to-clear.
 *
 * <pre>
 *   31:6  5   4    3:2   1   0
 *   |  0 |PP|NSSRO|SHST|CFS|RDY|
 * </pre>
 */
public final class Csts {
    /** SHST, bits 3:2: normal operation. */
    public static final int SHST_NORMAL = 0;
    /** SHST: shutdown processing is under way. */
    public static final int SHST_OCCURRING = 1;
    /** SHST: shutdown processing is complete. */
    public static final int SHST_COMPLETE = 2;

    private Csts() {}

    /** RDY, bit 0. */
    public static boolean ready(int csts) {
        return Bits.isSet(csts, 0);
    }

    /** CFS, bit 1: controller fatal status. */
    public static boolean fatal(int csts) {
        return Bits.isSet(csts, 1);
    }

    /** SHST, bits 3:2: shutdown status. */
    public static int shst(int csts) {
        return Bits.get(csts, 3, 2);
    }

    /** NSSRO, bit 4: an NVM subsystem reset has occurred. */
    public static boolean subsystemResetOccurred(int csts) {
        return Bits.isSet(csts, 4);
    }

    /** PP, bit 5: processing is paused. */
    public static boolean processingPaused(int csts) {
        return Bits.isSet(csts, 5);
    }

    public static int withReady(int csts, boolean ready) {
        return Bits.with(csts, 0, ready);
    }

    public static int withFatal(int csts, boolean fatal) {
        return Bits.with(csts, 1, fatal);
    }

    public static int withShst(int csts, int shst) {
        return Bits.with(csts, 3, 2, shst);
    }

    public static int withSubsystemResetOccurred(int csts, boolean occurred) {
        return Bits.with(csts, 4, occurred);
    }

    public static int withProcessingPaused(int csts, boolean paused) {
        return Bits.with(csts, 5, paused);
    }
}

package io.sluice.pci;

import io.sluice.mem.Bits;

/**
 * The MSI-X capability: PCI Local Bus 3.0, 6.8.2.
 *
 * <pre>
 *      31:16 message control  15:8 next  7:0 id
 *   0 |EN|FM| 0 | size - 1 |  next ptr  |  11h  |      EN: 15, FM: 14, size: 10:0 of message control
 *   4 |      table offset (31:3)        | BIR (2:0) |
 *   8 |      PBA offset (31:3)          | BIR (2:0) |
 * </pre>
 *
 * @param offset where it lies in configuration space
 * @param vectors size of the table, 1 to 2048
 * @param enabled whether MSI-X is in use (and INTx and MSI are not)
 * @param functionMasked whether all vectors are masked
 * @param tableBar the BAR that holds the table, 0 to 5 (6 and 7 are reserved, and a broken device's)
 * @param tableOffset the table's place in it, in bytes
 * @param pbaBar the BAR that holds the pending bits
 * @param pbaOffset their place in it, in bytes
 */
public record MsixCapability(
        int offset,
        int vectors,
        boolean enabled,
        boolean functionMasked,
        int tableBar,
        long tableOffset,
        int pbaBar,
        long pbaOffset) {
    /** Size of the capability in bytes. */
    public static final int BYTES = 12;
    /** The largest table. */
    public static final int MAX_VECTORS = 2048;
    /** Offset of message control in the capability. */
    public static final int CONTROL = 2;
    /** Offset of the table's BAR and offset. */
    public static final int TABLE = 4;
    /** Offset of the pending bits' BAR and offset. */
    public static final int PBA = 8;
    /** Message control bit 14: all vectors are masked. */
    public static final int CONTROL_FUNCTION_MASK = 1 << 14;
    /** Message control bit 15: MSI-X is enabled. */
    public static final int CONTROL_ENABLE = 1 << 15;

    /** Decodes the capability, or answers null if the function has none. */
    public static MsixCapability of(ConfigReader config) {
        int at = Capabilities.find(config, CapabilityId.MSIX);
        if (at < 0) {
            return null;
        }
        int control = config.read(at + CONTROL, 2);
        int table = config.read(at + TABLE, 4);
        int pba = config.read(at + PBA, 4);
        return new MsixCapability(
                at,
                Bits.get(control, 10, 0) + 1,
                isEnabled(control),
                isFunctionMasked(control),
                Bits.get(table, 2, 0),
                offset(table),
                Bits.get(pba, 2, 0),
                offset(pba));
    }

    /** Whether message control enables MSI-X. */
    public static boolean isEnabled(int control) {
        return (control & CONTROL_ENABLE) != 0;
    }

    /** Whether message control masks all vectors. */
    public static boolean isFunctionMasked(int control) {
        return (control & CONTROL_FUNCTION_MASK) != 0;
    }

    /** Message control of a table of 1 to 2048 vectors, neither enabled nor masked. */
    static int control(int vectors) {
        return Bits.with(0, 10, 0, vectors - 1);
    }

    /** The dword that says where the table or the pending bits are. */
    static int place(int bar, long offset) {
        if (bar < 0 || bar >= PciHeader.BAR_COUNT || (offset & 7) != 0) {
            throw new IllegalArgumentException("MSI-X structure at offset " + offset + " of BAR " + bar
                    + ": the offset is a multiple of 8 and the BAR 0 to 5");
        }
        return (int) Bits.with(Bits.with(offset, 63, 32, 0), 2, 0, bar);
    }

    private static long offset(int place) {
        return Integer.toUnsignedLong(Bits.with(place, 2, 0, 0));
    }
}

package io.sluice.pci;

import io.sluice.mem.Bits;

/**
 * Follows a function's capability lists: PCI Local Bus 3.0, 6.7, and PCI Express Base 3.0, 7.9.1. The function is not
 * trusted: pointers are checked, and a list that loops ends at the number of capabilities that there is room for.
 */
public final class Capabilities {
    /** Where the extended capabilities start. */
    public static final int EXTENDED_OFFSET = 0x100;

    private static final int CONFIG_BYTES = 4096;
    /** Capabilities take at least 4 of the bytes from 40h to ffh. */
    private static final int MAX_COUNT = (EXTENDED_OFFSET - PciHeader.BYTES) / Integer.BYTES;
    /** Extended ones take at least 4 of the bytes from 100h to fffh. */
    private static final int MAX_EXTENDED_COUNT = (CONFIG_BYTES - EXTENDED_OFFSET) / Integer.BYTES;

    private Capabilities() {}

    /**
     * The offset of the first capability of this kind.
     *
     * @param id see {@link CapabilityId}
     * @return 40h to fch, or -1 if there is none or the list is broken before it
     */
    public static int find(ConfigReader config, int id) {
        if ((PciHeader.status(config) & PciHeader.STATUS_CAPABILITY_LIST) == 0) {
            return -1;
        }
        int offset = pointer(config, PciHeader.CAPABILITIES_POINTER);
        for (int i = 0; i < MAX_COUNT && offset >= PciHeader.BYTES; i++) {
            int here = config.read(offset, 1);
            if (here == id) {
                return offset;
            }
            offset = pointer(config, offset + 1);
        }
        return -1;
    }

    /**
     * The offset of the first extended capability of this kind.
     *
     * @param id bits 15:0 of its header
     * @return 100h to ffch, or -1 if there is none or the list is broken before it
     */
    public static int findExtended(ConfigReader config, int id) {
        int offset = EXTENDED_OFFSET;
        for (int i = 0; i < MAX_EXTENDED_COUNT && offset >= EXTENDED_OFFSET; i++) {
            int header = config.read(offset, 4);
            if (header == 0 || header == -1) {
                return -1;
            }
            if (Bits.get(header, 15, 0) == id) {
                return offset;
            }
            offset = aligned(Bits.get(header, 31, 20));
        }
        return -1;
    }

    private static int pointer(ConfigReader config, int at) {
        return aligned(config.read(at, 1));
    }

    /** Software has to mask a pointer's reserved low bits (PCI Local Bus 3.0, 6.7). */
    private static int aligned(int pointer) {
        return pointer & -Integer.BYTES;
    }
}

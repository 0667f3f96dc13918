package io.sluice.nvme;

/**
 * The controller's registers: NVMe 1.4, 3.1 "Register Definition". Offsets are from the start of BAR0; lengths
 * are in bytes.
 *
 * <p>A host reads and writes a 4-byte register whole, and an 8-byte one whole or by its two 4-byte halves
 * (NVMe 1.4, 3.1). Doorbells, from 1000h on, are in {@link Doorbells}.
 */
public enum Registers {
    /** Controller Capabilities; see {@link Cap}. */
    CAP(0x00, 8, Access.READ_ONLY),
    /** Version; see {@link Vs}. */
    VS(0x08, 4, Access.READ_ONLY),
    /** Interrupt Mask Set: a 1 masks the vector, reads return the mask. Not to be touched under MSI-X. */
    INTMS(0x0c, 4, Access.WRITE_1_TO_SET),
    /** Interrupt Mask Clear: a 1 unmasks the vector, reads return the mask. Not to be touched under MSI-X. */
    INTMC(0x10, 4, Access.WRITE_1_TO_CLEAR),
    /** Controller Configuration; see {@link Cc}. */
    CC(0x14, 4, Access.READ_WRITE),
    /** Controller Status; see {@link Csts}. Read-only but for NSSRO, which a written 1 clears. */
    CSTS(0x1c, 4, Access.READ_ONLY),
    /** NVM Subsystem Reset: writing {@link #NSSR_RESET} resets the subsystem; reads return 0. */
    NSSR(0x20, 4, Access.READ_WRITE),
    /** Admin Queue Attributes; see {@link Aqa}. */
    AQA(0x24, 4, Access.READ_WRITE),
    /** Admin Submission Queue Base Address; bits 11:0 are reserved. */
    ASQ(0x28, 8, Access.READ_WRITE),
    /** Admin Completion Queue Base Address; bits 11:0 are reserved. */
    ACQ(0x30, 8, Access.READ_WRITE),
    /** Controller Memory Buffer Location. */
    CMBLOC(0x38, 4, Access.READ_ONLY),
    /** Controller Memory Buffer Size. */
    CMBSZ(0x3c, 4, Access.READ_ONLY),
    /** Boot Partition Information. */
    BPINFO(0x40, 4, Access.READ_ONLY),
    /** Boot Partition Read Select. */
    BPRSEL(0x44, 4, Access.READ_WRITE),
    /** Boot Partition Memory Buffer Location. */
    BPMBL(0x48, 8, Access.READ_WRITE),
    /** Controller Memory Buffer Memory Space Control. */
    CMBMSC(0x50, 8, Access.READ_WRITE),
    /** Controller Memory Buffer Status. */
    CMBSTS(0x58, 4, Access.READ_ONLY),
    /** Persistent Memory Region Capabilities. */
    PMRCAP(0xe00, 4, Access.READ_ONLY),
    /** Persistent Memory Region Control. */
    PMRCTL(0xe04, 4, Access.READ_WRITE),
    /** Persistent Memory Region Status. */
    PMRSTS(0xe08, 4, Access.READ_ONLY),
    /** Persistent Memory Region Elasticity Buffer Size. */
    PMREBS(0xe0c, 4, Access.READ_ONLY),
    /** Persistent Memory Region Sustained Write Throughput. */
    PMRSWTP(0xe10, 4, Access.READ_ONLY),
    /**
     * Persistent Memory Region Controller Memory Space Control, lower half. NVMe 1.4 defines 8 bytes at E14h, which no
     * aligned 8-byte access reaches; later versions name the two halves, as here.
     */
    PMRMSCL(0xe14, 4, Access.READ_WRITE),
    /** Persistent Memory Region Controller Memory Space Control, upper half. */
    PMRMSCU(0xe18, 4, Access.READ_WRITE);

    /** How a register takes writes. */
    public enum Access {
        /** Writes have no effect. */
        READ_ONLY,
        /** Reads return what was written last, reserved bits aside. */
        READ_WRITE,
        /** A written 1 sets the bit, a 0 leaves it. */
        WRITE_1_TO_SET,
        /** A written 1 clears the bit, a 0 leaves it. */
        WRITE_1_TO_CLEAR
    }

    /** The value that NSSR takes to reset the subsystem: "NVMe" in ASCII, NVMe 1.4, 3.1.7. */
    public static final int NSSR_RESET = 0x4e56_4d65;
    /** Bits of ASQ and ACQ that hold the address; 11:0 are reserved, whatever the page size. */
    public static final long QUEUE_BASE_MASK = ~0xfffL;
    /** Bytes from offset 0 in which registers lie: all of them are below the doorbells. */
    public static final int SPACE_BYTES = Doorbells.OFFSET;

    /** Which register covers each aligned 4-byte word; null where none does. */
    private static final Registers[] BY_WORD = new Registers[SPACE_BYTES / Integer.BYTES];

    static {
        for (Registers register : values()) {
            for (int word = 0; word < register.bytes / Integer.BYTES; word++) {
                BY_WORD[register.offset / Integer.BYTES + word] = register;
            }
        }
    }

    private final int offset;
    private final int bytes;
    private final Access access;

    Registers(int offset, int bytes, Access access) {
        this.offset = offset;
        this.bytes = bytes;
        this.access = access;
    }

    /** Offset in BAR0, in bytes. */
    public int offset() {
        return offset;
    }

    /** Length, 4 or 8 bytes. */
    public int bytes() {
        return bytes;
    }

    public Access access() {
        return access;
    }

    /** The register that covers the byte at a BAR0 offset, or null for reserved space and anything outside. */
    public static Registers at(long offset) {
        if (offset < 0 || offset >= SPACE_BYTES) {
            return null;
        }
        return BY_WORD[(int) offset / Integer.BYTES];
    }
}

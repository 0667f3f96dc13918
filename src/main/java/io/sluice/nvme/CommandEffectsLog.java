package io.sluice.nvme;

/**
 * The Commands Supported and Effects log page: NVMe 1.4, 5.14.1.5, 4096 bytes: a word for each admin opcode, then one for
 * each I/O opcode.
 */
public final class CommandEffectsLog {
    /** Size of the page in bytes. */
    public static final int BYTES = 4096;

    /** Bit 0, CSUPP: the command is supported. */
    public static final int SUPPORTED = 1;
    /** Bit 1, LBCC: it may change the content of blocks. */
    public static final int CHANGES_BLOCKS = 1 << 1;
    /** Bit 2, NCC: it may change a namespace's capabilities. */
    public static final int CHANGES_NAMESPACE = 1 << 2;
    /** Bit 3, NIC: it may change which namespaces there are. */
    public static final int CHANGES_INVENTORY = 1 << 3;
    /** Bit 4, CCC: it may change the controller's capabilities. */
    public static final int CHANGES_CONTROLLER = 1 << 4;
    /** Bits 18:16, CSE: to be submitted with no other command outstanding to the namespace. */
    public static final int ALONE_IN_NAMESPACE = 1 << 16;
    /** Bits 18:16, CSE: to be submitted with no other command outstanding to any namespace. */
    public static final int ALONE = 2 << 16;

    private static final int OPCODES = 256;
    private static final int IO_OFFSET = OPCODES * Integer.BYTES;

    private CommandEffectsLog() {}

    /** The effects of an admin command, opcode 0 to 255. */
    public static Field admin(int opcode) {
        return new Field(AdminOpcode.name(opcode), checked(opcode) * Integer.BYTES, Integer.BYTES);
    }

    /** The effects of an I/O command, opcode 0 to 255. */
    public static Field io(int opcode) {
        return new Field(NvmOpcode.name(opcode), IO_OFFSET + checked(opcode) * Integer.BYTES, Integer.BYTES);
    }

    private static int checked(int opcode) {
        if (opcode < 0 || opcode >= OPCODES) {
            throw new IllegalArgumentException("opcode " + opcode + "; there are 0 to 255");
        }
        return opcode;
    }
}

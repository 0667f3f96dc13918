package io.sluice.nvme;

import io.sluice.mem.Bits;

/**
 * An entry of the Error Information log page: NVMe 1.4, 5.14.1.1, 64 bytes; the newest comes first. An
 * {@link #ERROR_COUNT} of 0 marks an unused entry.
 */
public final class ErrorLogEntry {
    /** Size of an entry in bytes. */
    public static final int BYTES = 64;

    /** Which error this is, counted over the life of the controller; 0 for an unused entry. */
    public static final Field ERROR_COUNT = new Field("Error Count", 0, 8);
    /** The command's submission queue. */
    public static final Field SQID = new Field("Submission Queue ID", 8, 2);
    /** The command's identifier; FFFFh if the error is of no command. */
    public static final Field CID = new Field("Command ID", 10, 2);
    /** The status as in a completion's DW3 bits 31:16, the phase in bit 0; see {@link #setStatus}. */
    public static final Field STATUS = new Field("Status Field", 12, 2);
    /** Which byte (7:0) and bit (10:8) of the command is at fault; FFFFh if that is not known. */
    public static final Field PARAMETER_LOCATION = new Field("Parameter Error Location", 14, 2);
    /** The first block that failed. */
    public static final Field LBA = new Field("LBA", 16, 8);
    /** The command's namespace. */
    public static final Field NSID = new Field("Namespace", 24, 4);
    /** A vendor specific log page with more about it; 0 for none. */
    public static final Field VENDOR_LOG = new Field("Vendor Specific Information Available", 28, 1);
    /** Transport type; 0 for PCIe. */
    public static final Field TRTYPE = new Field("TRTYPE", 29, 1);
    /** Command specific information. */
    public static final Field COMMAND_SPECIFIC = new Field("Command Specific Information", 32, 8);
    /** Transport specific information. */
    public static final Field TRANSPORT_SPECIFIC = new Field("Transport Type Specific Information", 40, 2);

    /** CID and PARAMETER_LOCATION of an error that is of no command, or of no known place. */
    public static final int UNKNOWN = 0xffff;

    private ErrorLogEntry() {}

    /** The status, as in {@link Status}. */
    public static int status(long entry) {
        return Bits.get(STATUS.getInt(entry), 15, 1);
    }

    /** Stores a status, as in {@link Status}; the phase is left 0. */
    public static void setStatus(long entry, int status) {
        STATUS.set(entry, Bits.with(0, 15, 1, status));
    }
}

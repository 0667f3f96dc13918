package io.sluice.nvme;

import io.sluice.mem.Bits;

/**
 * Completion status: NVMe 1.4, 4.6.1 "Status Field Definition".
 *
 * <p>A status on its way through the data path is an int, the status field of a completion without the phase (DW3 bits
 * 31:17), so that nothing is allocated and 0 is success:
 *
 * <pre>
 *    14   13  12:11 10:8  7:0
 *   |DNR| M | CRD | SCT | SC |
 * </pre>
 *
 * <p>The constants give such ints: {@code Status.LBA_OUT_OF_RANGE.dnr()} for an error that the same command would meet
 * again, {@code .code()} for one that a retry may cure. The static methods take the int apart.
 */
public enum Status {
    // Generic command status, SCT 0h.
    SUCCESS(Status.SCT_GENERIC, 0x00, "Successful Completion"),
    INVALID_OPCODE(Status.SCT_GENERIC, 0x01, "Invalid Command Opcode"),
    INVALID_FIELD(Status.SCT_GENERIC, 0x02, "Invalid Field in Command"),
    COMMAND_ID_CONFLICT(Status.SCT_GENERIC, 0x03, "Command ID Conflict"),
    DATA_TRANSFER_ERROR(Status.SCT_GENERIC, 0x04, "Data Transfer Error"),
    ABORTED_POWER_LOSS(Status.SCT_GENERIC, 0x05, "Commands Aborted due to Power Loss Notification"),
    INTERNAL_ERROR(Status.SCT_GENERIC, 0x06, "Internal Error"),
    ABORT_REQUESTED(Status.SCT_GENERIC, 0x07, "Command Abort Requested"),
    ABORTED_SQ_DELETION(Status.SCT_GENERIC, 0x08, "Command Aborted due to SQ Deletion"),
    ABORTED_FAILED_FUSED(Status.SCT_GENERIC, 0x09, "Command Aborted due to Failed Fused Command"),
    ABORTED_MISSING_FUSED(Status.SCT_GENERIC, 0x0a, "Command Aborted due to Missing Fused Command"),
    INVALID_NAMESPACE_OR_FORMAT(Status.SCT_GENERIC, 0x0b, "Invalid Namespace or Format"),
    COMMAND_SEQUENCE_ERROR(Status.SCT_GENERIC, 0x0c, "Command Sequence Error"),
    INVALID_SGL_SEGMENT_DESCRIPTOR(Status.SCT_GENERIC, 0x0d, "Invalid SGL Segment Descriptor"),
    INVALID_SGL_DESCRIPTOR_COUNT(Status.SCT_GENERIC, 0x0e, "Invalid Number of SGL Descriptors"),
    DATA_SGL_LENGTH_INVALID(Status.SCT_GENERIC, 0x0f, "Data SGL Length Invalid"),
    METADATA_SGL_LENGTH_INVALID(Status.SCT_GENERIC, 0x10, "Metadata SGL Length Invalid"),
    SGL_DESCRIPTOR_TYPE_INVALID(Status.SCT_GENERIC, 0x11, "SGL Descriptor Type Invalid"),
    INVALID_USE_OF_CMB(Status.SCT_GENERIC, 0x12, "Invalid Use of Controller Memory Buffer"),
    PRP_OFFSET_INVALID(Status.SCT_GENERIC, 0x13, "PRP Offset Invalid"),
    ATOMIC_WRITE_UNIT_EXCEEDED(Status.SCT_GENERIC, 0x14, "Atomic Write Unit Exceeded"),
    OPERATION_DENIED(Status.SCT_GENERIC, 0x15, "Operation Denied"),
    SGL_OFFSET_INVALID(Status.SCT_GENERIC, 0x16, "SGL Offset Invalid"),
    HOST_ID_INCONSISTENT_FORMAT(Status.SCT_GENERIC, 0x18, "Host Identifier Inconsistent Format"),
    KEEP_ALIVE_TIMER_EXPIRED(Status.SCT_GENERIC, 0x19, "Keep Alive Timer Expired"),
    KEEP_ALIVE_TIMEOUT_INVALID(Status.SCT_GENERIC, 0x1a, "Keep Alive Timeout Invalid"),
    ABORTED_PREEMPT_AND_ABORT(Status.SCT_GENERIC, 0x1b, "Command Aborted due to Preempt and Abort"),
    SANITIZE_FAILED(Status.SCT_GENERIC, 0x1c, "Sanitize Failed"),
    SANITIZE_IN_PROGRESS(Status.SCT_GENERIC, 0x1d, "Sanitize In Progress"),
    SGL_DATA_BLOCK_GRANULARITY_INVALID(Status.SCT_GENERIC, 0x1e, "SGL Data Block Granularity Invalid"),
    NOT_SUPPORTED_FOR_QUEUE_IN_CMB(Status.SCT_GENERIC, 0x1f, "Command Not Supported for Queue in CMB"),
    NAMESPACE_WRITE_PROTECTED(Status.SCT_GENERIC, 0x20, "Namespace is Write Protected"),
    COMMAND_INTERRUPTED(Status.SCT_GENERIC, 0x21, "Command Interrupted"),
    TRANSIENT_TRANSPORT_ERROR(Status.SCT_GENERIC, 0x22, "Transient Transport Error"),
    LBA_OUT_OF_RANGE(Status.SCT_GENERIC, 0x80, "LBA Out of Range"),
    CAPACITY_EXCEEDED(Status.SCT_GENERIC, 0x81, "Capacity Exceeded"),
    NAMESPACE_NOT_READY(Status.SCT_GENERIC, 0x82, "Namespace Not Ready"),
    RESERVATION_CONFLICT(Status.SCT_GENERIC, 0x83, "Reservation Conflict"),
    FORMAT_IN_PROGRESS(Status.SCT_GENERIC, 0x84, "Format In Progress"),

    // Command specific status, SCT 1h.
    COMPLETION_QUEUE_INVALID(Status.SCT_COMMAND_SPECIFIC, 0x00, "Completion Queue Invalid"),
    INVALID_QUEUE_IDENTIFIER(Status.SCT_COMMAND_SPECIFIC, 0x01, "Invalid Queue Identifier"),
    INVALID_QUEUE_SIZE(Status.SCT_COMMAND_SPECIFIC, 0x02, "Invalid Queue Size"),
    ABORT_LIMIT_EXCEEDED(Status.SCT_COMMAND_SPECIFIC, 0x03, "Abort Command Limit Exceeded"),
    ASYNC_EVENT_REQUEST_LIMIT_EXCEEDED(Status.SCT_COMMAND_SPECIFIC, 0x05, "Asynchronous Event Request Limit Exceeded"),
    INVALID_FIRMWARE_SLOT(Status.SCT_COMMAND_SPECIFIC, 0x06, "Invalid Firmware Slot"),
    INVALID_FIRMWARE_IMAGE(Status.SCT_COMMAND_SPECIFIC, 0x07, "Invalid Firmware Image"),
    INVALID_INTERRUPT_VECTOR(Status.SCT_COMMAND_SPECIFIC, 0x08, "Invalid Interrupt Vector"),
    INVALID_LOG_PAGE(Status.SCT_COMMAND_SPECIFIC, 0x09, "Invalid Log Page"),
    INVALID_FORMAT(Status.SCT_COMMAND_SPECIFIC, 0x0a, "Invalid Format"),
    FIRMWARE_NEEDS_CONVENTIONAL_RESET(
            Status.SCT_COMMAND_SPECIFIC, 0x0b, "Firmware Activation Requires Conventional Reset"),
    INVALID_QUEUE_DELETION(Status.SCT_COMMAND_SPECIFIC, 0x0c, "Invalid Queue Deletion"),
    FEATURE_NOT_SAVEABLE(Status.SCT_COMMAND_SPECIFIC, 0x0d, "Feature Identifier Not Saveable"),
    FEATURE_NOT_CHANGEABLE(Status.SCT_COMMAND_SPECIFIC, 0x0e, "Feature Not Changeable"),
    FEATURE_NOT_NAMESPACE_SPECIFIC(Status.SCT_COMMAND_SPECIFIC, 0x0f, "Feature Not Namespace Specific"),
    FIRMWARE_NEEDS_SUBSYSTEM_RESET(
            Status.SCT_COMMAND_SPECIFIC, 0x10, "Firmware Activation Requires NVM Subsystem Reset"),
    FIRMWARE_NEEDS_CONTROLLER_RESET(
            Status.SCT_COMMAND_SPECIFIC, 0x11, "Firmware Activation Requires Controller Level Reset"),
    FIRMWARE_NEEDS_MAXIMUM_TIME_VIOLATION(
            Status.SCT_COMMAND_SPECIFIC, 0x12, "Firmware Activation Requires Maximum Time Violation"),
    FIRMWARE_ACTIVATION_PROHIBITED(Status.SCT_COMMAND_SPECIFIC, 0x13, "Firmware Activation Prohibited"),
    OVERLAPPING_RANGE(Status.SCT_COMMAND_SPECIFIC, 0x14, "Overlapping Range"),
    NAMESPACE_INSUFFICIENT_CAPACITY(Status.SCT_COMMAND_SPECIFIC, 0x15, "Namespace Insufficient Capacity"),
    NAMESPACE_IDENTIFIER_UNAVAILABLE(Status.SCT_COMMAND_SPECIFIC, 0x16, "Namespace Identifier Unavailable"),
    NAMESPACE_ALREADY_ATTACHED(Status.SCT_COMMAND_SPECIFIC, 0x18, "Namespace Already Attached"),
    NAMESPACE_IS_PRIVATE(Status.SCT_COMMAND_SPECIFIC, 0x19, "Namespace Is Private"),
    NAMESPACE_NOT_ATTACHED(Status.SCT_COMMAND_SPECIFIC, 0x1a, "Namespace Not Attached"),
    THIN_PROVISIONING_NOT_SUPPORTED(Status.SCT_COMMAND_SPECIFIC, 0x1b, "Thin Provisioning Not Supported"),
    CONTROLLER_LIST_INVALID(Status.SCT_COMMAND_SPECIFIC, 0x1c, "Controller List Invalid"),
    SELF_TEST_IN_PROGRESS(Status.SCT_COMMAND_SPECIFIC, 0x1d, "Device Self-test In Progress"),
    BOOT_PARTITION_WRITE_PROHIBITED(Status.SCT_COMMAND_SPECIFIC, 0x1e, "Boot Partition Write Prohibited"),
    INVALID_CONTROLLER_IDENTIFIER(Status.SCT_COMMAND_SPECIFIC, 0x1f, "Invalid Controller Identifier"),
    INVALID_SECONDARY_CONTROLLER_STATE(Status.SCT_COMMAND_SPECIFIC, 0x20, "Invalid Secondary Controller State"),
    INVALID_CONTROLLER_RESOURCE_COUNT(Status.SCT_COMMAND_SPECIFIC, 0x21, "Invalid Number of Controller Resources"),
    INVALID_RESOURCE_IDENTIFIER(Status.SCT_COMMAND_SPECIFIC, 0x22, "Invalid Resource Identifier"),
    SANITIZE_PROHIBITED_PMR_ENABLED(
            Status.SCT_COMMAND_SPECIFIC, 0x23, "Sanitize Prohibited While Persistent Memory Region is Enabled"),
    ANA_GROUP_IDENTIFIER_INVALID(Status.SCT_COMMAND_SPECIFIC, 0x24, "ANA Group Identifier Invalid"),
    ANA_ATTACH_FAILED(Status.SCT_COMMAND_SPECIFIC, 0x25, "ANA Attach Failed"),
    CONFLICTING_ATTRIBUTES(Status.SCT_COMMAND_SPECIFIC, 0x80, "Conflicting Attributes"),
    INVALID_PROTECTION_INFORMATION(Status.SCT_COMMAND_SPECIFIC, 0x81, "Invalid Protection Information"),
    WRITE_TO_READ_ONLY_RANGE(Status.SCT_COMMAND_SPECIFIC, 0x82, "Attempted Write to Read Only Range"),
    COMMAND_SIZE_LIMIT_EXCEEDED(Status.SCT_COMMAND_SPECIFIC, 0x83, "Command Size Limit Exceeded"),

    // Media and data integrity errors, SCT 2h.
    WRITE_FAULT(Status.SCT_MEDIA, 0x80, "Write Fault"),
    UNRECOVERED_READ_ERROR(Status.SCT_MEDIA, 0x81, "Unrecovered Read Error"),
    GUARD_CHECK_ERROR(Status.SCT_MEDIA, 0x82, "End-to-end Guard Check Error"),
    APPLICATION_TAG_CHECK_ERROR(Status.SCT_MEDIA, 0x83, "End-to-end Application Tag Check Error"),
    REFERENCE_TAG_CHECK_ERROR(Status.SCT_MEDIA, 0x84, "End-to-end Reference Tag Check Error"),
    COMPARE_FAILURE(Status.SCT_MEDIA, 0x85, "Compare Failure"),
    ACCESS_DENIED(Status.SCT_MEDIA, 0x86, "Access Denied"),
    DEALLOCATED_OR_UNWRITTEN_BLOCK(Status.SCT_MEDIA, 0x87, "Deallocated or Unwritten Logical Block"),

    // Path related status, SCT 3h.
    INTERNAL_PATH_ERROR(Status.SCT_PATH, 0x00, "Internal Path Error"),
    ANA_PERSISTENT_LOSS(Status.SCT_PATH, 0x01, "Asymmetric Access Persistent Loss"),
    ANA_INACCESSIBLE(Status.SCT_PATH, 0x02, "Asymmetric Access Inaccessible"),
    ANA_TRANSITION(Status.SCT_PATH, 0x03, "Asymmetric Access Transition"),
    CONTROLLER_PATHING_ERROR(Status.SCT_PATH, 0x60, "Controller Pathing Error"),
    HOST_PATHING_ERROR(Status.SCT_PATH, 0x70, "Host Pathing Error"),
    ABORTED_BY_HOST(Status.SCT_PATH, 0x71, "Command Aborted By Host");

    /** SCT of {@link #sct}: generic command status. */
    public static final int SCT_GENERIC = 0;
    /** SCT: command specific status. */
    public static final int SCT_COMMAND_SPECIFIC = 1;
    /** SCT: media and data integrity errors. */
    public static final int SCT_MEDIA = 2;
    /** SCT: path related status. */
    public static final int SCT_PATH = 3;
    /** SCT: vendor specific. */
    public static final int SCT_VENDOR = 7;

    /** The int that says success. */
    public static final int OK = 0;
    /** Do Not Retry, bit 14 of the int (DW3 bit 31). */
    public static final int DNR = 1 << 14;
    /** More, bit 13 of the int (DW3 bit 30): the error log page has an entry about it. */
    public static final int MORE = 1 << 13;

    private static final Status[] ALL = values();

    private final int code;
    private final String text;

    Status(int sct, int sc, String text) {
        this.code = Bits.with(Bits.with(0, 10, 8, sct), 7, 0, sc);
        this.text = text;
    }

    /** SCT and SC as an int; a host may retry. */
    public int code() {
        return code;
    }

    /** SCT and SC with Do Not Retry. */
    public int dnr() {
        return code | DNR;
    }

    /** The name in the specification. */
    public String text() {
        return text;
    }

    /** Whether a status int says this, whatever its DNR, M and CRD. */
    public boolean is(int status) {
        return Bits.get(status, 10, 0) == code;
    }

    /** Status code type, bits 10:8 of a status int. */
    public static int sct(int status) {
        return Bits.get(status, 10, 8);
    }

    /** Status code, bits 7:0 of a status int. */
    public static int sc(int status) {
        return Bits.get(status, 7, 0);
    }

    /** Command retry delay, bits 12:11 of a status int: an index into Identify Controller's CRDT1 to 3; 0 is none. */
    public static int crd(int status) {
        return Bits.get(status, 12, 11);
    }

    /** Whether a status int says success. */
    public static boolean isSuccess(int status) {
        return Bits.get(status, 10, 0) == 0;
    }

    /** Whether a status int says that the same command would fail again. */
    public static boolean isDoNotRetry(int status) {
        return Bits.isSet(status, 14);
    }

    /** The same status without More, which points to the error log, and without a retry delay. */
    public static int plain(int status) {
        return Bits.get(status, 10, 0) | (status & DNR);
    }

    /** Whether a status int says that the error log page has more. */
    public static boolean isMore(int status) {
        return Bits.isSet(status, 13);
    }

    /** The constant of a status int, or null where NVMe 1.4 defines none; searches, so not for the data path. */
    public static Status of(int status) {
        for (Status candidate : ALL) {
            if (candidate.is(status)) {
                return candidate;
            }
        }
        return null;
    }

    /** For logs and people: "LBA Out of Range (SCT 0h, SC 80h, do not retry)". */
    public static String describe(int status) {
        Status known = of(status);
        return String.format(
                "%s (SCT %xh, SC %02xh%s)",
                known == null ? "unknown status" : known.text,
                sct(status),
                sc(status),
                isDoNotRetry(status) ? ", do not retry" : "");
    }
}

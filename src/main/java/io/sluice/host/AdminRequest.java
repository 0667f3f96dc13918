package io.sluice.host;

import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.Sqe;
import java.nio.ByteBuffer;

/**
 * An admin command that is passed through as it is, NVMe 1.4, section 5. It carries as much data as the controller transfers
 * with one command (MDTS; see {@link NvmeDriver#maxAdminBytes}), in the direction that its opcode names.
 *
 * @param opcode as in {@link AdminOpcode}, 0 to 255
 * @param nsid the namespace, or 0
 * @param cdw10 command dword 10; 11 to 15 follow
 * @param dataOut what the device reads; empty for none
 * @param dataInBytes how much the device writes; 0 for none
 * @param timeoutMillis how long it may take before the controller is reset; {@link #DEFAULT_TIMEOUT_MILLIS} unless told
 */
public record AdminRequest(
        int opcode,
        int nsid,
        int cdw10,
        int cdw11,
        int cdw12,
        int cdw13,
        int cdw14,
        int cdw15,
        ByteBuffer dataOut,
        int dataInBytes,
        int timeoutMillis) {
    /** As Linux has it: nobody knows how long a Format or a vendor's command takes. */
    public static final int DEFAULT_TIMEOUT_MILLIS = 60_000;

    /**
     * The answer to a command that succeeded.
     *
     * @param dw0 dword 0 of its completion
     * @param dataIn what the device wrote, little endian
     */
    public record Answer(int dw0, ByteBuffer dataIn) {}

    public AdminRequest {
        if (opcode < 0 || opcode > 255) {
            throw new IllegalArgumentException("an opcode is 0 to 255, not " + opcode);
        }
        if (isTheDriversOwn(opcode)) {
            throw new IllegalArgumentException(AdminOpcode.name(opcode)
                    + " is for the driver itself: passed through, it would work against its queues and Aborts");
        }
        if (dataInBytes < 0) {
            throw new IllegalArgumentException(
                    AdminOpcode.name(opcode) + " cannot read " + dataInBytes + " bytes from the device");
        }
        if (timeoutMillis <= 0) {
            throw new IllegalArgumentException(
                    AdminOpcode.name(opcode) + " cannot have " + timeoutMillis + " ms: it must be more than 0");
        }
        requireDirection(opcode, dataOut.hasRemaining() && !AdminOpcode.sendsData(opcode), "to");
        requireDirection(opcode, dataInBytes > 0 && !AdminOpcode.receivesData(opcode), "from");
        dataOut = dataOut.asReadOnlyBuffer();
    }

    /** With the time that is enough for most. */
    public AdminRequest(
            int opcode,
            int nsid,
            int cdw10,
            int cdw11,
            int cdw12,
            int cdw13,
            int cdw14,
            int cdw15,
            ByteBuffer dataOut,
            int dataInBytes) {
        this(opcode, nsid, cdw10, cdw11, cdw12, cdw13, cdw14, cdw15, dataOut, dataInBytes, DEFAULT_TIMEOUT_MILLIS);
    }

    /** The same with another time-out. */
    public AdminRequest withTimeoutMillis(int millis) {
        return new AdminRequest(opcode, nsid, cdw10, cdw11, cdw12, cdw13, cdw14, cdw15, dataOut, dataInBytes, millis);
    }

    /** A device moves data only in the direction of the opcode: the other way nothing would arrive, without an error. */
    private static void requireDirection(int opcode, boolean wrong, String direction) {
        if (wrong) {
            throw new IllegalArgumentException(AdminOpcode.name(opcode) + " carries no data " + direction
                    + " the device: bits 1:0 of its opcode, 0x" + Integer.toHexString(opcode) + ", say so");
        }
    }

    /** A command without data, and with only one dword of its own. */
    public static AdminRequest of(int opcode, int nsid, int cdw10) {
        return reading(opcode, nsid, cdw10, 0, 0);
    }

    /** A command that reads data from the device. */
    public static AdminRequest reading(int opcode, int nsid, int cdw10, int cdw11, int dataInBytes) {
        return new AdminRequest(opcode, nsid, cdw10, cdw11, 0, 0, 0, 0, ByteBuffer.allocate(0), dataInBytes);
    }

    /** How much memory the device sees: data in both directions goes by the same. */
    int dataBytes() {
        return Math.max(dataOut.remaining(), dataInBytes);
    }

    byte[] bytesOut() {
        byte[] bytes = new byte[dataOut.remaining()];
        dataOut.duplicate().get(bytes);
        return bytes;
    }

    private static boolean isTheDriversOwn(int opcode) {
        return switch (opcode) {
            case AdminOpcode.CREATE_IO_CQ,
                    AdminOpcode.CREATE_IO_SQ,
                    AdminOpcode.DELETE_IO_CQ,
                    AdminOpcode.DELETE_IO_SQ,
                    AdminOpcode.ABORT,
                    AdminOpcode.ASYNC_EVENT_REQUEST,
                    AdminOpcode.DOORBELL_BUFFER_CONFIG -> true;
            default -> false;
        };
    }

    void encode(long sqe) {
        Sqe.setNsid(sqe, nsid);
        Sqe.setCdw10(sqe, cdw10);
        Sqe.setCdw11(sqe, cdw11);
        Sqe.setCdw12(sqe, cdw12);
        Sqe.setCdw13(sqe, cdw13);
        Sqe.setCdw14(sqe, cdw14);
        Sqe.setCdw15(sqe, cdw15);
    }
}

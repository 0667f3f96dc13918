package io.sluice.controller;

import io.sluice.mem.Memory;
import java.nio.charset.StandardCharsets;

/**
 * What distinguishes one controller from another. All texts are printable ASCII, as NVMe 1.4, 1.5 asks for.
 *
 * @param name for logs
 * @param serialNumber Identify Controller SN, 1 to 20 characters; unique in a guest, or Linux merges controllers
 * @param modelNumber Identify Controller MN, 1 to 40 characters
 * @param firmwareRevision Identify Controller FR, 1 to 8 characters
 * @param subsystemNqn Identify Controller SUBNQN, 1 to 223 bytes; unique, as the serial number
 * @param pci the identifiers in configuration space
 * @param maxQueuePairs the most I/O queue pairs, and the largest queue identifier, 1 to 64
 * @param maxQueueEntries the most entries of an I/O queue, 2 to 4096
 * @param maxTransferBytes the longest transfer of a command (MDTS), 4096 to 2^27: 4096 times a power of two
 * @param trappedDoorbells whether the guest's doorbells come as messages, not as memory that must be polled
 */
public record ControllerConfig(
        String name,
        String serialNumber,
        String modelNumber,
        String firmwareRevision,
        String subsystemNqn,
        PciIdentity pci,
        int maxQueuePairs,
        int maxQueueEntries,
        int maxTransferBytes,
        boolean trappedDoorbells) {

    /** What one page of doorbells and 65 interrupt vectors are ample for. */
    public static final int MAX_QUEUE_PAIRS = 64;

    public static final int MAX_QUEUE_ENTRIES = 4096;

    private static final String DEFAULT_MODEL = "Sluice NVMe Controller";
    private static final String DEFAULT_FIRMWARE = "0.1";
    private static final String DEFAULT_NQN_PREFIX = "nqn.2026-01.io.sluice:";
    private static final int DEFAULT_MAX_TRANSFER_BYTES = 1 << 20;

    private static final int MIN_QUEUE_ENTRIES = 2;
    private static final int SERIAL_BYTES = 20;
    private static final int MODEL_BYTES = 40;
    private static final int FIRMWARE_BYTES = 8;
    private static final int NQN_BYTES = 223;
    private static final int MAX_TRANSFER_BYTES_LIMIT = 1 << 27;

    /**
     * The identifiers of a function in configuration space; each 16 bits.
     *
     * @param vendorId Vendor ID, and VID of Identify Controller
     * @param deviceId Device ID
     * @param subsystemVendorId Subsystem Vendor ID, and SSVID of Identify Controller
     * @param subsystemId Subsystem ID
     */
    public record PciIdentity(int vendorId, int deviceId, int subsystemVendorId, int subsystemId) {
        /**
         * 1af4:10f0. Sluice has no vendor ID of its own; QEMU's registry keeps 1af4:10f0 to 10ff free for experiments without
         * registration. Linux' NVMe driver binds by class and knows quirks only of other identifiers: among them 1b36:0010
         * and 8086:5845, QEMU's own controllers, where it would distrust the namespaces' identifiers and write no zeroes.
         * Linux' virtio driver lets go of 1af4 above 107f.
         */
        public static final PciIdentity DEFAULT = new PciIdentity(0x1af4, 0x10f0, 0x1af4, 0x1100);

        public PciIdentity {
            checkId(vendorId);
            checkId(deviceId);
            checkId(subsystemVendorId);
            checkId(subsystemId);
        }

        private static void checkId(int id) {
            if (id < 0 || id > 0xffff) {
                throw new IllegalArgumentException("PCI identifier 0x" + Integer.toHexString(id) + ": it has 16 bits");
            }
        }
    }

    public ControllerConfig {
        checkText("serial number", serialNumber, SERIAL_BYTES);
        checkText("model number", modelNumber, MODEL_BYTES);
        checkText("firmware revision", firmwareRevision, FIRMWARE_BYTES);
        checkText("subsystem NQN", subsystemNqn, NQN_BYTES);
        checkRange("queue pairs", maxQueuePairs, 1, MAX_QUEUE_PAIRS);
        checkRange("queue entries", maxQueueEntries, MIN_QUEUE_ENTRIES, MAX_QUEUE_ENTRIES);
        checkRange("bytes of a transfer", maxTransferBytes, Memory.PAGE_BYTES, MAX_TRANSFER_BYTES_LIMIT);
        if (Integer.bitCount(maxTransferBytes) != 1) {
            throw new IllegalArgumentException("at most " + maxTransferBytes
                    + " bytes of a transfer: MDTS can only say 4096 times a power of two");
        }
    }

    /** A controller as Sluice makes it unless told otherwise. */
    public static ControllerConfig of(String name, String serialNumber) {
        return new ControllerConfig(
                name,
                serialNumber,
                DEFAULT_MODEL,
                DEFAULT_FIRMWARE,
                DEFAULT_NQN_PREFIX + serialNumber,
                PciIdentity.DEFAULT,
                MAX_QUEUE_PAIRS,
                MAX_QUEUE_ENTRIES,
                DEFAULT_MAX_TRANSFER_BYTES,
                false);
    }

    /** The same with another number of I/O queue pairs. */
    public ControllerConfig withMaxQueuePairs(int queuePairs) {
        return withLimits(queuePairs, maxQueueEntries, maxTransferBytes);
    }

    /** The same with other limits. */
    public ControllerConfig withLimits(int queuePairs, int queueEntries, int transferBytes) {
        return new ControllerConfig(
                name,
                serialNumber,
                modelNumber,
                firmwareRevision,
                subsystemNqn,
                pci,
                queuePairs,
                queueEntries,
                transferBytes,
                trappedDoorbells);
    }

    /** The same with a subsystem NQN that goes on, after a colon, with what makes it unique. */
    public ControllerConfig withNqnSuffix(String suffix) {
        return new ControllerConfig(
                name,
                serialNumber,
                modelNumber,
                firmwareRevision,
                subsystemNqn + ":" + suffix,
                pci,
                maxQueuePairs,
                maxQueueEntries,
                maxTransferBytes,
                trappedDoorbells);
    }

    /** The same with doorbells that come as messages. */
    public ControllerConfig withTrappedDoorbells() {
        return new ControllerConfig(
                name,
                serialNumber,
                modelNumber,
                firmwareRevision,
                subsystemNqn,
                pci,
                maxQueuePairs,
                maxQueueEntries,
                maxTransferBytes,
                true);
    }

    /** MSI-X vectors: one for the admin queue and one for each I/O completion queue. */
    public int interruptVectors() {
        return maxQueuePairs + 1;
    }

    private static void checkText(String what, String text, int maxBytes) {
        boolean printable = text.chars().allMatch(c -> c >= ' ' && c <= '~');
        int bytes = text.getBytes(StandardCharsets.UTF_8).length;
        if (!printable || bytes == 0 || bytes > maxBytes) {
            throw new IllegalArgumentException(
                    what + " \"" + text + "\": 1 to " + maxBytes + " printable ASCII characters are possible");
        }
    }

    private static void checkRange(String what, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(
                    "at most " + value + " " + what + ": " + min + " to " + max + " are possible");
        }
    }
}

package io.sluice.pci;

import java.util.Arrays;

/**
 * Describes a type 0 function, register by register and capability by capability; {@link #build} makes its
 * {@link ConfigSpace}. Capabilities are linked in the order in which they are added, from offset 40h on.
 */
public final class ConfigSpaceBuilder {
    /** Low bits of a 64-bit memory BAR: type 10b in bits 2:1. */
    private static final int BAR_64_BITS = 0x4;
    /** Low bit 3 of a memory BAR: prefetchable. */
    private static final int BAR_PREFETCHABLE = 0x8;
    /** Where capabilities end and the extended space begins. */
    private static final int CAPABILITY_END = Capabilities.EXTENDED_OFFSET;

    private static final long MIN_BAR_BYTES = 16;

    final byte[] image = new byte[ConfigSpace.BYTES];
    final byte[] writable = new byte[ConfigSpace.BYTES];
    final byte[] clearable = new byte[ConfigSpace.BYTES];
    final long[] barBytes = new long[PciHeader.BAR_COUNT];
    int msixOffset = -1;
    int pmOffset = -1;
    int expressOffset = -1;

    private int linkAt = PciHeader.CAPABILITIES_POINTER;
    private int freeOffset = PciHeader.BYTES;

    ConfigSpaceBuilder() {
        put(PciHeader.STATUS, 2, 0, 0, PciHeader.STATUS_ERRORS);
        int command = PciHeader.COMMAND_MEMORY_SPACE
                | PciHeader.COMMAND_BUS_MASTER
                | PciHeader.COMMAND_PARITY_ERROR_RESPONSE
                | PciHeader.COMMAND_SERR_ENABLE
                | PciHeader.COMMAND_INTX_DISABLE;
        put(PciHeader.COMMAND, 2, 0, command, 0);
        put(PciHeader.CACHE_LINE_SIZE, 1, 0, 0xff, 0);
        put(PciHeader.INTERRUPT_LINE, 1, 0, 0xff, 0);
    }

    /** Sets who made the device. */
    public ConfigSpaceBuilder identity(int vendorId, int deviceId, int revision) {
        put(PciHeader.VENDOR_ID, 2, vendorId, 0, 0);
        put(PciHeader.DEVICE_ID, 2, deviceId, 0, 0);
        put(PciHeader.REVISION, 1, revision, 0, 0);
        return this;
    }

    /** Sets who made the board. */
    public ConfigSpaceBuilder subsystem(int vendorId, int id) {
        put(PciHeader.SUBSYSTEM_VENDOR_ID, 2, vendorId, 0, 0);
        put(PciHeader.SUBSYSTEM_ID, 2, id, 0, 0);
        return this;
    }

    /** Sets the 24-bit class code, such as {@link PciHeader#CLASS_NVM_EXPRESS}. */
    public ConfigSpaceBuilder classCode(int classCode) {
        put(PciHeader.CLASS_CODE, 3, classCode, 0, 0);
        return this;
    }

    /** Sets the INTx pin: 0 for none, 1 for INTA# to 4 for INTD#. */
    public ConfigSpaceBuilder interruptPin(int pin) {
        put(PciHeader.INTERRUPT_PIN, 1, pin, 0, 0);
        return this;
    }

    /**
     * Adds a 64-bit memory BAR, which takes the registers {@code index} and {@code index + 1}.
     *
     * @param index 0 to 4
     * @param bytes its size, a power of two, 16 or more
     */
    public ConfigSpaceBuilder memoryBar64(int index, long bytes, boolean prefetchable) {
        boolean fits = index >= 0 && index < PciHeader.BAR_COUNT - 1;
        if (!fits || Long.bitCount(bytes) != 1 || bytes < MIN_BAR_BYTES) {
            throw new IllegalArgumentException("64-bit BAR " + index + " of " + bytes
                    + " bytes: the index is 0 to 4, the size a power of two from 16 up");
        }
        int offset = PciHeader.barOffset(index);
        put(offset, 8, prefetchable ? BAR_64_BITS | BAR_PREFETCHABLE : BAR_64_BITS, -bytes, 0);
        barBytes[index] = bytes;
        return this;
    }

    /** Adds the power management capability: D0 and D3hot, state kept between them. */
    public ConfigSpaceBuilder powerManagement() {
        pmOffset = capability(CapabilityId.POWER_MANAGEMENT, PowerManagement.BYTES);
        put(pmOffset + PowerManagement.PMC, 2, PowerManagement.PMC_VERSION_1_2, 0, 0);
        put(pmOffset + PowerManagement.PMCSR, 2, PowerManagement.PMCSR_NO_SOFT_RESET, PowerManagement.D3_HOT, 0);
        return this;
    }

    /**
     * Adds the MSI-X capability.
     *
     * @param vectors 1 to 2048
     * @param tableBar the BAR with the table, at {@code tableOffset}, a multiple of 8
     * @param pbaBar the BAR with the pending bits, at {@code pbaOffset}, a multiple of 8
     */
    public ConfigSpaceBuilder msix(int vectors, int tableBar, long tableOffset, int pbaBar, long pbaOffset) {
        int place = MsixCapability.place(tableBar, tableOffset);
        int pbaPlace = MsixCapability.place(pbaBar, pbaOffset);
        int control = MsixCapability.control(vectors);
        msixOffset = capability(CapabilityId.MSIX, MsixCapability.BYTES);
        int writableControl = MsixCapability.CONTROL_ENABLE | MsixCapability.CONTROL_FUNCTION_MASK;
        put(msixOffset + MsixCapability.CONTROL, 2, control, writableControl, 0);
        put(msixOffset + MsixCapability.TABLE, 4, place, 0, 0);
        put(msixOffset + MsixCapability.PBA, 4, pbaPlace, 0, 0);
        return this;
    }

    /** Adds the PCI Express capability of an endpoint with function level reset on a Gen3 x4 link. */
    public ConfigSpaceBuilder pciExpress() {
        int at = capability(CapabilityId.PCI_EXPRESS, PciExpress.BYTES);
        expressOffset = at;
        put(at + PciExpress.CAPABILITIES, 2, PciExpress.ENDPOINT_V2, 0, 0);
        put(at + PciExpress.DEVICE_CAPABILITIES, 4, PciExpress.DEVICE_CAPABILITIES_VALUE, 0, 0);
        put(
                at + PciExpress.DEVICE_CONTROL,
                2,
                PciExpress.DEVICE_CONTROL_DEFAULT,
                PciExpress.DEVICE_CONTROL_WRITABLE,
                0);
        put(at + PciExpress.DEVICE_STATUS, 2, 0, 0, PciExpress.DEVICE_STATUS_CLEARABLE);
        put(at + PciExpress.LINK_CAPABILITIES, 4, PciExpress.LINK_CAPABILITIES_VALUE, 0, 0);
        put(at + PciExpress.LINK_CONTROL, 2, 0, PciExpress.LINK_CONTROL_WRITABLE, 0);
        put(at + PciExpress.LINK_STATUS, 2, PciExpress.LINK_STATUS_VALUE, 0, 0);
        put(at + PciExpress.DEVICE_CAPABILITIES_2, 4, PciExpress.DEVICE_CAPABILITIES_2_VALUE, 0, 0);
        put(at + PciExpress.DEVICE_CONTROL_2, 2, 0, PciExpress.DEVICE_CONTROL_2_WRITABLE, 0);
        put(at + PciExpress.LINK_CAPABILITIES_2, 4, PciExpress.LINK_CAPABILITIES_2_VALUE, 0, 0);
        put(
                at + PciExpress.LINK_CONTROL_2,
                2,
                PciExpress.LINK_CONTROL_2_DEFAULT,
                PciExpress.LINK_CONTROL_2_WRITABLE,
                0);
        return this;
    }

    /** Makes the configuration space, in the state after power-on. */
    public ConfigSpace build() {
        return new ConfigSpace(this);
    }

    /** Links a new capability to the list; answers its offset. */
    private int capability(int id, int bytes) {
        if (bytes > CAPABILITY_END - freeOffset) {
            throw new IllegalStateException(
                    "no room for capability " + id + " of " + bytes + " bytes at " + freeOffset);
        }
        int at = freeOffset;
        put(linkAt, 1, at, 0, 0);
        put(at, 1, id, 0, 0);
        image[PciHeader.STATUS] |= PciHeader.STATUS_CAPABILITY_LIST;
        linkAt = at + 1;
        freeOffset = Math.ceilDiv(at + bytes, Integer.BYTES) * Integer.BYTES;
        return at;
    }

    /** Sets a register's value and which of its bits are read-write, or cleared by writing 1; the rest is read-only. */
    private void put(int offset, int bytes, long value, long writableBits, long clearableBits) {
        if (bytes < Long.BYTES && value >>> (bytes * Byte.SIZE) != 0) {
            throw new IllegalArgumentException("value 0x" + Long.toHexString(value) + " does not fit the " + bytes
                    + " bytes of the register at 0x" + Integer.toHexString(offset));
        }
        store(image, offset, bytes, value);
        store(writable, offset, bytes, writableBits);
        store(clearable, offset, bytes, clearableBits);
    }

    private static void store(byte[] into, int offset, int bytes, long value) {
        Arrays.fill(into, offset, offset + bytes, (byte) 0);
        for (int i = 0; i < bytes; i++) {
            into[offset + i] = (byte) (value >>> (i * Byte.SIZE));
        }
    }
}

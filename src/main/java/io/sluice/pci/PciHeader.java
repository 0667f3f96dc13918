package io.sluice.pci;

import io.sluice.mem.Bits;

/**
 * The type 0 configuration header: PCI Local Bus 3.0, 6.1 and 6.2.
 *
 * <pre>
 *        3          2          1          0
 *   00 |   device ID         |   vendor ID         |
 *   04 |   status            |   command           |
 *   08 |   class code (24 bits)         | revision |
 *   0c |  BIST    | hdr type | latency  | line size|
 *   10 |   BAR0 … BAR5 (10h, 14h, 18h, 1ch, 20h, 24h)
 *   2c |   subsystem ID      | subsystem vendor ID |
 *   30 |   expansion ROM                           |
 *   34 |   reserved                     | cap ptr  |
 *   3c |  max lat | min gnt  | int pin  | int line |
 * </pre>
 */
public final class PciHeader {
    /** Bytes of the header; capabilities may start here. */
    public static final int BYTES = 0x40;
    /** Number of base address registers. */
    public static final int BAR_COUNT = 6;

    public static final int VENDOR_ID = 0x00;
    public static final int DEVICE_ID = 0x02;
    public static final int COMMAND = 0x04;
    public static final int STATUS = 0x06;
    public static final int REVISION = 0x08;
    public static final int CLASS_CODE = 0x09;
    public static final int CACHE_LINE_SIZE = 0x0c;
    public static final int LATENCY_TIMER = 0x0d;
    public static final int HEADER_TYPE = 0x0e;
    public static final int BIST = 0x0f;
    public static final int BAR0 = 0x10;
    public static final int SUBSYSTEM_VENDOR_ID = 0x2c;
    public static final int SUBSYSTEM_ID = 0x2e;
    public static final int EXPANSION_ROM = 0x30;
    public static final int CAPABILITIES_POINTER = 0x34;
    public static final int INTERRUPT_LINE = 0x3c;
    public static final int INTERRUPT_PIN = 0x3d;

    /** Command bit 1: the function answers to its memory BARs. */
    public static final int COMMAND_MEMORY_SPACE = 1 << 1;
    /** Command bit 2: the function may do DMA and send MSIs. */
    public static final int COMMAND_BUS_MASTER = 1 << 2;
    /** Command bit 6: parity error response. */
    public static final int COMMAND_PARITY_ERROR_RESPONSE = 1 << 6;
    /** Command bit 8: SERR# enable. */
    public static final int COMMAND_SERR_ENABLE = 1 << 8;
    /** Command bit 10: INTx is not to be asserted. */
    public static final int COMMAND_INTX_DISABLE = 1 << 10;

    /** Status bit 3: an INTx interrupt is pending, whether or not INTx is disabled. */
    public static final int STATUS_INTERRUPT = 1 << 3;
    /** Status bit 4: there is a capability list. */
    public static final int STATUS_CAPABILITY_LIST = 1 << 4;
    /** Status bits that a written 1 clears: 8 and 15:11. */
    public static final int STATUS_ERRORS = 0xf900;

    /** Class code of an NVM Express controller: mass storage, non-volatile memory, NVMe (base 01h, sub 08h, interface 02h). */
    public static final int CLASS_NVM_EXPRESS = 0x01_08_02;

    /** A vendor ID that no device has: reads of an absent or dead function answer all ones. */
    public static final int NO_VENDOR = 0xffff;

    private PciHeader() {}

    public static int vendorId(ConfigReader config) {
        return config.read(VENDOR_ID, 2);
    }

    public static int deviceId(ConfigReader config) {
        return config.read(DEVICE_ID, 2);
    }

    public static int command(ConfigReader config) {
        return config.read(COMMAND, 2);
    }

    public static int status(ConfigReader config) {
        return config.read(STATUS, 2);
    }

    public static int revision(ConfigReader config) {
        return config.read(REVISION, 1);
    }

    /** The 24-bit class code: base class, sub-class, interface, the base class highest. */
    public static int classCode(ConfigReader config) {
        return Bits.get(config.read(REVISION, 4), 31, 8);
    }

    /** The header's layout, bits 6:0 of the header type: 0 for a device, 1 for a bridge. */
    public static int headerType(ConfigReader config) {
        return Bits.get(config.read(HEADER_TYPE, 1), 6, 0);
    }

    public static int subsystemVendorId(ConfigReader config) {
        return config.read(SUBSYSTEM_VENDOR_ID, 2);
    }

    public static int subsystemId(ConfigReader config) {
        return config.read(SUBSYSTEM_ID, 2);
    }

    /** INTx pin: 0 for none, 1 for INTA# to 4 for INTD#. */
    public static int interruptPin(ConfigReader config) {
        return config.read(INTERRUPT_PIN, 1);
    }

    /** Offset of BAR {@code index}, 0 to 5. */
    public static int barOffset(int index) {
        return BAR0 + index * Integer.BYTES;
    }

    /** Whether BAR {@code index} (0 to 5) is a memory BAR of 64 bits, so that the next one is its upper half. */
    public static boolean isBar64(ConfigReader config, int index) {
        int low = config.read(barOffset(index), 4);
        return !Bits.isSet(low, 0) && Bits.get(low, 2, 1) == 2;
    }

    /** The address in memory BAR {@code index} (0 to 5), of 32 or 64 bits, without its flag bits. */
    public static long barAddress(ConfigReader config, int index) {
        long low = Integer.toUnsignedLong(config.read(barOffset(index), 4)) & ~0xfL;
        return isBar64(config, index) && index < BAR_COUNT - 1
                ? Bits.with(low, 63, 32, Integer.toUnsignedLong(config.read(barOffset(index + 1), 4)))
                : low;
    }
}

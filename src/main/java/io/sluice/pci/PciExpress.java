package io.sluice.pci;

/**
 * The PCI Express capability of an endpoint: PCI Express Base 3.0, 7.8. Its values here are those of a Gen3 x4 drive with
 * function level reset; the registers of slots and root ports are zero.
 */
public final class PciExpress {
    /** Size of the capability, version 2, in bytes. */
    public static final int BYTES = 0x3c;

    /** Offset of the PCI Express capabilities register. */
    public static final int CAPABILITIES = 0x02;
    /** Offset of Device Capabilities. */
    public static final int DEVICE_CAPABILITIES = 0x04;
    /** Offset of Device Control. */
    public static final int DEVICE_CONTROL = 0x08;
    /** Offset of Device Status. */
    public static final int DEVICE_STATUS = 0x0a;
    /** Offset of Link Capabilities. */
    public static final int LINK_CAPABILITIES = 0x0c;
    /** Offset of Link Control. */
    public static final int LINK_CONTROL = 0x10;
    /** Offset of Link Status. */
    public static final int LINK_STATUS = 0x12;
    /** Offset of Device Capabilities 2. */
    public static final int DEVICE_CAPABILITIES_2 = 0x24;
    /** Offset of Device Control 2. */
    public static final int DEVICE_CONTROL_2 = 0x28;
    /** Offset of Link Capabilities 2. */
    public static final int LINK_CAPABILITIES_2 = 0x2c;
    /** Offset of Link Control 2. */
    public static final int LINK_CONTROL_2 = 0x30;

    /** Device Capabilities bit 28: function level reset is supported. */
    public static final int DEVICE_CAPABILITIES_FLR = 1 << 28;
    /** Device Control bit 15: a written 1 resets the function; reads as 0. */
    public static final int DEVICE_CONTROL_INITIATE_FLR = 1 << 15;

    /** Capability version 2 (3:0), type PCI Express endpoint (7:4), interrupt message 0. */
    static final int ENDPOINT_V2 = 0x0002;
    /**
     * Payloads up to 256 bytes (2:0), extended tags (5), any L0s and L1 latency accepted (8:6, 11:9), role-based error
     * reporting (15), function level reset (28).
     */
    static final int DEVICE_CAPABILITIES_VALUE = 0x1000_8fe1;
    /** Relaxed ordering (4), no snoop (11) and read requests up to 512 bytes (14:12): the specification's defaults. */
    static final int DEVICE_CONTROL_DEFAULT = 0x2810;
    /** All of Device Control but phantom functions (9), aux power (10) and Initiate FLR (15). */
    static final int DEVICE_CONTROL_WRITABLE = 0x79ff;
    /** Errors detected, bits 3:0, which a written 1 clears. */
    static final int DEVICE_STATUS_CLEARABLE = 0x000f;
    /** 8 GT/s (3:0), four lanes (9:4), no ASPM, and says so properly (22). */
    static final int LINK_CAPABILITIES_VALUE = 0x0040_0043;
    /** ASPM control (1:0), read completion boundary (3), common clock (6), extended synch (7). */
    static final int LINK_CONTROL_WRITABLE = 0x00cb;
    /** 8 GT/s (3:0), four lanes (9:4), slot clock (12). */
    static final int LINK_STATUS_VALUE = 0x1043;
    /** All ranges of completion time-outs (3:0), and they can be disabled (4). */
    static final int DEVICE_CAPABILITIES_2_VALUE = 0x1f;
    /** Completion time-out value (3:0) and disable (4). */
    static final int DEVICE_CONTROL_2_WRITABLE = 0x1f;
    /** 2.5, 5 and 8 GT/s (bits 1, 2 and 3). */
    static final int LINK_CAPABILITIES_2_VALUE = 0x0e;
    /** Target speed 8 GT/s (3:0). */
    static final int LINK_CONTROL_2_DEFAULT = 0x03;
    /** Target speed (3:0). */
    static final int LINK_CONTROL_2_WRITABLE = 0x0f;

    private PciExpress() {}
}

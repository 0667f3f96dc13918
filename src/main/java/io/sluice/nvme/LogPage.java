package io.sluice.nvme;

/** Log page identifiers: NVMe 1.4, 5.14.1, Get Log Page CDW10 bits 7:0. */
public final class LogPage {
    /** Supported Log Pages, NVMe 2.0, 5.16.1.1: a dword for each page, of which bit 0 says that it is offered. */
    public static final int SUPPORTED_PAGES = 0x00;
    /** Error Information; entries are {@link ErrorLogEntry}. */
    public static final int ERROR_INFORMATION = 0x01;
    /** SMART / Health Information; {@link SmartLog}. */
    public static final int SMART = 0x02;
    /** Firmware Slot Information; {@link FirmwareSlotLog}. */
    public static final int FIRMWARE_SLOT = 0x03;
    /** Changed Namespace List; {@link NamespaceList}. */
    public static final int CHANGED_NAMESPACES = 0x04;
    /** Commands Supported and Effects; {@link CommandEffectsLog}. */
    public static final int COMMAND_EFFECTS = 0x05;
    /** Device Self-test. */
    public static final int SELF_TEST = 0x06;
    /** Telemetry Host-Initiated. */
    public static final int TELEMETRY_HOST = 0x07;
    /** Telemetry Controller-Initiated. */
    public static final int TELEMETRY_CONTROLLER = 0x08;
    /** Endurance Group Information. */
    public static final int ENDURANCE_GROUP = 0x09;
    /** Predictable Latency Per NVM Set. */
    public static final int PREDICTABLE_LATENCY = 0x0a;
    /** Predictable Latency Event Aggregate. */
    public static final int PREDICTABLE_LATENCY_EVENTS = 0x0b;
    /** Asymmetric Namespace Access. */
    public static final int ANA = 0x0c;
    /** Persistent Event Log. */
    public static final int PERSISTENT_EVENTS = 0x0d;
    /** LBA Status Information. */
    public static final int LBA_STATUS = 0x0e;
    /** Endurance Group Event Aggregate. */
    public static final int ENDURANCE_GROUP_EVENTS = 0x0f;
    /** Reservation Notification. */
    public static final int RESERVATION_NOTIFICATION = 0x80;
    /** Sanitize Status. */
    public static final int SANITIZE_STATUS = 0x81;

    private LogPage() {}
}

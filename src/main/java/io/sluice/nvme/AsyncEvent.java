package io.sluice.nvme;

import io.sluice.mem.Bits;

/**
 * Asynchronous events: NVMe 1.4, 5.2.1, the completion DW0 of an Asynchronous Event Request.
 *
 * <pre>
 *   31:24 23:16         15:8         7:3  2:0
 *   |  0 | log page ID | information | 0 | type |
 * </pre>
 *
 * <p>Reading the log page that an event names, without RAE, allows the next event of its type.
 */
public enum AsyncEvent {
    /** A doorbell was written of a queue that there is not. */
    INVALID_DOORBELL_REGISTER(0, 0x00, LogPage.ERROR_INFORMATION),
    /** A doorbell was written with an index out of its queue's range. */
    INVALID_DOORBELL_VALUE(0, 0x01, LogPage.ERROR_INFORMATION),
    DIAGNOSTIC_FAILURE(0, 0x02, LogPage.ERROR_INFORMATION),
    PERSISTENT_INTERNAL_ERROR(0, 0x03, LogPage.ERROR_INFORMATION),
    TRANSIENT_INTERNAL_ERROR(0, 0x04, LogPage.ERROR_INFORMATION),
    FIRMWARE_IMAGE_LOAD_ERROR(0, 0x05, LogPage.ERROR_INFORMATION),

    SUBSYSTEM_RELIABILITY(1, 0x00, LogPage.SMART),
    TEMPERATURE_THRESHOLD(1, 0x01, LogPage.SMART),
    SPARE_BELOW_THRESHOLD(1, 0x02, LogPage.SMART),

    /** A namespace appeared, went, or changed its size. */
    NAMESPACE_ATTRIBUTE_CHANGED(2, 0x00, LogPage.CHANGED_NAMESPACES),
    FIRMWARE_ACTIVATION_STARTING(2, 0x01, LogPage.FIRMWARE_SLOT),
    TELEMETRY_LOG_CHANGED(2, 0x02, LogPage.TELEMETRY_CONTROLLER),
    ANA_CHANGE(2, 0x03, LogPage.ANA),
    PREDICTABLE_LATENCY_LOG_CHANGED(2, 0x04, LogPage.PREDICTABLE_LATENCY_EVENTS),
    LBA_STATUS_ALERT(2, 0x05, LogPage.LBA_STATUS),
    ENDURANCE_GROUP_LOG_CHANGED(2, 0x06, LogPage.ENDURANCE_GROUP_EVENTS),

    RESERVATION_LOG_AVAILABLE(6, 0x00, LogPage.RESERVATION_NOTIFICATION),
    SANITIZE_COMPLETED(6, 0x01, LogPage.SANITIZE_STATUS),
    SANITIZE_COMPLETED_UNEXPECTED_DEALLOCATION(6, 0x02, LogPage.SANITIZE_STATUS);

    /** Type 0h: error status. */
    public static final int TYPE_ERROR = 0;
    /** Type 1h: SMART / health status. */
    public static final int TYPE_SMART = 1;
    /** Type 2h: notice. */
    public static final int TYPE_NOTICE = 2;
    /** Type 6h: status of an I/O command set. */
    public static final int TYPE_IO_COMMAND_SET = 6;
    /** Type 7h: vendor specific. */
    public static final int TYPE_VENDOR = 7;

    /** The lowest bit of the asynchronous event configuration that is about notices. */
    private static final int FIRST_NOTICE_BIT = 8;

    private final int dw0;

    AsyncEvent(int type, int info, int logPage) {
        dw0 = Bits.with(Bits.with(Bits.with(0, 2, 0, type), 15, 8, info), 23, 16, logPage);
    }

    /** DW0 of the completion that reports the event. */
    public int dw0() {
        return dw0;
    }

    /** The event's type, 0 to 7: at most one of each is outstanding. */
    public int type() {
        return type(dw0);
    }

    /** The log page to read to clear the event. */
    public int logPage() {
        return logPage(dw0);
    }

    /**
     * Whether the Asynchronous Event Configuration feature (0Bh) lets the event through. Errors and I/O command set
     * events are always let through.
     */
    public boolean isEnabledBy(int configuration) {
        return switch (type()) {
            case TYPE_SMART -> (FeatureValue.eventWarnings(configuration) & warning()) != 0;
            case TYPE_NOTICE -> Bits.isSet(configuration, FIRST_NOTICE_BIT + info(dw0));
            default -> true;
        };
    }

    private int warning() {
        return switch (this) {
            case SPARE_BELOW_THRESHOLD -> SmartLog.WARNING_SPARE;
            case TEMPERATURE_THRESHOLD -> SmartLog.WARNING_TEMPERATURE;
            default ->
                SmartLog.WARNING_RELIABILITY
                        | SmartLog.WARNING_READ_ONLY
                        | SmartLog.WARNING_BACKUP
                        | SmartLog.WARNING_PERSISTENT_MEMORY;
        };
    }

    /** Asynchronous Event Type, DW0 bits 2:0. */
    public static int type(int dw0) {
        return Bits.get(dw0, 2, 0);
    }

    /** Asynchronous Event Information, DW0 bits 15:8. */
    public static int info(int dw0) {
        return Bits.get(dw0, 15, 8);
    }

    /** Log Page Identifier, DW0 bits 23:16. */
    public static int logPage(int dw0) {
        return Bits.get(dw0, 23, 16);
    }

    /** The event that a DW0 reports, or null for one that NVMe 1.4 does not name. */
    public static AsyncEvent of(int dw0) {
        for (AsyncEvent event : values()) {
            if (event.dw0 == dw0) {
                return event;
            }
        }
        return null;
    }
}

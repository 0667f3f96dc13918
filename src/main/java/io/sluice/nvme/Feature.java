package io.sluice.nvme;

/** Feature identifiers and the Select field: NVMe 1.4, 5.21.1, and 5.13. */
public final class Feature {
    /** Arbitration; mandatory. Layouts of the values are in {@link FeatureValue}. */
    public static final int ARBITRATION = 0x01;
    /** Power Management; mandatory. */
    public static final int POWER_MANAGEMENT = 0x02;
    /** LBA Range Type. */
    public static final int LBA_RANGE_TYPE = 0x03;
    /** Temperature Threshold; mandatory. */
    public static final int TEMPERATURE_THRESHOLD = 0x04;
    /** Error Recovery; mandatory, namespace specific. */
    public static final int ERROR_RECOVERY = 0x05;
    /** Volatile Write Cache; mandatory where there is one. */
    public static final int VOLATILE_WRITE_CACHE = 0x06;
    /** Number of Queues; mandatory. */
    public static final int NUMBER_OF_QUEUES = 0x07;
    /** Interrupt Coalescing; mandatory. */
    public static final int INTERRUPT_COALESCING = 0x08;
    /** Interrupt Vector Configuration; mandatory. */
    public static final int INTERRUPT_VECTOR_CONFIGURATION = 0x09;
    /** Write Atomicity Normal; mandatory. */
    public static final int WRITE_ATOMICITY = 0x0a;
    /** Asynchronous Event Configuration; mandatory. */
    public static final int ASYNC_EVENT_CONFIGURATION = 0x0b;
    /** Autonomous Power State Transition. */
    public static final int AUTONOMOUS_POWER_STATES = 0x0c;
    /** Host Memory Buffer. */
    public static final int HOST_MEMORY_BUFFER = 0x0d;
    /** Timestamp; its value is {@link FeatureValue#TIMESTAMP_BYTES} bytes of data. */
    public static final int TIMESTAMP = 0x0e;
    /** Keep Alive Timer. */
    public static final int KEEP_ALIVE_TIMER = 0x0f;
    /** Host Controlled Thermal Management. */
    public static final int THERMAL_MANAGEMENT = 0x10;
    /** Non-Operational Power State Config. */
    public static final int NON_OPERATIONAL_POWER_STATE = 0x11;
    /** Read Recovery Level Config. */
    public static final int READ_RECOVERY_LEVEL = 0x12;
    /** Predictable Latency Mode Config. */
    public static final int PREDICTABLE_LATENCY_CONFIG = 0x13;
    /** Predictable Latency Mode Window. */
    public static final int PREDICTABLE_LATENCY_WINDOW = 0x14;
    /** LBA Status Information Report Interval. */
    public static final int LBA_STATUS_INTERVAL = 0x15;
    /** Host Behavior Support. */
    public static final int HOST_BEHAVIOR = 0x16;
    /** Sanitize Config. */
    public static final int SANITIZE_CONFIG = 0x17;
    /** Endurance Group Event Configuration. */
    public static final int ENDURANCE_GROUP_EVENTS = 0x18;
    /** Software Progress Marker. */
    public static final int SOFTWARE_PROGRESS_MARKER = 0x80;
    /** Host Identifier; its value is 8 or 16 bytes of data. */
    public static final int HOST_IDENTIFIER = 0x81;
    /** Reservation Notification Mask. */
    public static final int RESERVATION_NOTIFICATION_MASK = 0x82;
    /** Reservation Persistence. */
    public static final int RESERVATION_PERSISTENCE = 0x83;
    /** Namespace Write Protection Config. */
    public static final int NAMESPACE_WRITE_PROTECTION = 0x84;

    /** Get Features SEL, CDW10 bits 10:8: the value in force. */
    public static final int SELECT_CURRENT = 0;
    /** SEL: the value from the factory. */
    public static final int SELECT_DEFAULT = 1;
    /** SEL: the value to come back to after a reset. */
    public static final int SELECT_SAVED = 2;
    /** SEL: the three capability bits below, in DW0 of the completion. */
    public static final int SELECT_SUPPORTED_CAPABILITIES = 3;

    /** DW0 bit 0 of {@link #SELECT_SUPPORTED_CAPABILITIES}: the value can be saved. */
    public static final int CAPABILITY_SAVEABLE = 1;
    /** DW0 bit 1: each namespace has a value of its own. */
    public static final int CAPABILITY_NAMESPACE_SPECIFIC = 1 << 1;
    /** DW0 bit 2: the value can be changed. */
    public static final int CAPABILITY_CHANGEABLE = 1 << 2;

    private Feature() {}
}

package io.sluice.nvme;

/** The SMART / Health Information log page: NVMe 1.4, 5.14.1.2, 512 bytes. */
public final class SmartLog {
    /** Size of the page in bytes. */
    public static final int BYTES = 512;
    /** Number of temperature sensors. */
    public static final int SENSORS = 8;

    /** Critical warnings; {@link #WARNING_SPARE} and others. */
    public static final Field CRITICAL_WARNING = new Field("Critical Warning", 0, 1);
    /** Composite temperature, kelvin. */
    public static final Field TEMPERATURE = new Field("Composite Temperature", 1, 2);
    /** Available spare, per cent. */
    public static final Field AVAILABLE_SPARE = new Field("Available Spare", 3, 1);
    /** Available spare threshold, per cent. */
    public static final Field SPARE_THRESHOLD = new Field("Available Spare Threshold", 4, 1);
    /** Life used, per cent; may pass 100. */
    public static final Field PERCENTAGE_USED = new Field("Percentage Used", 5, 1);
    /** Critical warnings of endurance groups. */
    public static final Field ENDURANCE_WARNING = new Field("Endurance Group Critical Warning Summary", 6, 1);
    /** Data read by the host, in thousands of 512-byte units, rounded up. */
    public static final WideField DATA_UNITS_READ = new WideField("Data Units Read", 32);
    /** Data written by the host, in thousands of 512-byte units, rounded up. */
    public static final WideField DATA_UNITS_WRITTEN = new WideField("Data Units Written", 48);
    /** Read and Compare commands completed. */
    public static final WideField HOST_READS = new WideField("Host Read Commands", 64);
    /** Write commands completed. */
    public static final WideField HOST_WRITES = new WideField("Host Write Commands", 80);
    /** Time with commands outstanding, minutes. */
    public static final WideField BUSY_MINUTES = new WideField("Controller Busy Time", 96);
    /** Power cycles. */
    public static final WideField POWER_CYCLES = new WideField("Power Cycles", 112);
    /** Hours with power. */
    public static final WideField POWER_ON_HOURS = new WideField("Power On Hours", 128);
    /** Times that power went without a shutdown. */
    public static final WideField UNSAFE_SHUTDOWNS = new WideField("Unsafe Shutdowns", 144);
    /** Unrecovered data integrity errors. */
    public static final WideField MEDIA_ERRORS = new WideField("Media and Data Integrity Errors", 160);
    /** Error log entries over the life of the controller. */
    public static final WideField ERROR_LOG_ENTRIES = new WideField("Number of Error Information Log Entries", 176);
    /** Time above WCTEMP, minutes. */
    public static final Field WARNING_MINUTES = new Field("Warning Composite Temperature Time", 192, 4);
    /** Time above CCTEMP, minutes. */
    public static final Field CRITICAL_MINUTES = new Field("Critical Composite Temperature Time", 196, 4);
    /** Transitions to light throttling. */
    public static final Field THROTTLE_1_COUNT = new Field("Thermal Management Temperature 1 Transition Count", 216, 4);
    /** Transitions to heavy throttling. */
    public static final Field THROTTLE_2_COUNT = new Field("Thermal Management Temperature 2 Transition Count", 220, 4);
    /** Time in light throttling, seconds. */
    public static final Field THROTTLE_1_SECONDS = new Field("Total Time For Thermal Management Temperature 1", 224, 4);
    /** Time in heavy throttling, seconds. */
    public static final Field THROTTLE_2_SECONDS = new Field("Total Time For Thermal Management Temperature 2", 228, 4);

    /** CRITICAL_WARNING bit 0: the spare has fallen below its threshold. */
    public static final int WARNING_SPARE = 1;
    /** CRITICAL_WARNING bit 1: a temperature is outside its thresholds. */
    public static final int WARNING_TEMPERATURE = 1 << 1;
    /** CRITICAL_WARNING bit 2: reliability is degraded. */
    public static final int WARNING_RELIABILITY = 1 << 2;
    /** CRITICAL_WARNING bit 3: the media is read-only. */
    public static final int WARNING_READ_ONLY = 1 << 3;
    /** CRITICAL_WARNING bit 4: the volatile memory backup has failed. */
    public static final int WARNING_BACKUP = 1 << 4;
    /** CRITICAL_WARNING bit 5: the persistent memory region is read-only or unreliable. */
    public static final int WARNING_PERSISTENT_MEMORY = 1 << 5;

    private static final int SENSOR_OFFSET = 200;

    private SmartLog() {}

    /** Temperature sensor {@code number}, 1 to 8, kelvin; 0 for one that is not there. */
    public static Field sensor(int number) {
        if (number < 1 || number > SENSORS) {
            throw new IllegalArgumentException("temperature sensor " + number + "; there are 1 to 8");
        }
        return new Field("Temperature Sensor " + number, SENSOR_OFFSET + (number - 1) * Short.BYTES, Short.BYTES);
    }
}

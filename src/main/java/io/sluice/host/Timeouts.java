package io.sluice.host;

/**
 * How long the driver waits, and how often it tries.
 *
 * @param ioMillis the longest that an I/O command may take before it is aborted; Linux waits as long
 * @param adminMillis the longest that an admin command may take before the controller is reset
 * @param graceMillis how long an I/O command may take to end after it was late, Abort or not, before the controller is reset
 * @param maxResets after so many failed resets in a row the device is dead; 1 or more
 */
public record Timeouts(int ioMillis, int adminMillis, int graceMillis, int maxResets) {
    /** 30 s for I/O, 5 s for admin commands, 5 s of grace, three resets. */
    public static final Timeouts DEFAULT = new Timeouts(30_000, 5_000, 5_000, 3);

    public Timeouts {
        if (ioMillis <= 0 || adminMillis <= 0 || graceMillis <= 0 || maxResets <= 0) {
            throw new IllegalArgumentException("time-outs and the number of resets must be more than 0: " + ioMillis
                    + " ms, " + adminMillis + " ms, " + graceMillis + " ms, " + maxResets + " resets");
        }
    }
}

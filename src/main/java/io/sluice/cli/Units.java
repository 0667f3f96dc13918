package io.sluice.cli;

import java.util.Locale;

/** Numbers for people. */
final class Units {
    private static final double NANOS_PER_MICRO = 1e3;
    private static final double NANOS_PER_MILLI = 1e6;
    private static final double NANOS_PER_SECOND = 1e9;

    private Units() {}

    /** "1,234,567". */
    static String count(double value) {
        return String.format(Locale.ROOT, "%,.0f", value);
    }

    /** "3.9 GiB/s". */
    static String bandwidth(double bytesPerSecond) {
        return ByteSize.text(Math.round(bytesPerSecond)) + "/s";
    }

    /** "812 ns", "1.23 us", "45.6 us", "1.20 ms": three digits. */
    static String time(double nanos) {
        if (nanos < NANOS_PER_MICRO) {
            return String.format(Locale.ROOT, "%.0f ns", nanos);
        }
        if (nanos < NANOS_PER_MILLI) {
            return threeDigits(nanos / NANOS_PER_MICRO) + " us";
        }
        if (nanos < NANOS_PER_SECOND) {
            return threeDigits(nanos / NANOS_PER_MILLI) + " ms";
        }
        return threeDigits(nanos / NANOS_PER_SECOND) + " s";
    }

    private static String threeDigits(double value) {
        int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
        return String.format(Locale.ROOT, "%." + decimals + "f", value);
    }
}

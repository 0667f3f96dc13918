package io.sluice.cli;

import io.sluice.config.ByteCount;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads sizes such as {@code 4096}, {@code 64M}, {@code 512MiB} or {@code 1G}: powers of two, as QEMU's {@code size=}. */
final class ByteSize implements ITypeConverter<Long> {
    private static final String UNITS = "KMGTP";
    private static final int STEP = 1024;

    @Override
    public Long convert(String text) {
        return parse(text);
    }

    /**
     * The bytes that a text means.
     *
     * @throws TypeConversionException saying what was given and what would be right
     */
    static long parse(String text) {
        try {
            return ByteCount.parse(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }

    /** A size for people: "1.0 GiB", "512 B". */
    static String text(long bytes) {
        if (bytes < STEP) {
            return bytes + " B";
        }
        double value = bytes;
        int power = 0;
        while (value >= STEP && power < UNITS.length()) {
            value /= STEP;
            power++;
        }
        String number = value == Math.rint(value)
                ? String.format(Locale.ROOT, "%.0f", value)
                : String.format(Locale.ROOT, "%.1f", value);
        return number + " " + UNITS.charAt(power - 1) + "iB";
    }
}

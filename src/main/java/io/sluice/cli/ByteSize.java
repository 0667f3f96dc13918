package io.sluice.cli;

import java.math.BigInteger;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads sizes such as {@code 4096}, {@code 64M}, {@code 512MiB} or {@code 1G}: powers of two, as QEMU's {@code size=}. */
final class ByteSize implements ITypeConverter<Long> {
    private static final Pattern SIZE = Pattern.compile("(\\d+)\\s*([KMGTP]?)(I?B)?", Pattern.CASE_INSENSITIVE);
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
        Matcher matcher = SIZE.matcher(text.strip());
        if (!matcher.matches()) {
            throw new TypeConversionException("\"" + text
                    + "\" is not a size; write bytes, or a number with K, M, G or T: 4096, 64M, 512MiB, 1G");
        }
        int power = UNITS.indexOf(matcher.group(2).toUpperCase(Locale.ROOT)) + 1;
        if (matcher.group(2).isEmpty()) {
            power = 0;
        }
        BigInteger bytes = new BigInteger(matcher.group(1))
                .multiply(BigInteger.valueOf(STEP).pow(power));
        if (bytes.bitLength() >= Long.SIZE) {
            throw new TypeConversionException("\"" + text + "\" is more than 8 EiB; nothing is that large");
        }
        return bytes.longValue();
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

package io.sluice.config;

import java.math.BigInteger;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes such as {@code 4096}, {@code 64M}, {@code 512MiB} or {@code 1G}: powers of two, as QEMU's {@code size=}. */
public final class ByteCount {
    private static final Pattern SIZE = Pattern.compile("(\\d+)\\s*([KMGTP]?)(I?B)?", Pattern.CASE_INSENSITIVE);
    private static final String UNITS = "KMGTP";
    private static final int STEP = 1024;

    /** 2^63 has 19 digits; some zeros may stand before them. */
    private static final int MAX_CHARACTERS = 40;

    private ByteCount() {}

    /**
     * The bytes that a text means, 0 to 2^63 - 1.
     *
     * @throws IllegalArgumentException saying what was given and what would be right
     */
    public static long parse(String text) {
        Matcher matcher = SIZE.matcher(text.strip());
        if (text.length() > MAX_CHARACTERS || !matcher.matches()) {
            throw new IllegalArgumentException(Problems.quoted(text)
                    + " is not a size; write bytes, or a number with K, M, G or T: 4096, 64M, 512MiB, 1G");
        }
        int power =
                matcher.group(2).isEmpty() ? 0 : UNITS.indexOf(matcher.group(2).toUpperCase(Locale.ROOT)) + 1;
        BigInteger bytes = new BigInteger(matcher.group(1))
                .multiply(BigInteger.valueOf(STEP).pow(power));
        if (bytes.bitLength() >= Long.SIZE) {
            throw new IllegalArgumentException(Problems.quoted(text) + " is more than 8 EiB; nothing is that large");
        }
        return bytes.longValue();
    }

    /**
     * Bytes as {@link #parse} reads them, exactly, in the largest unit that divides them: "10G", "1536M", "4095".
     *
     * @param bytes 0 or more
     */
    public static String exact(long bytes) {
        long value = bytes;
        int power = 0;
        while (value != 0 && value % STEP == 0 && power < UNITS.length()) {
            value /= STEP;
            power++;
        }
        return power == 0 ? Long.toString(value) : value + UNITS.substring(power - 1, power);
    }
}

package io.sluice.nvme;

import io.sluice.mem.Memory;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * ASCII text of a fixed length in a structure: NVMe 1.4, 1.5 "Conventions": left-justified and padded, by spaces or, in
 * SUBNQN, zeroes.
 *
 * @param name the name in the specification
 * @param offset in the structure, in bytes
 * @param bytes length with padding
 * @param padding the byte that fills the rest
 */
public record TextField(String name, int offset, int bytes, byte padding) implements Member {
    private static final char FIRST_PRINTABLE = 0x20;
    private static final char LAST_PRINTABLE = 0x7e;

    /** A text padded with spaces. */
    public static TextField spaced(String name, int offset, int bytes) {
        return new TextField(name, offset, bytes, (byte) ' ');
    }

    /** A text that ends with zeroes, one at the least. */
    public static TextField zeroed(String name, int offset, int bytes) {
        return new TextField(name, offset, bytes, (byte) 0);
    }

    /** The text without its padding. A device may have put anything here: what is not printable ASCII comes as '?'. */
    public String get(long structure) {
        byte[] raw = new byte[bytes];
        Memory.copyOut(structure + offset, raw, 0, bytes);
        int end = 0;
        while (end < bytes && raw[end] != 0) {
            end++;
        }
        StringBuilder text = new StringBuilder(end);
        for (int i = 0; i < end; i++) {
            char c = (char) Byte.toUnsignedInt(raw[i]);
            text.append(isPrintable(c) ? c : '?');
        }
        return text.toString().stripTrailing();
    }

    /**
     * Stores a text and its padding.
     *
     * @throws IllegalArgumentException if it is too long, or not printable ASCII throughout
     */
    public void set(long structure, String text) {
        int most = padding == 0 ? bytes - 1 : bytes;
        if (text.length() > most || !text.chars().allMatch(TextField::isPrintable)) {
            throw new IllegalArgumentException(
                    name + " \"" + text + "\": up to " + most + " printable ASCII characters are allowed");
        }
        byte[] raw = Arrays.copyOf(text.getBytes(StandardCharsets.US_ASCII), bytes);
        Arrays.fill(raw, text.length(), bytes, padding);
        Memory.copyIn(raw, 0, structure + offset, bytes);
    }

    private static boolean isPrintable(int c) {
        return c >= FIRST_PRINTABLE && c <= LAST_PRINTABLE;
    }
}

package io.sluice.linux;

/**
 * Text that somebody else has chosen, made fit for a line of a log or of a terminal: it can neither begin a line of its own nor
 * command the terminal.
 */
public final class PlainText {
    private PlainText() {}

    /** The text with every control, format and separator character written as an escape: \n, \t, \u001b. */
    public static String of(String text) {
        if (text.codePoints().allMatch(PlainText::isPlain)) {
            return text;
        }
        StringBuilder plain = new StringBuilder(text.length() + Long.BYTES);
        text.codePoints().forEach(c -> append(plain, c));
        return plain.toString();
    }

    private static void append(StringBuilder plain, int c) {
        switch (c) {
            case '\n' -> plain.append("\\n");
            case '\r' -> plain.append("\\r");
            case '\t' -> plain.append("\\t");
            default -> {
                if (isPlain(c)) {
                    plain.appendCodePoint(c);
                } else {
                    plain.append(String.format("\\u%04x", c));
                }
            }
        }
    }

    private static boolean isPlain(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE,
                    Character.UNASSIGNED -> false;
            default -> true;
        };
    }
}

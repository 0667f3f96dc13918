package io.sluice.config;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Collects what is wrong, so that all of it is told at once. */
final class Problems {
    /** Kept to be put in order; who has made more mistakes than that has other worries than their order. */
    private static final int MAX_KEPT = 1000;

    private static final int SHOWN_CHARACTERS = 60;

    private final List<ConfigError> errors = new ArrayList<>();
    private int count;

    void add(Position position, String path, String message) {
        count++;
        if (errors.size() < MAX_KEPT) {
            errors.add(new ConfigError(position, path, message));
        }
    }

    boolean isEmpty() {
        return count == 0;
    }

    /** Throws what was collected, if anything was. */
    void throwIfAny() throws ConfigException {
        if (count > 0) {
            errors.sort(Comparator.comparingInt(
                            (ConfigError error) -> error.position().line())
                    .thenComparingInt(error -> error.position().column()));
            int shown = Math.min(errors.size(), ConfigException.MAX_ERRORS);
            throw new ConfigException(errors.subList(0, shown), count - shown);
        }
    }

    /** Whether a character would command a terminal, or show as something else or not at all. */
    static boolean isHidden(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE -> true;
            default -> false;
        };
    }

    /** A value in quotes, so that it cannot do anything to a terminal, nor fill it. */
    static String quoted(String text) {
        StringBuilder shown = new StringBuilder("\"");
        text.codePoints().limit(SHOWN_CHARACTERS).forEach(c -> {
            if (isHidden(c)) {
                shown.append('?');
            } else {
                shown.appendCodePoint(c);
            }
        });
        boolean cut = text.codePointCount(0, text.length()) > SHOWN_CHARACTERS;
        return shown.append(cut ? "…\"" : "\"").toString();
    }
}

package io.sluice.config;

import io.sluice.config.ConfigNode.Entry;
import io.sluice.config.ConfigNode.Mapping;
import io.sluice.config.ConfigNode.Scalar;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Reads the keys of one group. What is wrong is collected, and the default is returned instead, so that the rest can be
 * checked too; {@link #isGood} tells whether a value may be compared with others.
 */
final class Section {
    /** An edit distance up to which a key is taken for a slip of the fingers. */
    private static final int MAX_SLIPS = 3;

    private final String path;
    private final Position position;
    private final boolean group;
    private final Context context;
    private final Map<String, ConfigNode> values = new LinkedHashMap<>();
    private final Map<String, Boolean> bad = new LinkedHashMap<>();

    /** What all sections of one configuration share. */
    record Context(Problems problems, Map<String, Position> positions) {}

    /**
     * Takes a group apart, and complains of keys that are unknown or come twice.
     *
     * @param path of the group, empty for the whole
     * @param known the keys that there are
     */
    Section(ConfigNode node, String path, List<String> known, Context context) {
        this.path = path;
        this.position = node.position();
        this.group = node instanceof Mapping;
        this.context = context;
        context.positions.put(path, position);
        if (node instanceof Mapping mapping) {
            mapping.entries().forEach(entry -> take(entry, known));
        } else {
            context.problems.add(
                    position, path, node.kind() + " is here, where keys are expected: " + String.join(", ", known));
        }
    }

    private void take(Entry entry, List<String> known) {
        String key = entry.key().text();
        if (!known.contains(key)) {
            context.problems.add(
                    entry.key().position(),
                    path,
                    "there is no key " + Problems.quoted(key) + "; "
                            + nearest(key, known)
                                    .map(near -> "did you mean \"" + near + "\"?")
                                    .orElse("keys are " + String.join(", ", known)));
        } else if (values.putIfAbsent(key, entry.value()) != null) {
            Position first = context.positions.get(pathOf(key));
            problem(key, entry.key().position(), "it is given twice; the first is at " + first);
        } else {
            context.positions.put(pathOf(key), entry.value().position());
        }
    }

    private static Optional<String> nearest(String key, List<String> known) {
        String best = null;
        int least = Math.min(MAX_SLIPS, key.length() / 2) + 1;
        for (String candidate : known) {
            int distance = distance(key, candidate, least);
            if (distance < least) {
                least = distance;
                best = candidate;
            }
        }
        return Optional.ofNullable(best);
    }

    /** Levenshtein's: how many letters to put in, take out or change. */
    private static int distance(String one, String other, int enough) {
        if (Math.abs(one.length() - other.length()) >= enough) {
            return enough;
        }
        int[] row = new int[other.length() + 1];
        for (int j = 0; j < row.length; j++) {
            row[j] = j;
        }
        for (int i = 1; i <= one.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j < row.length; j++) {
                int change = diagonal + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(change, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[other.length()];
    }

    // ---- what is there

    String path() {
        return path;
    }

    String pathOf(String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    /** Whether it is a group of keys at all; if it is not, that has been told. */
    boolean isGroup() {
        return group;
    }

    boolean has(String key) {
        return values.containsKey(key);
    }

    ConfigNode node(String key) {
        return values.get(key);
    }

    /** Where a value is, or, if it is missing, where it should be. */
    Position position(String key) {
        ConfigNode node = values.get(key);
        return node == null ? position : node.position();
    }

    /** Whether nothing has been said against a value. */
    boolean isGood(String key) {
        return !bad.containsKey(key);
    }

    void problem(String key, String message) {
        problem(key, position(key), message);
    }

    private void problem(String key, Position at, String message) {
        bad.put(key, true);
        context.problems.add(at, pathOf(key), message);
    }

    /** Complains if a key is missing; returns whether it is there. */
    boolean require(String key, String what) {
        if (!has(key)) {
            bad.put(key, true);
            if (group) {
                context.problems.add(position, path, "\"" + key + "\" is missing; it takes " + what);
            }
        }
        return has(key);
    }

    // ---- values

    /**
     * A text as it stands.
     *
     * @param what would be right, for the message
     */
    Optional<String> text(String key, String what) {
        return switch (values.get(key)) {
            case null -> Optional.empty();
            case Scalar scalar
            when scalar.empty() -> {
                problem(key, "there is no value; it takes " + what);
                yield Optional.empty();
            }
            case Scalar scalar -> Optional.of(scalar.text());
            case ConfigNode other -> {
                problem(key, other.kind() + " is here; it takes " + what);
                yield Optional.empty();
            }
        };
    }

    /** A whole number. */
    int number(String key, int min, int max, int byDefault) {
        String what = "a whole number, " + min + " to " + max;
        Optional<String> text = text(key, what);
        if (text.isEmpty()) {
            return byDefault;
        }
        if (text.get().matches("\\d{1,10}")) {
            long value = Long.parseLong(text.get());
            if (value >= min && value <= max) {
                return (int) value;
            }
        }
        problem(key, Problems.quoted(text.get()) + " is not " + what);
        return byDefault;
    }

    /** A number of bytes, with or without a unit. */
    OptionalLong size(String key) {
        Optional<String> text = text(key, "a size: bytes, or a number with K, M, G or T");
        try {
            return text.isPresent() ? OptionalLong.of(ByteCount.parse(text.get())) : OptionalLong.empty();
        } catch (IllegalArgumentException e) {
            problem(key, e.getMessage());
            return OptionalLong.empty();
        }
    }

    /** A long number in so many hexadecimal digits, as an identifier; they may stand in groups. */
    Optional<String> hex(String key, int digits) {
        String what = digits + " hexadecimal digits, as \"sluice serve\" tells them at its start";
        Optional<String> text = text(key, what);
        if (text.isEmpty()) {
            return text;
        }
        String plain = text.get().strip().replaceAll("[-:.]", "").toLowerCase(Locale.ROOT);
        if (plain.matches("[0-9a-f]{" + digits + "}")) {
            return Optional.of(plain);
        }
        problem(key, Problems.quoted(text.get()) + " is no " + key + "; it takes " + what);
        return Optional.empty();
    }

    /** Printable ASCII characters; blanks around them do not count. */
    Optional<String> ascii(String key, int max) {
        String what = "1 to " + max + " printable ASCII characters, as \"sluice serve\" tells them at its start";
        Optional<String> text = text(key, what).map(String::strip);
        if (text.isPresent() && !text.get().matches("[ -~]{1," + max + "}")) {
            problem(key, Problems.quoted(text.get()) + " is no " + key + " number; it takes " + what);
            return Optional.empty();
        }
        return text;
    }

    /** One of a few words. */
    <T> T choice(String key, Map<String, T> choices, T byDefault) {
        String what = String.join(" or ", choices.keySet());
        Optional<String> text = text(key, what);
        if (text.isEmpty()) {
            return byDefault;
        }
        T chosen = choices.get(text.get());
        if (chosen == null) {
            problem(key, Problems.quoted(text.get()) + " is neither; it takes " + what);
            return byDefault;
        }
        return chosen;
    }

    /** Yes or no, in YAML's words. */
    boolean flag(String key) {
        Map<String, Boolean> choices = new LinkedHashMap<>();
        choices.put("true", true);
        choices.put("false", false);
        return choice(key, choices, false);
    }
}

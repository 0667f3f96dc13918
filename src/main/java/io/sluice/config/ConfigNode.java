package io.sluice.config;

import java.util.List;

/** A configuration as it was written, before anybody knows what it means; from a file or from options. */
sealed interface ConfigNode {
    Position position();

    /** What people call it. */
    String kind();

    /**
     * A single value.
     *
     * @param empty whether there is a key and nothing after it; an empty text in quotes is a value
     */
    record Scalar(Position position, String text, boolean empty) implements ConfigNode {
        @Override
        public String kind() {
            return "a single value";
        }
    }

    /** Keys and values, in the order of the file. */
    record Mapping(Position position, List<Entry> entries) implements ConfigNode {
        @Override
        public String kind() {
            return "a group of keys";
        }
    }

    /** A list. */
    record Sequence(Position position, List<ConfigNode> items) implements ConfigNode {
        @Override
        public String kind() {
            return "a list";
        }
    }

    /** A key with its value. */
    record Entry(Scalar key, ConfigNode value) {}
}

package io.sluice.config;

import java.util.Map;

/**
 * Where each value was given, so that what is found wrong only later can still be told with its line.
 *
 * @param source the file, or the command line
 * @param positions by the value's path, such as {@code volumes[1].size}
 */
public record Origins(String source, Map<String, Position> positions) {
    /** Nobody knows. */
    public static final Origins NONE = new Origins("configuration", Map.of());

    public Origins {
        positions = Map.copyOf(positions);
    }

    /** Where a value was given, or, where it was not given, what it would be part of. */
    public Position of(String path) {
        String at = path;
        while (true) {
            Position position = positions.get(at);
            int end = Math.max(at.lastIndexOf('.'), at.lastIndexOf('['));
            if (position != null) {
                return position;
            }
            if (end <= 0) {
                return Position.of(source);
            }
            at = at.substring(0, end);
        }
    }
}

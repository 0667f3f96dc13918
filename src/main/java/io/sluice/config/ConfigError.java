package io.sluice.config;

/**
 * One thing that is wrong.
 *
 * @param position where it stands
 * @param path which value it is, such as {@code volumes[1].size}; empty for the file as a whole
 * @param message what was given, why it cannot be, and what would be right
 */
public record ConfigError(Position position, String path, String message) {
    @Override
    public String toString() {
        return position + ": " + (path.isEmpty() ? "" : path + ": ") + message;
    }
}

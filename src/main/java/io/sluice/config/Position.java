package io.sluice.config;

/**
 * Where a value was given, for people to find it again.
 *
 * @param source a file as its user named it, or an option of the command line
 * @param line in the file, from 1; 0 for the source as a whole
 * @param column in characters, from 1; 0 likewise
 */
public record Position(String source, int line, int column) {
    /** A source as a whole. */
    static Position of(String source) {
        return new Position(source, 0, 0);
    }

    /** As compilers write it, so that editors jump there. */
    @Override
    public String toString() {
        return line == 0 ? source : source + ":" + line + ":" + column;
    }
}

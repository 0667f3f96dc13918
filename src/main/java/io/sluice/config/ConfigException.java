package io.sluice.config;

import java.util.List;
import java.util.stream.Collectors;

/** A configuration that cannot be served, with everything that is wrong with it. */
public final class ConfigException extends Exception {
    /** More would not be read. */
    public static final int MAX_ERRORS = 20;

    private static final long serialVersionUID = 1L;

    private final transient List<ConfigError> errors;
    private final int omitted;

    ConfigException(List<ConfigError> errors, int omitted) {
        super(text(errors, omitted));
        this.errors = List.copyOf(errors);
        this.omitted = omitted;
    }

    private static String text(List<ConfigError> errors, int omitted) {
        String lines = errors.stream().map(ConfigError::toString).collect(Collectors.joining("\n"));
        return omitted == 0 ? lines : lines + "\nand " + omitted + " more";
    }

    /** The first {@link #MAX_ERRORS} of them, in the order of the file; {@link #getMessage} has a line for each. */
    public List<ConfigError> errors() {
        return errors;
    }

    /** How many there are altogether. */
    public int count() {
        return errors.size() + omitted;
    }
}

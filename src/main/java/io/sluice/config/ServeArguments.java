package io.sluice.config;

import io.sluice.config.ConfigNode.Entry;
import io.sluice.config.ConfigNode.Mapping;
import io.sluice.config.ConfigNode.Scalar;
import io.sluice.config.ConfigNode.Sequence;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Settings from a command line: the same values as in a file, checked by the same code. */
public final class ServeArguments {
    private static final String SOURCE = "command line";
    private static final Position WHOLE = Position.of(SOURCE);

    private final List<Entry> device = new ArrayList<>();
    private final List<Entry> poller = new ArrayList<>();
    private final List<ConfigNode> volumes = new ArrayList<>();
    private boolean ofOnlyNamespace;

    /** Sets a key of {@code device}; {@code option} is where messages say that it came from. */
    public void device(String key, String option, String value) {
        device.add(entry(Position.of(option), key, value));
    }

    /** Sets a key of {@code poller}. */
    public void poller(String key, String option, String value) {
        poller.add(entry(Position.of(option), key, value));
    }

    /**
     * Adds a volume, which begins where the one before it ends unless it says otherwise.
     *
     * @param text {@code key=value,key=value,...} with the keys of a file; {@code read-only} alone is enough
     */
    public void volume(String text) {
        Position at = Position.of("--volume " + (volumes.size() + 1));
        List<Entry> entries = new ArrayList<>();
        for (String part : text.split(",", -1)) {
            int sign = part.indexOf('=');
            if (sign >= 0) {
                entries.add(entry(at, part.substring(0, sign).strip(), part.substring(sign + 1)));
            } else if (part.strip().equals("read-only")) {
                entries.add(entry(at, "read-only", "true"));
            } else {
                entries.add(new Entry(new Scalar(at, part.strip(), false), new Scalar(at, "", true)));
            }
        }
        volumes.add(new Mapping(at, entries));
    }

    /**
     * Gives a whole namespace to one guest, from the first block to the last.
     *
     * @param namespace which; empty for the only one that the device has
     */
    public void passThrough(String socket, Optional<String> namespace) {
        Position at = Position.of("--pass-through");
        List<Entry> entries = new ArrayList<>();
        entries.add(entry(at, "name", "pass-through"));
        entries.add(entry(at, "socket", socket));
        namespace.ifPresent(nsid -> entries.add(entry(Position.of("--namespace"), "namespace", nsid)));
        volumes.add(new Mapping(at, entries));
        ofOnlyNamespace = namespace.isEmpty();
    }

    private static Entry entry(Position at, String key, String value) {
        return new Entry(new Scalar(at, key, false), new Scalar(at, value, false));
    }

    /**
     * What all that comes to.
     *
     * @param folder what relative paths are relative to
     * @throws ConfigException if it cannot be served, with everything that is wrong with it
     */
    public ServeSettings settings(Path folder) throws ConfigException {
        List<Entry> root = new ArrayList<>();
        root.add(group("device", new Mapping(WHOLE, device)));
        root.add(group("poller", new Mapping(WHOLE, poller)));
        root.add(group("volumes", new Sequence(WHOLE, volumes)));
        ServeSettings settings = ServeReader.ofArguments(new Mapping(WHOLE, root), SOURCE, folder);
        return ofOnlyNamespace ? settings.onOnlyNamespace() : settings;
    }

    private static Entry group(String key, ConfigNode node) {
        return new Entry(new Scalar(WHOLE, key, false), node);
    }
}

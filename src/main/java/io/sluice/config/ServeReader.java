package io.sluice.config;

import io.sluice.config.ConfigNode.Sequence;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Makes settings of a tree: every value checked by itself, then with the others. No device is asked, nothing is opened. */
public final class ServeReader {
    static final List<String> KEYS = List.of("device", "poller", "volumes");

    private final Problems problems = new Problems();
    private final Section.Context context = new Section.Context(problems, new HashMap<>());
    private final String source;
    private final Places places;
    private final boolean inSequence;

    /**
     * Prepares.
     *
     * @param inSequence whether a volume without a start begins where the one before it ends. Not in files: there, whoever
     *     takes a volume out would move all others onto strangers' data
     */
    private ServeReader(String source, Path folder, boolean inSequence) {
        this.source = source;
        this.places = new Places(folder);
        this.inSequence = inSequence;
    }

    /**
     * Reads a file.
     *
     * @throws ConfigException if it cannot be read or served, with everything that is wrong with it
     */
    public static ServeSettings read(Path file) throws ConfigException {
        String name = file.toString();
        Path folder = file.toAbsolutePath().getParent();
        return parse(ConfigFile.text(file, name), name, folder == null ? Path.of("/") : folder);
    }

    /**
     * Reads a text.
     *
     * @param source what messages call it
     * @param folder what relative paths are relative to
     */
    static ServeSettings parse(String text, String source, Path folder) throws ConfigException {
        ServeReader reader = new ServeReader(source, folder, false);
        return reader.read(YamlTree.parse(text, source).orElse(null));
    }

    /** Reads what a command line says. */
    static ServeSettings ofArguments(ConfigNode root, String source, Path folder) throws ConfigException {
        return new ServeReader(source, folder, true).read(root);
    }

    private ServeSettings read(ConfigNode root) throws ConfigException {
        if (root == null) {
            problems.add(Position.of(source), "", "it is empty; it takes a device and volumes");
            problems.throwIfAny();
        }
        Section section = new Section(root, "", KEYS, context);
        DeviceSettings device = section.require("device", "the device to share")
                ? DeviceReader.device(section.node("device"), places, context)
                : null;
        PollerSettings poller =
                section.has("poller") ? DeviceReader.poller(section.node("poller"), context) : PollerSettings.DEFAULT;
        List<VolumeSettings> volumes = section.require("volumes", "a list of volumes") ? volumes(section) : List.of();
        problems.throwIfAny();
        return new ServeSettings(device, poller, volumes, new Origins(source, context.positions()));
    }

    private List<VolumeSettings> volumes(Section section) {
        if (!(section.node("volumes") instanceof Sequence list)) {
            section.problem("volumes", section.node("volumes").kind() + " is here; it takes a list of volumes");
            return List.of();
        }
        int count = list.items().size();
        if (count == 0 || count > ServeSettings.MAX_VOLUMES) {
            section.problem("volumes", count + " volumes; it takes 1 to " + ServeSettings.MAX_VOLUMES);
            return List.of();
        }
        List<VolumeSettings> volumes = new ArrayList<>();
        VolumeChecks checks = new VolumeChecks(inSequence);
        Map<Integer, Long> next = new HashMap<>();
        for (int i = 0; i < count; i++) {
            Section one = new Section(list.items().get(i), "volumes[" + i + "]", VolumeReader.KEYS, context);
            VolumeSettings volume = new VolumeReader(one, places).read(next);
            checks.add(volume, one);
            volumes.add(volume);
            if (inSequence) {
                long size = volume.sizeBytes().orElse(0);
                next.put(volume.nsid(), size > Long.MAX_VALUE - volume.startBytes() ? 0 : volume.startBytes() + size);
            }
        }
        return volumes;
    }
}

package io.sluice.config;

import io.sluice.config.ConfigNode.Entry;
import io.sluice.config.ConfigNode.Mapping;
import io.sluice.config.ConfigNode.Scalar;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads {@code device}, which may be the target alone, and {@code poller}. */
final class DeviceReader {
    static final List<String> DEVICE_KEYS =
            List.of("target", "queues", "queue-entries", "timeout-millis", "destroy-data", "serial", "model");
    static final List<String> POLLER_KEYS = List.of("core", "spin-micros", "yield-micros", "park-micros");

    private static final String WHAT =
            "a PCI address as \"sluice list\" shows it (0000:01:00.0), the path of a vfio-user"
                    + " socket (with a /), model:SIZE, or model:file=PATH";

    private static final Pattern PCI =
            Pattern.compile("(?:(\\p{XDigit}{4,8}):)?(\\p{XDigit}{2}:[01]\\p{XDigit}\\.[0-7])");
    private static final Pattern MODEL = Pattern.compile("model:([^:]*)(?::([^:]*))?");
    private static final String MODEL_FILE = "model:file=";
    private static final int HEX = 16;
    private static final int SMALL_BLOCK = 512;
    private static final int LARGE_BLOCK = 4096;

    /** Stands for one that could not be read; never seen, since what could not be read is an error. */
    private static final TargetSettings NOTHING = new TargetSettings.Socket("");

    private DeviceReader() {}

    static DeviceSettings device(ConfigNode node, Places places, Section.Context context) {
        ConfigNode group = node instanceof Scalar target && !target.empty()
                ? new Mapping(
                        target.position(), List.of(new Entry(new Scalar(target.position(), "target", false), target)))
                : node;
        Section section = new Section(group, "device", DEVICE_KEYS, context);
        TargetSettings target = section.require("target", WHAT) ? target(section, places) : NOTHING;
        return new DeviceSettings(
                target,
                section.number("queues", 1, DeviceSettings.MAX_QUEUE_PAIRS, DeviceSettings.DEFAULT_QUEUE_PAIRS),
                section.number(
                        "queue-entries", 2, DeviceSettings.MAX_QUEUE_ENTRIES, DeviceSettings.DEFAULT_QUEUE_ENTRIES),
                section.number(
                        "timeout-millis",
                        DeviceSettings.MIN_TIMEOUT_MILLIS,
                        DeviceSettings.MAX_TIMEOUT_MILLIS,
                        DeviceSettings.DEFAULT_TIMEOUT_MILLIS),
                section.flag("destroy-data"),
                section.ascii("serial", DeviceSettings.MAX_SERIAL_LENGTH),
                section.ascii("model", DeviceSettings.MAX_MODEL_LENGTH));
    }

    private static TargetSettings target(Section section, Places places) {
        Optional<String> given = section.text("target", WHAT);
        if (given.isEmpty()) {
            return NOTHING;
        }
        String text = given.get().strip();
        Matcher pci = PCI.matcher(text);
        Matcher model = MODEL.matcher(text);
        if (pci.matches()) {
            int domain = pci.group(1) == null ? 0 : Integer.parseUnsignedInt(pci.group(1), HEX);
            return new TargetSettings.Pci(
                    String.format(Locale.ROOT, "%04x:%s", domain, pci.group(2).toLowerCase(Locale.ROOT)));
        }
        if (text.startsWith(MODEL_FILE)) {
            return modelFile(section, places, text.substring(MODEL_FILE.length()));
        }
        if (model.matches()) {
            return model(section, model.group(1), model.group(2));
        }
        if (text.startsWith("/dev/")) {
            section.problem(
                    "target",
                    Problems.quoted(text) + " belongs to the kernel; give the device to vfio-pci (\"sluice list\","
                            + " \"sluice bind\"), and write its PCI address");
        } else if (text.indexOf('/') < 0) {
            section.problem("target", Problems.quoted(text) + " is no device; it takes " + WHAT);
        } else {
            return places.socket(text, section, "target")
                    .<TargetSettings>map(TargetSettings.Socket::new)
                    .orElse(NOTHING);
        }
        return NOTHING;
    }

    private static TargetSettings model(Section section, String size, String block) {
        try {
            return new TargetSettings.Model(bytes(size), block == null ? SMALL_BLOCK : blockBytes(block));
        } catch (IllegalArgumentException e) {
            section.problem("target", e.getMessage());
        }
        return NOTHING;
    }

    private static TargetSettings modelFile(Section section, Places places, String text) {
        List<String> words = List.of(text.split(",", -1));
        OptionalLong bytes = OptionalLong.empty();
        OptionalInt blockBytes = OptionalInt.empty();
        try {
            for (String word : words.subList(1, words.size())) {
                String value = word.substring(word.indexOf('=') + 1);
                switch (word.substring(0, word.length() - value.length())) {
                    case "size=" -> bytes = OptionalLong.of(bytes(value));
                    case "block-size=" -> blockBytes = OptionalInt.of(blockBytes(value));
                    default ->
                        throw new IllegalArgumentException(Problems.quoted(word)
                                + " is neither size=SIZE nor block-size=512|4096; the path itself has no commas");
                }
            }
        } catch (IllegalArgumentException e) {
            section.problem("target", e.getMessage());
            return NOTHING;
        }
        OptionalLong size = bytes;
        OptionalInt block = blockBytes;
        return places.file(words.getFirst(), section, "target")
                .<TargetSettings>map(path -> new TargetSettings.ModelFile(path, size, block))
                .orElse(NOTHING);
    }

    private static long bytes(String size) {
        long bytes = ByteCount.parse(size);
        if (bytes == 0 || bytes % VolumeSettings.ALIGNMENT_BYTES != 0) {
            throw new IllegalArgumentException("a model of " + bytes + " bytes is not made of whole MiB, one or more");
        }
        return bytes;
    }

    private static int blockBytes(String block) {
        long bytes = ByteCount.parse(block);
        if (bytes != SMALL_BLOCK && bytes != LARGE_BLOCK) {
            throw new IllegalArgumentException("blocks have 512 or 4096 bytes, not " + bytes);
        }
        return (int) bytes;
    }

    static PollerSettings poller(ConfigNode node, Section.Context context) {
        Section section = new Section(node, "poller", POLLER_KEYS, context);
        PollerSettings usual = PollerSettings.DEFAULT;
        int core = section.number("core", 0, PollerSettings.MAX_CORE, 0);
        return new PollerSettings(
                section.has("core") ? OptionalInt.of(core) : OptionalInt.empty(),
                section.number("spin-micros", 0, PollerSettings.MAX_MICROS, usual.spinMicros()),
                section.number("yield-micros", 0, PollerSettings.MAX_MICROS, usual.yieldMicros()),
                section.number(
                        "park-micros",
                        PollerSettings.MIN_PARK_MICROS,
                        PollerSettings.MAX_MICROS,
                        usual.maxParkMicros()),
                section.has("park-micros"));
    }
}

package io.sluice.config;

import io.sluice.config.ConfigNode.Entry;
import io.sluice.config.ConfigNode.Mapping;
import io.sluice.config.ConfigNode.Scalar;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads {@code device}, which may be the target alone, and {@code poller}. */
final class DeviceReader {
    static final List<String> DEVICE_KEYS =
            List.of("target", "queues", "queue-entries", "timeout-millis", "destroy-data", "serial", "model");
    static final List<String> POLLER_KEYS = List.of("core", "spin-micros", "yield-micros", "park-micros");

    private static final String WHAT =
            "a PCI address as \"sluice list\" shows it (0000:01:00.0), the path of a vfio-user"
                    + " socket (with a /), or model:SIZE";

    private static final Pattern PCI =
            Pattern.compile("(?:(\\p{XDigit}{4,8}):)?(\\p{XDigit}{2}:[01]\\p{XDigit}\\.[0-7])");
    private static final Pattern MODEL = Pattern.compile("model:([^:]*)(?::([^:]*))?");
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
            long bytes = ByteCount.parse(size);
            long blockBytes = block == null ? SMALL_BLOCK : ByteCount.parse(block);
            if (bytes == 0 || bytes % VolumeSettings.ALIGNMENT_BYTES != 0) {
                section.problem("target", "a model of " + bytes + " bytes is not made of whole MiB, one or more");
            } else if (blockBytes != SMALL_BLOCK && blockBytes != LARGE_BLOCK) {
                section.problem("target", "blocks have 512 or 4096 bytes, not " + blockBytes);
            } else {
                return new TargetSettings.Model(bytes, (int) blockBytes);
            }
        } catch (IllegalArgumentException e) {
            section.problem("target", e.getMessage());
        }
        return NOTHING;
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

package io.sluice.config;

import io.sluice.config.VolumeSettings.Doorbells;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** Reads one volume. */
final class VolumeReader {
    static final List<String> KEYS = List.of(
            "name",
            "namespace",
            "start",
            "size",
            "block-size",
            "socket",
            "mode",
            "owner",
            "group",
            "queues",
            "queue-entries",
            "max-in-flight",
            "doorbells",
            "read-only",
            "serial",
            "nguid",
            "eui64");

    private static final String NAME = "1 to " + VolumeSettings.MAX_NAME_LENGTH
            + " letters, digits, '-', '_' or '.', the first a letter or a digit";
    private static final String MODE = "permissions in octal, such as 0660";
    private static final String SERIAL = "1 to " + VolumeSettings.MAX_SERIAL_LENGTH + " printable ASCII characters";
    private static final int NGUID_DIGITS = 32;
    private static final int EUI64_DIGITS = 16;
    private static final int OCTAL = 8;
    private static final int HASH_BYTES = 4;

    private final Section section;
    private final Places places;

    VolumeReader(Section section, Places places) {
        this.section = section;
        this.places = places;
    }

    /**
     * Reads it.
     *
     * @param next where it begins unless it says so, by its namespace
     */
    VolumeSettings read(Map<Integer, Long> next) {
        String name = name();
        int nsid = section.number("namespace", 1, Integer.MAX_VALUE, VolumeSettings.DEFAULT_NSID);
        return new VolumeSettings(
                name,
                nsid,
                start(next.getOrDefault(nsid, 0L)),
                size(),
                blockBytes(),
                socket(),
                mode(),
                Accounts.user(section, "owner"),
                Accounts.group(section, "group"),
                section.number("queues", 1, VolumeSettings.MAX_QUEUE_PAIRS, VolumeSettings.DEFAULT_QUEUE_PAIRS),
                section.number(
                        "queue-entries", 2, VolumeSettings.MAX_QUEUE_ENTRIES, VolumeSettings.DEFAULT_QUEUE_ENTRIES),
                section.number("max-in-flight", 1, VolumeSettings.MAX_IN_FLIGHT, VolumeSettings.DEFAULT_MAX_IN_FLIGHT),
                doorbells(),
                section.flag("read-only"),
                serial(name),
                section.hex("nguid", NGUID_DIGITS),
                section.hex("eui64", EUI64_DIGITS));
    }

    private String name() {
        Optional<String> name = section.require("name", NAME) ? section.text("name", NAME) : Optional.empty();
        if (name.isPresent()
                && !name.get().matches("\\p{Alnum}[\\p{Alnum}._-]{0," + (VolumeSettings.MAX_NAME_LENGTH - 1) + "}")) {
            section.problem("name", Problems.quoted(name.get()) + " is no name; it takes " + NAME);
        }
        return name.orElse("");
    }

    private long start(long byDefault) {
        OptionalLong start = section.size("start");
        start.ifPresent(bytes -> requireAligned("start", bytes));
        return start.orElse(byDefault);
    }

    private OptionalLong size() {
        OptionalLong size = section.size("size");
        if (size.isPresent() && size.getAsLong() == 0) {
            section.problem("size", "a volume has 1M or more; leave \"size\" out for all that is left");
        } else {
            size.ifPresent(bytes -> requireAligned("size", bytes));
        }
        return size;
    }

    private void requireAligned(String key, long bytes) {
        long unit = VolumeSettings.ALIGNMENT_BYTES;
        if (bytes % unit != 0) {
            long below = bytes - bytes % unit;
            boolean room = below <= Long.MAX_VALUE - unit;
            String near = below == 0 && key.equals("size") ? "" : ByteCount.exact(below) + (room ? " or " : "");
            section.problem(
                    key,
                    ByteCount.exact(bytes) + " is not a multiple of 1M; " + near
                            + (room ? ByteCount.exact(below + unit) : "") + " is");
        }
    }

    private OptionalInt blockBytes() {
        OptionalLong bytes = section.size("block-size");
        if (bytes.isEmpty()) {
            return OptionalInt.empty();
        }
        if (Long.bitCount(bytes.getAsLong()) != 1 || bytes.getAsLong() < 512 || bytes.getAsLong() > 65_536) {
            section.problem(
                    "block-size",
                    ByteCount.exact(bytes.getAsLong()) + " is no size of a logical block; most have 512 or 4096 bytes");
            return OptionalInt.empty();
        }
        return OptionalInt.of((int) bytes.getAsLong());
    }

    private String socket() {
        if (!section.require("socket", Places.WHAT)) {
            return "";
        }
        return section.text("socket", Places.WHAT)
                .flatMap(text -> places.socket(text, section, "socket"))
                .orElse("");
    }

    private int mode() {
        Optional<String> mode = section.text("mode", MODE);
        if (mode.isEmpty()) {
            return VolumeSettings.DEFAULT_MODE;
        }
        if (!mode.get().matches("(0o?)?[0-7]{3}")) {
            section.problem("mode", Problems.quoted(mode.get()) + " is no mode; it takes " + MODE);
            return VolumeSettings.DEFAULT_MODE;
        }
        return Integer.parseInt(mode.get().replace("o", ""), OCTAL);
    }

    private Doorbells doorbells() {
        Map<String, Doorbells> choices = new LinkedHashMap<>();
        choices.put("mapped", Doorbells.MAPPED);
        choices.put("trapped", Doorbells.TRAPPED);
        return section.choice("doorbells", choices, Doorbells.MAPPED);
    }

    private String serial(String name) {
        Optional<String> serial = section.text("serial", SERIAL);
        if (serial.isEmpty()) {
            return serialOf(name);
        }
        String text = serial.get();
        if (!text.matches("[ -~]{1," + VolumeSettings.MAX_SERIAL_LENGTH + "}") || text.isBlank()) {
            section.problem("serial", Problems.quoted(text) + " is no serial number; it takes " + SERIAL);
        }
        return text;
    }

    /**
     * The serial number of a volume that was given none: its name, which stays the same over restarts as a guest expects. A
     * longer name is cut, and told from others that begin so by a hash.
     */
    static String serialOf(String name) {
        if (name.length() <= VolumeSettings.MAX_SERIAL_LENGTH) {
            return name;
        }
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(name.getBytes(StandardCharsets.UTF_8));
            String end = "-" + HexFormat.of().formatHex(hash, 0, HASH_BYTES);
            return name.substring(0, VolumeSettings.MAX_SERIAL_LENGTH - end.length()) + end;
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}

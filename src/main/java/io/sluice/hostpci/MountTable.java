package io.sluice.hostpci;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What is mounted and swapped on: /proc/self/mountinfo and /proc/swaps (proc(5)), read once. */
final class MountTable {
    private static final int NUMBER = 2;
    private static final int MOUNT_POINT = 4;
    private static final int FIELDS_BEFORE_OPTIONAL = 6;
    private static final String OPTIONAL_END = "-";
    private static final int OCTAL = 8;
    private static final Pattern ESCAPE = Pattern.compile("\\\\([0-3][0-7]{2})");

    private final List<Mount> mounts = new ArrayList<>();
    private final Set<Path> swaps = new HashSet<>();

    /**
     * @param number of the mounted device; btrfs makes one up, so that only its source tells
     * @param source as it was mounted, {@code /dev/nvme0n1p2}; not always a path
     */
    private record Mount(String number, String point, String source) {}

    private MountTable() {}

    static MountTable read(HostPaths paths) {
        MountTable table = new MountTable();
        Sysfs.lines(paths.proc().resolve("self/mountinfo")).forEach(table::addMount);
        // The first line is a heading.
        Sysfs.lines(paths.proc().resolve("swaps")).stream().skip(1).forEach(table::addSwap);
        return table;
    }

    /** 36 35 98:0 /root /mount/point options [optional ...] - type source superblock-options. */
    private void addMount(String line) {
        List<String> fields = List.of(line.split(" ", -1));
        int end = fields.size() > FIELDS_BEFORE_OPTIONAL ? fields.lastIndexOf(OPTIONAL_END) : -1;
        String source = end > 0 && end + 2 < fields.size() ? fields.get(end + 2) : "";
        if (fields.size() > MOUNT_POINT) {
            mounts.add(new Mount(fields.get(NUMBER), unescape(fields.get(MOUNT_POINT)), unescape(source)));
        }
    }

    private void addSwap(String line) {
        swaps.add(Path.of(unescape(line.split("\\s", 2)[0])));
    }

    /** Blanks, tabs, line ends and backslashes come in octal. */
    private static String unescape(String field) {
        Matcher matcher = ESCAPE.matcher(field);
        return matcher.replaceAll(
                found -> Matcher.quoteReplacement(String.valueOf((char) Integer.parseInt(found.group(1), OCTAL))));
    }

    /** The mount points of a device, in the order of mounting, each once. */
    List<String> mountPoints(BlockDevice device, Path node) {
        return mounts.stream()
                .filter(mount ->
                        mount.number().equals(device.number()) || mount.source().equals(node.toString()))
                .map(Mount::point)
                .distinct()
                .toList();
    }

    boolean isSwap(Path node) {
        return swaps.contains(node);
    }
}

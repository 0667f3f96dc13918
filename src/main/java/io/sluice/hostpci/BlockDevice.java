package io.sluice.hostpci;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A block device of the kernel.
 *
 * @param name its name in sysfs and in /dev
 * @param number its device number, {@code 259:0}; empty if unknown
 * @param bytes its size
 * @param folder its folder in sysfs
 * @param partitions those that the kernel has found on it
 */
record BlockDevice(String name, String number, long bytes, Path folder, List<BlockDevice> partitions) {
    /** The unit of {@code size} in sysfs, whatever the device's blocks are (Documentation/ABI/stable/sysfs-block). */
    private static final int SECTOR_BYTES = 512;

    /** A namespace, {@code nvme0n1}; or one path to it, {@code nvme0c1n1}, by its subsystem and its controller. */
    private static final Pattern NAMESPACE = Pattern.compile("nvme(\\d+)(?:c\\d+)?n(\\d+)");

    /** The namespaces of an NVMe controller, while the kernel's driver has it. */
    static List<BlockDevice> namespacesOf(HostPaths paths, Path pciDevice) {
        List<BlockDevice> found = new ArrayList<>();
        for (String controller : Sysfs.names(pciDevice.resolve("nvme"))) {
            Path folder = pciDevice.resolve("nvme").resolve(controller);
            Sysfs.names(folder).stream()
                    .map(NAMESPACE::matcher)
                    .filter(Matcher::matches)
                    .forEach(matcher -> found.add(namespace(paths, folder, matcher)));
        }
        return found;
    }

    /**
     * With native multipath the device in the controller's folder is only a hidden path. What can be mounted is the head of
     * all paths, elsewhere, and it has the path's name without the controller's number.
     */
    private static BlockDevice namespace(HostPaths paths, Path controller, Matcher entry) {
        String head = "nvme" + entry.group(1) + "n" + entry.group(2);
        Path folder = paths.block(head);
        return Files.isDirectory(folder) ? of(head, folder) : of(entry.group(), controller.resolve(entry.group()));
    }

    /** A device whose folder in sysfs is known. */
    static BlockDevice of(String name, Path folder) {
        List<BlockDevice> partitions = Sysfs.names(folder).stream()
                .filter(child -> Files.exists(folder.resolve(child).resolve("partition")))
                .map(child -> of(child, folder.resolve(child)))
                .toList();
        Optional<String> number = Sysfs.text(folder.resolve("dev"));
        long sectors = Sysfs.number(folder.resolve("size")).orElse(0);
        return new BlockDevice(name, number.orElse(""), sectors * SECTOR_BYTES, folder, partitions);
    }

    /** It and its partitions. */
    Stream<BlockDevice> whole() {
        return Stream.concat(Stream.of(this), partitions.stream());
    }
}

package io.sluice.hostpci;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;

/** Finds who uses a device, by what the host shows at one moment. Only reads. */
final class Users {
    private static final Pattern CHARACTER_DEVICE = Pattern.compile("ng\\d+n\\d+");
    private static final Pattern PID = Pattern.compile("(?s).*\\(pid (\\d+)\\)");

    private final HostPaths paths;
    private final MountTable mounts;
    private final OpenFiles openFiles;
    private final NvmeTargets targets;

    Users(HostPaths paths) {
        this.paths = paths;
        mounts = MountTable.read(paths);
        openFiles = OpenFiles.scan(paths);
        targets = NvmeTargets.read(paths);
    }

    /** Whether nothing was hidden from this process. */
    boolean isComplete() {
        return openFiles.isComplete();
    }

    /** The users of an NVMe controller's own nodes, and of its VFIO group while vfio-pci has it. */
    List<Use> ofController(Path pciDevice) {
        List<Use> uses = new ArrayList<>();
        for (String controller : Sysfs.names(pciDevice.resolve("nvme"))) {
            addOpen(uses, paths.dev().resolve(controller));
            Sysfs.names(pciDevice.resolve("nvme").resolve(controller)).stream()
                    .filter(name -> CHARACTER_DEVICE.matcher(name).matches())
                    .forEach(name -> addOpen(uses, paths.dev().resolve(name)));
        }
        OptionalInt group = Sysfs.iommuGroup(pciDevice);
        if (group.isPresent()) {
            addOpen(uses, paths.vfioGroup(group.getAsInt()));
        }
        for (String name : Sysfs.names(pciDevice.resolve("vfio-dev"))) {
            addOpen(uses, paths.dev().resolve("vfio/devices").resolve(name));
        }
        return uses;
    }

    /** Those who have a VFIO device open that may be this one. */
    List<Use> ofSomeVfioDevice(Path pciDevice) {
        return openFiles.usersOfUnknownVfioDevices(paths.dev().resolve("vfio")).stream()
                .map(process -> new Use(
                        Use.Kind.UNKNOWN,
                        pciDevice.getFileName().toString(),
                        process + " has a VFIO device open, and it cannot be seen which one",
                        "if it is this one, end that process: kill " + pidOf(process)))
                .toList();
    }

    private static String pidOf(String process) {
        return PID.matcher(process).replaceFirst("$1");
    }

    private void addOpen(List<Use> uses, Path node) {
        for (String process : openFiles.usersOf(node)) {
            uses.add(new Use(Use.Kind.OPEN, nodeName(node), process, "end that process: kill " + pidOf(process)));
        }
        for (NvmeTargets.Export export : targets.of(node)) {
            uses.add(new Use(Use.Kind.EXPORTED, nodeName(node), export.subsystem(), "echo 0 > " + export.enable()));
        }
    }

    /** Nodes in a folder of /dev with that folder: vfio/3. */
    private String nodeName(Path node) {
        return paths.dev().relativize(node).toString();
    }

    /** The users of a disk and of its partitions. */
    List<Use> ofDisk(BlockDevice disk) {
        List<Use> uses = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        disk.whole().forEach(device -> addUses(uses, device, seen));
        Path head = paths.dev().resolve(disk.name().replaceFirst("^nvme", "ng"));
        addOpen(uses, head);
        return uses;
    }

    private void addUses(List<Use> uses, BlockDevice device, Set<String> seen) {
        if (!seen.add(device.name())) {
            return;
        }
        Path node = paths.dev().resolve(device.name());
        for (String point : mounts.mountPoints(device, node)) {
            uses.add(new Use(Use.Kind.MOUNTED, device.name(), point, "umount " + quoted(point)));
        }
        if (mounts.isSwap(node)) {
            uses.add(new Use(Use.Kind.SWAP, device.name(), "swap", "swapoff " + node));
        }
        addLoops(uses, device, node);
        addOpen(uses, node);
        for (String holder : Sysfs.names(device.folder().resolve("holders"))) {
            addHolder(uses, device, holder, seen);
        }
    }

    /** Loop devices open what they stand on as anybody does, and are not among the holders. */
    private void addLoops(List<Use> uses, BlockDevice device, Path node) {
        for (String disk : Sysfs.names(paths.sys().resolve("block"))) {
            if (disk.startsWith("loop")
                    && Sysfs.text(paths.block(disk).resolve("loop/backing_file"))
                            .filter(node.toString()::equals)
                            .isPresent()) {
                uses.add(new Use(
                        Use.Kind.LOOP,
                        device.name(),
                        disk,
                        "losetup -d " + paths.dev().resolve(disk)));
            }
        }
    }

    /** What stands on the device, and what in turn is done with that: a mounted logical volume names its mount point. */
    private void addHolder(List<Use> uses, BlockDevice device, String holder, Set<String> seen) {
        Path folder = paths.block(holder);
        Path node = paths.dev().resolve(holder);
        String mapper = Sysfs.text(folder.resolve("dm/name")).orElse("");
        String by = mapper.isEmpty() ? holder : holder + " (" + mapper + ")";
        String mend = "take " + holder + " apart";
        if (!mapper.isEmpty()) {
            mend = "dmsetup remove " + quoted(mapper)
                    + ", or vgchange -an for a volume group, cryptsetup close for LUKS";
        } else if (Files.isDirectory(folder.resolve("md"))) {
            mend = "mdadm --stop " + node;
        }
        uses.add(new Use(Use.Kind.HELD, device.name(), by, mend));
        BlockDevice.of(holder, folder).whole().forEach(part -> addUses(uses, part, seen));
    }

    private static String quoted(String word) {
        boolean plain = word.chars().allMatch(c -> Character.isLetterOrDigit(c) || "/._-+:@".indexOf(c) >= 0);
        return plain ? word : "'" + word.replace("'", "'\\''") + "'";
    }
}

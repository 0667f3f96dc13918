package io.sluice.hostpci;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * A made-up host: a tree of files in a temporary folder, and a kernel that acts on writes to it as Linux does. Drivers nvme and
 * vfio-pci are loaded unless a test says otherwise.
 */
final class FakeHost implements HostKernel {
    static final String DRIVER_UNTOUCHED = "(null)\n";

    final HostPaths paths;

    /** All writes in their order, as {@code path below /sys = text}; also claims and what became of them. */
    final List<String> events = new ArrayList<>();

    /** Files, below /sys, whose writes fail with this message. */
    final Map<String, String> failingWrites = new HashMap<>();

    /** Device nodes, below /dev, that cannot be claimed, with the error. */
    final Map<String, Integer> unclaimable = new HashMap<>();

    /** The drivers that decline every device. */
    final Set<String> decliningDrivers = new HashSet<>();

    /** The driver that is asked after the one of the override. */
    String ownDriver = "nvme";

    boolean writable = true;
    boolean modprobeWorks = true;
    int pauses;
    int pausesUntilNamespaces;

    private final Map<String, Runnable> disks = new HashMap<>();
    private final Set<String> disksToCome = new TreeSet<>();

    FakeHost(Path root) {
        paths = new HostPaths(root.resolve("sys"), root.resolve("proc"), root.resolve("dev"));
        folder("sys/bus/pci/devices");
        folder("sys/block");
        file("sys/bus/pci/drivers_probe", "");
        file("proc/self/mountinfo", "22 1 0:21 / /proc rw - proc proc rw\n");
        file("proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
        file("proc/cmdline", "quiet\n");
        addDriver("nvme");
        addDriver("vfio-pci");
        file("dev/vfio/vfio", "");
    }

    private Path root() {
        return paths.sys().getParent();
    }

    Path folder(String path) {
        try {
            return Files.createDirectories(root().resolve(path));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void file(String path, String text) {
        Path file = root().resolve(path);
        try {
            Files.createDirectories(file.getParent());
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void append(String path, String text) {
        try {
            Files.writeString(root().resolve(path), text, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void link(String path, String target) {
        Path link = root().resolve(path);
        try {
            Files.createDirectories(link.getParent());
            Files.deleteIfExists(link);
            Files.createSymbolicLink(link, Path.of(target));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void remove(String path) {
        Path top = root().resolve(path);
        if (!Files.exists(top, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try (Stream<Path> all = Files.walk(top)) {
            for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(each);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void addDriver(String name) {
        file("sys/bus/pci/drivers/" + name + "/bind", "");
        file("sys/bus/pci/drivers/" + name + "/unbind", "");
    }

    static String device(String address) {
        return "sys/bus/pci/devices/" + address;
    }

    /** A PCI function without a driver, in an IOMMU group. */
    void addFunction(String address, String code, int group) {
        file(device(address) + "/class", code + "\n");
        file(device(address) + "/vendor", "0x1b36\n");
        file(device(address) + "/device", "0x0010\n");
        file(device(address) + "/numa_node", "-1\n");
        file(device(address) + "/driver_override", DRIVER_UNTOUCHED);
        link("sys/kernel/iommu_groups/" + group + "/devices/" + address, "../../../../bus/pci/devices/" + address);
        link(device(address) + "/iommu_group", "../../../../kernel/iommu_groups/" + group);
    }

    void setDriver(String address, String driver) {
        link(device(address) + "/driver", "../../../../bus/pci/drivers/" + driver);
    }

    /** An SSD with one namespace of 1 GiB that has two partitions, driven by nvme. */
    void addSsd(String address, int group, String controller) {
        addFunction(address, "0x010802", group);
        setDriver(address, "nvme");
        Runnable disk = () -> {
            String folder = device(address) + "/nvme/" + controller;
            file(folder + "/model", "QEMU NVMe Ctrl                          \n");
            file(folder + "/serial", "S-" + controller + "\n");
            file(folder + "/firmware_rev", "11.1\n");
            folder(folder + "/" + controller + "n1");
            addDisk(controller + "n1", "259:0", 2097152);
            addPartition(controller + "n1", 1, "259:1");
            addPartition(controller + "n1", 2, "259:2");
        };
        disks.put(address, disk);
        disk.run();
    }

    void addDisk(String name, String number, long sectors) {
        file("sys/block/" + name + "/dev", number + "\n");
        file("sys/block/" + name + "/size", sectors + "\n");
        folder("sys/block/" + name + "/holders");
    }

    void addPartition(String disk, int index, String number) {
        String folder = "sys/block/" + disk + "/" + disk + "p" + index;
        file(folder + "/partition", index + "\n");
        file(folder + "/dev", number + "\n");
        file(folder + "/size", "1000\n");
        folder(folder + "/holders");
    }

    void mount(String number, String point, String source) {
        append(
                "proc/self/mountinfo",
                "36 35 " + number + " / " + point + " rw,noatime shared:1 - ext4 " + source + " rw\n");
    }

    /** A process that has files open. */
    void addProcess(int pid, String name, String... targets) {
        file("proc/" + pid + "/comm", name + "\n");
        for (int i = 0; i < targets.length; i++) {
            link("proc/" + pid + "/fd/" + i, targets[i].replace("/dev/", paths.dev() + "/"));
        }
    }

    // ---- the kernel ----

    @Override
    public boolean mayWrite(Path file) {
        return writable && Files.exists(file);
    }

    @Override
    public void write(Path file, String text) throws IOException {
        String path = paths.sys().relativize(file).toString();
        events.add(path + " = " + text.replace("\n", "\\n"));
        if (failingWrites.containsKey(path)) {
            throw new IOException("write to " + path + ": " + failingWrites.get(path));
        }
        if (path.endsWith("/driver_override")) {
            Files.writeString(file, text.equals("\n") ? DRIVER_UNTOUCHED : text + "\n");
        } else if (path.endsWith("/unbind")) {
            takeAway(text, file.getParent().getFileName().toString());
        } else if (path.endsWith("/bind")) {
            give(text, file.getParent().getFileName().toString());
        } else if (path.equals("bus/pci/drivers_probe")) {
            probe(text);
        } else {
            throw new IOException("Linux has no such file: " + path);
        }
    }

    private void takeAway(String address, String driver) throws IOException {
        if (!Sysfs.driver(paths.pciDevice(PciAddress.parse(address))).equals(Optional.of(driver))) {
            throw new IOException("No such device");
        }
        remove(device(address) + "/driver");
        for (String name : Sysfs.names(root().resolve(device(address) + "/nvme"))) {
            remove("sys/block/" + name + "n1");
        }
        remove(device(address) + "/nvme");
    }

    private void probe(String address) {
        String override =
                Sysfs.text(root().resolve(device(address) + "/driver_override")).orElseThrow();
        give(address, override.equals("(null)") ? ownDriver : override);
    }

    private void give(String address, String driver) {
        if (decliningDrivers.contains(driver)) {
            return;
        }
        setDriver(address, driver);
        if (driver.equals("nvme")) {
            disksToCome.add(address);
            comeIfTime();
        }
    }

    private void comeIfTime() {
        if (pauses >= pausesUntilNamespaces) {
            disksToCome.forEach(address -> disks.get(address).run());
            disksToCome.clear();
        }
    }

    @Override
    public Claim claim(Path blockDevice) throws LinuxException {
        String name = paths.dev().relativize(blockDevice).toString();
        int errno = unclaimable.getOrDefault(name, 0);
        if (errno != 0) {
            throw new LinuxException("open", "of /dev/" + name, errno);
        }
        events.add("claim " + name);
        return () -> events.add("release " + name);
    }

    @Override
    public void loadModule(String name) throws IOException {
        events.add("modprobe " + name);
        if (!modprobeWorks) {
            throw new IOException("modprobe " + name + " failed: FATAL: Module not found");
        }
        addDriver(name);
        file("dev/vfio/vfio", "");
    }

    @Override
    public void pause() {
        pauses++;
        comeIfTime();
    }

    /** The writes among the events. */
    List<String> writes() {
        return events.stream().filter(event -> event.contains(" = ")).toList();
    }

    void makeBusy(String node) {
        unclaimable.put(node, Errno.EBUSY);
    }
}

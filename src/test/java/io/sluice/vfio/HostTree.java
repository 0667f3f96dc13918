package io.sluice.vfio;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A sysfs in a temporary folder, with devices in IOMMU groups. */
final class HostTree {
    static final String SSD = "0000:01:00.0";
    static final int GROUP = 12;

    final Path sys;
    final Path dev;

    HostTree(Path folder) throws IOException {
        sys = Files.createDirectories(folder.resolve("sys"));
        dev = Files.createDirectories(folder.resolve("dev"));
    }

    /** The usual case: one SSD, bound to vfio-pci, alone in its group. */
    static HostTree withSsd(Path folder) throws IOException {
        HostTree tree = new HostTree(folder);
        tree.add(SSD, GROUP, "vfio-pci");
        return tree;
    }

    /**
     * Adds a device.
     *
     * @param group negative for none
     * @param driver empty for none
     */
    void add(String address, int group, String driver) throws IOException {
        Path device = Files.createDirectories(sys.resolve("devices/pci0000:00").resolve(address));
        Path bus = Files.createDirectories(sys.resolve("bus/pci/devices"));
        Files.createSymbolicLink(bus.resolve(address), device);
        if (group >= 0) {
            Path folder = sys.resolve("kernel/iommu_groups/" + group);
            Files.createSymbolicLink(
                    Files.createDirectories(folder.resolve("devices")).resolve(address), device);
            Files.createSymbolicLink(device.resolve("iommu_group"), folder);
        }
        if (!driver.isEmpty()) {
            Path folder = Files.createDirectories(sys.resolve("bus/pci/drivers").resolve(driver));
            Files.createSymbolicLink(device.resolve("driver"), folder);
        }
    }
}

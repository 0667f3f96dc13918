package io.sluice.hostpci;

import java.nio.file.Path;

/**
 * Where the host shows itself.
 *
 * @param sys sysfs
 * @param proc procfs
 * @param dev device nodes
 */
public record HostPaths(Path sys, Path proc, Path dev) {
    /** This machine's. */
    public static HostPaths system() {
        return new HostPaths(Path.of("/sys"), Path.of("/proc"), Path.of("/dev"));
    }

    Path pciDevices() {
        return sys.resolve("bus/pci/devices");
    }

    Path pciDevice(PciAddress address) {
        return pciDevices().resolve(address.toString());
    }

    /** The folder of a PCI driver; it is there while the driver is loaded. */
    Path pciDriver(String name) {
        return sys.resolve("bus/pci/drivers").resolve(name);
    }

    /** An address written here makes the kernel look for the device's driver. */
    Path driversProbe() {
        return sys.resolve("bus/pci/drivers_probe");
    }

    Path block(String disk) {
        return sys.resolve("block").resolve(disk);
    }

    Path groupMembers(int group) {
        return sys.resolve("kernel/iommu_groups").resolve(String.valueOf(group)).resolve("devices");
    }

    /** The NVMe target's configuration; it is there while its module is loaded and configfs is mounted. */
    Path nvmeTargets() {
        return sys.resolve("kernel/config/nvmet/subsystems");
    }

    Path vfioContainer() {
        return dev.resolve("vfio/vfio");
    }

    Path vfioGroup(int group) {
        return dev.resolve("vfio").resolve(String.valueOf(group));
    }
}

package io.sluice.hostpci;

import io.sluice.pci.PciHeader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * The NVMe controllers of this host, in the order of their addresses.
 *
 * @param controllers all of them
 * @param complete whether everything about their use could be seen; root sees all
 */
public record Inventory(List<HostController> controllers, boolean complete) {
    /** Looks at the host. Changes nothing, but for claims on unused disks that last for a moment. */
    public static Inventory take(HostPaths paths, HostKernel kernel) {
        List<PciAddress> addresses = new ArrayList<>();
        for (String name : Sysfs.names(paths.pciDevices())) {
            long code = Sysfs.pciClass(paths.pciDevices().resolve(name)).orElse(0);
            if (code == PciHeader.CLASS_NVM_EXPRESS) {
                addresses.add(PciAddress.parse(name));
            }
        }
        addresses.sort(null);
        Users users = new Users(paths);
        boolean complete = users.isComplete();
        List<HostController> controllers = new ArrayList<>();
        for (PciAddress address : addresses) {
            try (Usage usage = Usage.examine(paths, kernel, users, paths.pciDevice(address))) {
                List<Use> known = usage.uses().stream()
                        .filter(use -> use.kind() != Use.Kind.UNKNOWN)
                        .toList();
                complete &= known.size() == usage.uses().size();
                controllers.add(controller(paths, address, known));
            }
        }
        return new Inventory(List.copyOf(controllers), complete);
    }

    private static HostController controller(HostPaths paths, PciAddress address, List<Use> uses) {
        Path device = paths.pciDevice(address);
        // One PCI function is one controller.
        Optional<Path> nvme = Sysfs.names(device.resolve("nvme")).stream()
                .findFirst()
                .map(name -> device.resolve("nvme").resolve(name));
        List<BlockDevice> namespaces = BlockDevice.namespacesOf(paths, device);
        long bytes = namespaces.stream().mapToLong(BlockDevice::bytes).sum();
        return new HostController(
                address,
                (int) Sysfs.number(device.resolve("vendor")).orElse(0),
                (int) Sysfs.number(device.resolve("device")).orElse(0),
                nvme.flatMap(folder -> Sysfs.text(folder.resolve("model"))),
                nvme.flatMap(folder -> Sysfs.text(folder.resolve("serial"))),
                nvme.flatMap(folder -> Sysfs.text(folder.resolve("firmware_rev"))),
                nvme.isPresent() ? OptionalLong.of(bytes) : OptionalLong.empty(),
                Sysfs.driver(device),
                Sysfs.iommuGroup(device),
                numaNode(device),
                namespaces.stream().map(BlockDevice::name).toList(),
                uses);
    }

    /** -1 where the firmware does not say. */
    private static OptionalInt numaNode(Path device) {
        long node = Sysfs.number(device.resolve("numa_node")).orElse(-1);
        return node < 0 ? OptionalInt.empty() : OptionalInt.of((int) node);
    }
}

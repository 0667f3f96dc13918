package io.sluice.hostpci;

import io.sluice.hostpci.HostRefused.Problem;
import io.sluice.pci.IommuRules;
import io.sluice.pci.PciHeader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Stream;

/** Everything that can be in the way of a bind or an unbind, each with what mends it. Only looks. */
final class BindChecks {
    private final HostPaths paths;
    private final HostKernel kernel;
    private final PciAddress address;
    private final Path device;

    /**
     * For one device.
     *
     * @throws HostRefused if there is no NVMe controller at the address
     */
    BindChecks(HostPaths paths, HostKernel kernel, PciAddress address) throws HostRefused {
        this.paths = paths;
        this.kernel = kernel;
        this.address = address;
        device = paths.pciDevice(address);
        if (!Files.isDirectory(device)) {
            throw refused("there is no PCI device " + address, "sluice list shows the NVMe controllers of this host");
        }
        OptionalLong code = Sysfs.pciClass(device);
        if (code.isEmpty() || code.getAsLong() != PciHeader.CLASS_NVM_EXPRESS) {
            String found = String.format(Locale.ROOT, "%06x", code.orElse(0));
            throw refused(
                    address + " is not an NVMe controller: its class is " + found + ", not 010802",
                    "sluice list shows the NVMe controllers of this host");
        }
    }

    private HostRefused refused(String what, String mend) {
        return new HostRefused(address, List.of(new Problem(what, mend)));
    }

    Optional<String> driver() {
        return Sysfs.driver(device);
    }

    boolean isOnVfio() {
        return driver().filter(DriverSwitch.VFIO_PCI::equals).isPresent();
    }

    /** What would be written must be writable. */
    List<Problem> rights() {
        Stream<Path> files = Stream.concat(
                Stream.of(device.resolve("driver_override"), paths.driversProbe()),
                driver().map(name -> paths.pciDriver(name).resolve("unbind")).stream());
        return files
                .filter(file -> !kernel.mayWrite(file))
                .findFirst()
                .map(file -> new Problem(
                        "this process may not write " + file,
                        "run it as root: sudo sluice ...; in a container, sysfs must be mounted writable"))
                .stream()
                .toList();
    }

    /**
     * One problem a use.
     *
     * @param force what doing it in spite of them means
     */
    List<Problem> uses(List<Use> uses, String force) {
        List<Problem> problems = new ArrayList<>();
        for (Use use : uses) {
            problems.add(new Problem("it is in use: " + use.sentence(), use.mend()));
        }
        if (!problems.isEmpty()) {
            Problem last = problems.removeLast();
            problems.add(new Problem(last.what(), last.mend() + "\n      (" + force + ")"));
        }
        return problems;
    }

    /** Without an IOMMU the device could reach all memory, and VFIO does not give it out. */
    List<Problem> iommu() {
        if (Sysfs.iommuGroup(device).isPresent()) {
            return List.of();
        }
        String commandLine = Sysfs.text(paths.proc().resolve("cmdline")).orElse("");
        return List.of(
                new Problem(address + " is in no IOMMU group: the IOMMU is off", IommuRules.switchingOn(commandLine)));
    }

    /** VFIO gives out whole groups: every device in it must be out of the kernel's hands, whatever bus it is on. */
    List<Problem> peers() {
        OptionalInt group = Sysfs.iommuGroup(device);
        if (group.isEmpty()) {
            return List.of();
        }
        List<Problem> problems = new ArrayList<>();
        Path members = paths.groupMembers(group.getAsInt());
        for (String name : Sysfs.names(members)) {
            Path peer = members.resolve(name);
            Optional<String> driver = Sysfs.driver(peer);
            boolean spoils = !name.equals(address.toString()) && !IommuRules.allowsBeside(driver.orElse(""));
            if (spoils) {
                problems.add(peer(name, driver.get(), group.getAsInt(), peer));
            }
        }
        return problems;
    }

    private Problem peer(String name, String driver, int group, Path peer) {
        OptionalLong code = Sysfs.pciClass(peer);
        String what = String.format(
                Locale.ROOT,
                "%s (%sdriver %s) shares IOMMU group %d with it, and VFIO gives out whole groups only",
                name,
                code.isPresent() ? String.format(Locale.ROOT, "class %06x, ", code.getAsLong()) : "",
                driver,
                group);
        boolean nvme = code.isPresent() && code.getAsLong() == PciHeader.CLASS_NVM_EXPRESS;
        String free = nvme
                ? "sluice bind " + name
                : "echo " + name + " > "
                        + Sysfs.realPath(peer.resolve("driver")).resolve("unbind");
        return new Problem(
                what, "if the host can do without " + name + ": " + free + "; else move the SSD to another slot");
    }

    /** vfio-pci and what userspace opens. */
    List<Problem> module() {
        if (!Files.isDirectory(paths.pciDriver(DriverSwitch.VFIO_PCI))) {
            return List.of(new Problem(
                    "the kernel's module vfio-pci is not loaded",
                    "modprobe vfio-pci (bind does that itself, once nothing else is in the way)"));
        }
        if (!Files.exists(paths.vfioContainer())) {
            return List.of(new Problem(
                    paths.vfioContainer() + " is not there",
                    "modprobe vfio; in a container, hand it in: --device " + paths.vfioContainer()));
        }
        return List.of();
    }
}

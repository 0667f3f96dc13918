package io.sluice.vfio;

import io.sluice.pci.IommuRules;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The devices that the IOMMU cannot tell apart, as sysfs shows them: VFIO gives away all of them or none.
 *
 * @param number of the group: its file is /dev/vfio/NUMBER
 * @param members PCI addresses and drivers, in order of address
 */
record IommuGroup(int number, List<Member> members) {
    /**
     * A device.
     *
     * @param address its name on its bus, which for a member that is not of PCI is no address
     * @param driver bound to it, or empty
     * @param driverFolder that driver's in sysfs, where it can be told to let go; or null
     */
    record Member(String address, String driver, Path driverFolder) {
        /** What takes it from its driver. */
        String freedBy() {
            return driver.equals("nvme")
                    ? "sluice bind " + address
                    : "echo " + address + " > " + driverFolder.resolve("unbind");
        }
    }

    /** What drives a device that may be given away. */
    private static final String VFIO_PCI = "vfio-pci";

    /**
     * Finds the group of a device that vfio-pci drives.
     *
     * @param sys where sysfs is
     * @param address such as 0000:01:00.0
     * @throws IOException if there is no such device, no IOMMU over it, or another driver has it; says what to do
     */
    static IommuGroup of(Path sys, String address) throws IOException {
        Path device = sys.resolve("bus/pci/devices").resolve(address);
        if (!Files.isDirectory(device)) {
            throw new IOException("there is no PCI device " + address + " on this host (`sluice list` shows those"
                    + " that are there)");
        }
        Path link = device.resolve("iommu_group");
        if (!Files.exists(link)) {
            throw new IOException("no IOMMU is over " + address + ", so nothing limits what it can write to: "
                    + IommuRules.switchingOn(""));
        }
        String driver = member(device).driver();
        if (!driver.equals(VFIO_PCI)) {
            String state = driver.isEmpty() ? "no driver has it" : "the driver " + driver + " has it";
            throw new IOException(
                    address + " is not bound to vfio-pci (" + state + "): run `sluice bind " + address + "` first");
        }
        Path group = link.toRealPath();
        return new IommuGroup(numberOf(group), members(group.resolve("devices")));
    }

    private static int numberOf(Path group) throws IOException {
        try {
            return Integer.parseInt(group.getFileName().toString());
        } catch (NumberFormatException e) {
            throw new IOException("the IOMMU group " + group + " has no number", e);
        }
    }

    private static List<Member> members(Path devices) throws IOException {
        List<Member> members = new ArrayList<>();
        try (var entries = Files.list(devices)) {
            for (Path entry : entries.sorted().toList()) {
                members.add(member(entry));
            }
        }
        return members;
    }

    private static Member member(Path device) throws IOException {
        String name = device.getFileName().toString();
        try {
            Path folder = device.resolve("driver").toRealPath();
            return new Member(name, folder.getFileName().toString(), folder);
        } catch (NoSuchFileException e) {
            return new Member(name, "", null);
        }
    }

    /** Why VFIO does not give the group away: the members that other drivers have, each with what takes it from its driver. */
    String spoilers() {
        List<String> spoilers = members.stream()
                .filter(member -> !IommuRules.allowsBeside(member.driver()))
                .map(member -> member.address() + " (driver " + member.driver() + "; if the host can do without it: "
                        + member.freedBy() + ")")
                .toList();
        return spoilers.isEmpty()
                ? "the kernel does not say because of which device"
                : "the IOMMU cannot tell it from " + String.join(", ", spoilers);
    }
}

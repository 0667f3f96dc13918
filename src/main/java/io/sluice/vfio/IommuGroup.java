package io.sluice.vfio;

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
     * @param driver bound to it, or empty
     */
    record Member(String address, String driver) {
        /** Whether VFIO puts up with it beside a device that is given away: nobody, or nobody who does DMA, drives it. */
        boolean isHarmless() {
            return driver.isEmpty()
                    || driver.startsWith("vfio")
                    || driver.equals("pci-stub")
                    || driver.equals("pcieport");
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
            throw new IOException("no IOMMU is over " + address + ", so nothing limits what it can write to: switch"
                    + " the IOMMU on in the firmware's set-up (VT-d, AMD-Vi) and on the kernel's command line"
                    + " (intel_iommu=on)");
        }
        String driver = driverOf(device);
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
                members.add(new Member(entry.getFileName().toString(), driverOf(entry.toRealPath())));
            }
        }
        return members;
    }

    private static String driverOf(Path device) throws IOException {
        try {
            return device.resolve("driver").toRealPath().getFileName().toString();
        } catch (NoSuchFileException e) {
            return "";
        }
    }

    /** Why VFIO does not give the group away: the members that other drivers have, with what to do. */
    String spoilers() {
        List<String> spoilers = members.stream()
                .filter(member -> !member.isHarmless())
                .map(member -> member.address() + " (driver " + member.driver() + ")")
                .toList();
        if (spoilers.isEmpty()) {
            return "the kernel does not say because of which device";
        }
        return "the IOMMU cannot tell it from " + String.join(", ", spoilers)
                + ": bind these to vfio-pci too, or leave them without a driver";
    }
}

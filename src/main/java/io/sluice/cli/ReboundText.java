package io.sluice.cli;

import io.sluice.hostpci.Rebound;

/** What bind and unbind did, in a line or two. */
final class ReboundText {
    private ReboundText() {}

    static String ofBind(Rebound rebound) {
        String group = rebound.iommuGroup().isPresent()
                ? ", IOMMU group " + rebound.iommuGroup().getAsInt() + " (/dev/vfio/"
                        + rebound.iommuGroup().getAsInt() + ")"
                : "";
        if (!rebound.changed()) {
            return rebound.address() + " is bound to vfio-pci already" + group + "\n";
        }
        return rebound.address() + ": " + rebound.before().orElse("no driver") + " -> vfio-pci" + group
                + "\nGive it back to the kernel with: sluice unbind " + rebound.address() + "\n";
    }

    static String ofUnbind(Rebound rebound) {
        String disks = rebound.namespaces().isEmpty()
                ? "no block device of it has shown up"
                : String.join(", ", rebound.namespaces());
        String now = rebound.now().orElse("no driver");
        return rebound.changed()
                ? rebound.address() + ": " + rebound.before().orElse("no driver") + " -> " + now + ": " + disks + "\n"
                : rebound.address() + " is not bound to vfio-pci; " + now + " has it: " + disks + "\n";
    }
}

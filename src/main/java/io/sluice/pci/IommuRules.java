package io.sluice.pci;

import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * What Linux asks before VFIO gives a device of an IOMMU group to a process, and what an operator does about it: said here once,
 * for whoever binds a device and for whoever opens it.
 */
public final class IommuRules {
    /** Drivers that do no DMA of their own. The kernel marks them (driver_managed_dma in struct device_driver). */
    private static final Set<String> WITHOUT_DMA = Set.of("pcieport", "pci-stub");

    /** vfio-pci, and its variants for single devices: mlx5_vfio_pci, nvgrace_gpu_vfio_pci, vfio-platform. */
    private static final String VFIO = "vfio";

    /** What switches an IOMMU off that the firmware has switched on. */
    private static final List<String> OFF = List.of("iommu=off", "intel_iommu=off", "amd_iommu=off");

    private IommuRules() {}

    /**
     * Whether VFIO puts up with a member of a group beside the one that it gives away. The same for all, bridges included.
     *
     * @param driver that has it; empty for none
     */
    public static boolean allowsBeside(String driver) {
        return driver.isEmpty() || WITHOUT_DMA.contains(driver) || driver.contains(VFIO);
    }

    /**
     * How to switch the IOMMU on, as a sentence without its end.
     *
     * @param kernelCommandLine as in /proc/cmdline; empty if unknown
     */
    public static String switchingOn(String kernelCommandLine) {
        List<String> words = Arrays.asList(kernelCommandLine.split("\\s+"));
        List<String> off = OFF.stream().filter(words::contains).toList();
        if (!off.isEmpty()) {
            return "remove " + String.join(" and ", off) + " from the kernel's command line and restart";
        }
        String firmware = "switch it on in the firmware's set-up (VT-d on Intel, AMD-Vi or IOMMU on AMD)";
        return words.contains("intel_iommu=on")
                ? firmware + "; the kernel's command line asks for it already"
                : firmware
                        + "; with an Intel processor also add intel_iommu=on to the kernel's command line (AMD needs no"
                        + " option); then restart";
    }
}

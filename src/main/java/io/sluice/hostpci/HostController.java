package io.sluice.hostpci;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * An NVMe controller of this host. Model, serial, firmware and size are known only while the kernel's own driver has it.
 *
 * @param address where it is
 * @param vendorId PCI vendor
 * @param deviceId PCI device
 * @param model model number
 * @param serial serial number
 * @param firmware firmware revision
 * @param bytes the sum of its namespaces
 * @param driver the driver that has it
 * @param iommuGroup its IOMMU group; none where the IOMMU is off
 * @param numaNode the NUMA node that it is at
 * @param namespaces the names of its block devices
 * @param uses who uses it, as far as could be seen
 */
public record HostController(
        PciAddress address,
        int vendorId,
        int deviceId,
        Optional<String> model,
        Optional<String> serial,
        Optional<String> firmware,
        OptionalLong bytes,
        Optional<String> driver,
        OptionalInt iommuGroup,
        OptionalInt numaNode,
        List<String> namespaces,
        List<Use> uses) {}

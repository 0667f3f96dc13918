package io.sluice.hostpci;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What bind or unbind came to.
 *
 * @param address the device
 * @param changed false where everything was as wanted already
 * @param before the driver that had it
 * @param now the driver that has it
 * @param iommuGroup its IOMMU group, if any
 * @param namespaces its block devices, after an unbind
 */
public record Rebound(
        PciAddress address,
        boolean changed,
        Optional<String> before,
        Optional<String> now,
        OptionalInt iommuGroup,
        List<String> namespaces) {}

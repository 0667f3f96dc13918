/**
 * PCI configuration space, capabilities and MSI-X as data: PCI Local Bus 3.0, PCI Express Base 3.0, PCI Power Management
 * 1.2.
 *
 * <p>Both sides use it: {@link io.sluice.pci.ConfigSpace} is what a device shows and how it takes writes;
 * {@link io.sluice.pci.PciHeader} and {@link io.sluice.pci.Capabilities} are how a driver reads another device's. It
 * imports io.sluice.mem only and knows nothing of NVMe or of any transport.
 *
 * <p>Start with {@link io.sluice.pci.ConfigSpace}.
 */
package io.sluice.pci;

/**
 * The two ports into which everything plugs: {@link io.sluice.device.PciFunction}, the device side, and
 * {@link io.sluice.device.PciDevice}, the driver side; interrupt lines; and {@link io.sluice.device.Loopback}, which joins
 * the two in one process.
 *
 * <p>May import {@code dma}, {@code pci}, {@code mem}, {@code linux}.
 */
package io.sluice.device;

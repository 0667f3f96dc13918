/**
 * A physical PCI device as a {@link io.sluice.device.PciDevice}, through the kernel's VFIO: its BARs mapped into this process,
 * its interrupts on eventfds, its DMA limited by the IOMMU to what was mapped for it.
 *
 * <pre>
 *   VfioDevice ──▶ Iommu ◀── Type1: /dev/vfio/vfio and /dev/vfio/GROUP
 *     │  │  └───▶ DeviceInterrupts, BarMaps
 *     └──┴──────▶ Kernel: open, ioctl, mmap, pread, pwrite
 * </pre>
 *
 * <p>May import {@code linux}, {@code uapi}, {@code mem}, {@code dma}, {@code device} and {@code pci}. Start at {@link
 * io.sluice.vfio.VfioDevice}, then {@link io.sluice.vfio.Iommu}.
 */
package io.sluice.vfio;

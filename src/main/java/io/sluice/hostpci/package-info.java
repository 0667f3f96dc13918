/**
 * The host's PCI devices as Linux shows them in sysfs: which NVMe controllers there are, who uses them, and how one is
 * taken from the kernel's driver for vfio-pci and given back.
 *
 * <p>Nothing is touched before everything has been looked at: a refusal names all that is in the way, and with each the
 * command that mends it. Where sysfs, procfs and /dev are is handed in ({@link io.sluice.hostpci.HostPaths}), and so is
 * all that does more than read ({@link io.sluice.hostpci.HostKernel}), so that tests have a host of their own.
 *
 * <p>May import {@code linux} and {@code pci}. Start reading at {@link io.sluice.hostpci.Binder}, then
 * {@link io.sluice.hostpci.Inventory} and {@code Usage}.
 */
package io.sluice.hostpci;

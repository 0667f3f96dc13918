/**
 * The NVMe driver: brings a controller up, runs its admin queue, and gives out I/O queue pairs, over any {@link
 * io.sluice.device.PciDevice}.
 *
 * <p>The device is not trusted: what it writes is checked, what it should do is awaited with a deadline. A failed command
 * is a {@link io.sluice.host.CommandFailed}, a failed device a {@link io.sluice.host.DeviceFailure}.
 *
 * <p>What does not end in time, or cannot be true, leads to {@link io.sluice.host.Recovery}: Abort, reset, death. Commands that
 * it ends have a {@link io.sluice.host.DriverStatus}.
 *
 * <p>May import {@code nvme}, {@code device}, {@code dma}, {@code pci}, {@code mem}, {@code linux}, {@code poll} and {@code
 * count}. Logs by slf4j, never on the way of a command: what it could mend by itself, and what a listener has done wrong.
 *
 * <p>Start at {@link io.sluice.host.NvmeDriver}, then {@link io.sluice.host.BringUp} and {@link io.sluice.host.QueuePair}, whose
 * life {@link io.sluice.host.PairState} draws.
 */
package io.sluice.host;

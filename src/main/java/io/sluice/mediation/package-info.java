/**
 * Many guests' controllers on one NVMe device: their I/O queues are relayed to the device's, which moves the data straight
 * to and from the guests' memory.
 *
 * <pre>
 *   controller (one a guest) ─▶ MediatedPath ─▶ HostQueue (a queue pair of the device) ─▶ SSD
 *             checked command     slice + LBA     slot, PRPs of the device's addresses
 * </pre>
 *
 * <p>May import controller, host, nvme, device, dma, mem and poll. Start with {@link io.sluice.mediation.MediatedPath}, then
 * {@link io.sluice.mediation.SharedDevice}.
 */
package io.sluice.mediation;

/**
 * The vfio-user server: any {@link io.sluice.device.PciFunction} behind a Unix socket, for QEMU and other clients.
 *
 * <pre>
 *   VfioUserServer     one thread: accept ──▶ serve one client to its end ──▶ accept the next, who waited in the backlog
 *   ClientConnection   one client: VERSION ──▶ attach ──▶ messages, each in its turn ──▶ detach, unmap, close
 *   DmaBatch           DMA_MAPs and DMA_UNMAPs that have arrived back to back: one transaction
 *   …Requests          what the other messages ask for, as calls of the function
 * </pre>
 *
 * <p>Everything that a client sends is checked here before the function hears of it: sizes, ranges, descriptors. What is
 * wrong with one message is told in its reply; what is wrong with the stream ends the connection; a bug in a function or in
 * here ends the connection too, and the server serves the next client.
 *
 * <p>May import {@code linux}, {@code dma}, {@code device}, {@code mem}. Start at {@link
 * io.sluice.vfiouser.server.VfioUserServer}.
 */
package io.sluice.vfiouser.server;

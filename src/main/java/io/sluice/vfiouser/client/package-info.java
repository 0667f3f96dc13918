/**
 * The client of the vfio-user protocol: a {@link io.sluice.device.PciDevice} whose device is a server at the other end of
 * a socket, in this or another program.
 *
 * <p>The server is not trusted: replies are bounded, checked and waited for no longer than a deadline.
 *
 * <p>May import {@code vfiouser}, {@code device}, {@code dma}, {@code mem}, {@code linux}. Start at {@link
 * io.sluice.vfiouser.client.VfioUserClient}.
 */
package io.sluice.vfiouser.client;

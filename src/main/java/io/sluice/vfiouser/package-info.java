/**
 * The vfio-user protocol, as QEMU's {@code docs/interop/vfio-user.rst} specifies it: commands, message layouts and framing,
 * shared by the server of a {@link io.sluice.device.PciFunction} and the client that is a {@link
 * io.sluice.device.PciDevice}.
 *
 * <pre>
 *   0      2         4            8         12        16
 *   +------+---------+------------+---------+---------+----------------
 *   |  id  | command | total size |  flags  |  errno  |  body ...         little endian
 *   +------+---------+------------+---------+---------+----------------
 *   descriptors (SCM_RIGHTS) travel with the header's bytes
 * </pre>
 *
 * <p>May import {@code linux}, {@code dma}, {@code device}, {@code pci}. Start at {@link io.sluice.vfiouser.Header} and
 * {@link io.sluice.vfiouser.Command}.
 */
package io.sluice.vfiouser;

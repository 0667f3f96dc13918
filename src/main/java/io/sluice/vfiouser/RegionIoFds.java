package io.sluice.vfiouser;

import java.nio.ByteBuffer;

/**
 * The fixed part of DEVICE_GET_REGION_IO_FDS and of its reply (vfio-user, "VFIO_USER_DEVICE_GET_REGION_IO_FDS"). This
 * project offers no such descriptors, so nothing ever follows it.
 *
 * <pre>
 *   0  argsz u32   4  flags u32   8  index u32   12  count u32
 * </pre>
 *
 * @param argsz request: room for the reply's body, in bytes; reply: its size
 * @param flags zero
 * @param index of the region
 * @param count request: zero; reply: number of sub-regions
 */
public record RegionIoFds(long argsz, int flags, int index, long count) {
    /** Size of the fixed part in bytes. */
    public static final int BYTES = 16;

    public static RegionIoFds decode(ByteBuffer body) throws VfioUserException {
        Wire.requireAtLeast(body, BYTES, "DEVICE_GET_REGION_IO_FDS");
        int bodyBytes = body.remaining();
        RegionIoFds fds = new RegionIoFds(
                Wire.unsigned(body.getInt()), body.getInt(), body.getInt(), Wire.unsigned(body.getInt()));
        Wire.requireRoom(bodyBytes, fds.argsz, BYTES, "DEVICE_GET_REGION_IO_FDS");
        return fds;
    }

    public void encode(ByteBuffer out) {
        Wire.littleEndian(out);
        out.putInt((int) argsz);
        out.putInt(flags);
        out.putInt(index);
        out.putInt((int) count);
    }
}

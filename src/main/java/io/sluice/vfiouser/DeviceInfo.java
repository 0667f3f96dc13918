package io.sluice.vfiouser;

import java.nio.ByteBuffer;

/**
 * The body of DEVICE_GET_INFO and of its reply (vfio-user, "VFIO_USER_DEVICE_GET_INFO").
 *
 * <pre>
 *   0  argsz u32   4  flags u32   8  num_regions u32   12  num_irqs u32
 * </pre>
 *
 * @param argsz request: room for the reply's body, in bytes; reply: its size
 * @param flags {@link #RESET}, {@link #PCI}
 * @param regionCount number of region indexes
 * @param interruptKinds number of interrupt indexes
 */
public record DeviceInfo(long argsz, int flags, int regionCount, int interruptKinds) {
    /** Size of the body in bytes. */
    public static final int BYTES = 16;

    /** VFIO_DEVICE_FLAGS_RESET: DEVICE_RESET works. */
    public static final int RESET = 0x1;

    /** VFIO_DEVICE_FLAGS_PCI: it is a PCI device. */
    public static final int PCI = 0x2;

    public static DeviceInfo decode(ByteBuffer body) throws VfioUserException {
        Wire.requireAtLeast(body, BYTES, "DEVICE_GET_INFO");
        int bodyBytes = body.remaining();
        DeviceInfo info = new DeviceInfo(Wire.unsigned(body.getInt()), body.getInt(), body.getInt(), body.getInt());
        Wire.requireRoom(bodyBytes, info.argsz, BYTES, "DEVICE_GET_INFO");
        return info;
    }

    public void encode(ByteBuffer out) {
        Wire.littleEndian(out);
        out.putInt((int) argsz);
        out.putInt(flags);
        out.putInt(regionCount);
        out.putInt(interruptKinds);
    }
}

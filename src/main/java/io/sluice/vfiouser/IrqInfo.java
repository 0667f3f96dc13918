package io.sluice.vfiouser;

import java.nio.ByteBuffer;

/**
 * The body of DEVICE_GET_IRQ_INFO and of its reply (vfio-user, "VFIO_USER_DEVICE_GET_IRQ_INFO").
 *
 * <pre>
 *   0  argsz u32   4  flags u32   8  index u32   12  count u32
 * </pre>
 *
 * @param argsz request: room for the reply's body, in bytes; reply: its size
 * @param flags {@link #EVENTFD}, {@link #MASKABLE}, {@link #AUTOMASKED}, {@link #NORESIZE}
 * @param index {@link io.sluice.device.InterruptKind#index}
 * @param count number of interrupts of the kind
 */
public record IrqInfo(long argsz, int flags, int index, long count) {
    /** Size of the body in bytes. */
    public static final int BYTES = 16;

    /** VFIO_IRQ_INFO_EVENTFD: eventfds can be signalled. */
    public static final int EVENTFD = 0x1;

    /** VFIO_IRQ_INFO_MASKABLE: the actions mask and unmask work. */
    public static final int MASKABLE = 0x2;

    /** VFIO_IRQ_INFO_AUTOMASKED: masks itself when it is raised, and waits to be unmasked. */
    public static final int AUTOMASKED = 0x4;

    /** VFIO_IRQ_INFO_NORESIZE: set up all at once only. */
    public static final int NORESIZE = 0x8;

    public static IrqInfo decode(ByteBuffer body) throws VfioUserException {
        Wire.requireAtLeast(body, BYTES, "DEVICE_GET_IRQ_INFO");
        int bodyBytes = body.remaining();
        IrqInfo info =
                new IrqInfo(Wire.unsigned(body.getInt()), body.getInt(), body.getInt(), Wire.unsigned(body.getInt()));
        Wire.requireRoom(bodyBytes, info.argsz, BYTES, "DEVICE_GET_IRQ_INFO");
        return info;
    }

    public void encode(ByteBuffer out) {
        Wire.littleEndian(out);
        out.putInt((int) argsz);
        out.putInt(flags);
        out.putInt(index);
        out.putInt((int) count);
    }
}

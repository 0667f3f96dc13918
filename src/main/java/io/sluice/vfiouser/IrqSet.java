package io.sluice.vfiouser;

import java.nio.ByteBuffer;

/**
 * The body of DEVICE_SET_IRQS (vfio-user, "VFIO_USER_DEVICE_SET_IRQS"). Eventfds travel as descriptors, not in the body.
 *
 * <pre>
 *   0  argsz u32   4  flags u32   8  index u32   12  start u32   16  count u32   20  one byte a boolean, with DATA_BOOL
 * </pre>
 *
 * @param argsz size of this structure with its booleans, in bytes
 * @param flags one of the DATA flags and one of the ACTION flags
 * @param index {@link io.sluice.device.InterruptKind#index}
 * @param start first interrupt
 * @param count number of interrupts
 * @param booleans with {@link #DATA_BOOL}, one a selected interrupt: 0 to leave it out; else empty. Not copied
 */
@SuppressWarnings("ArrayRecordComponent") // never compared; copied from the wire once and read once
public record IrqSet(long argsz, int flags, int index, long start, long count, byte[] booleans) {
    /** Size of the fixed part in bytes. */
    public static final int FIXED_BYTES = 20;

    /** VFIO_IRQ_SET_DATA_NONE. */
    public static final int DATA_NONE = 0x1;

    /** VFIO_IRQ_SET_DATA_BOOL. */
    public static final int DATA_BOOL = 0x2;

    /** VFIO_IRQ_SET_DATA_EVENTFD. */
    public static final int DATA_EVENTFD = 0x4;

    /** VFIO_IRQ_SET_ACTION_MASK. */
    public static final int ACTION_MASK = 0x8;

    /** VFIO_IRQ_SET_ACTION_UNMASK. */
    public static final int ACTION_UNMASK = 0x10;

    /** VFIO_IRQ_SET_ACTION_TRIGGER. */
    public static final int ACTION_TRIGGER = 0x20;

    private static final int DATA_FLAGS = DATA_NONE | DATA_BOOL | DATA_EVENTFD;
    private static final int ACTION_FLAGS = ACTION_MASK | ACTION_UNMASK | ACTION_TRIGGER;
    private static final byte[] NO_BOOLEANS = {};

    /** A message without booleans. */
    public static IrqSet of(int flags, int index, long start, long count) {
        return new IrqSet(FIXED_BYTES, flags, index, start, count, NO_BOOLEANS);
    }

    /** Reads a body and checks its size; the values are for the caller to check. */
    public static IrqSet decode(ByteBuffer body) throws VfioUserException {
        Wire.requireAtLeast(body, FIXED_BYTES, "DEVICE_SET_IRQS");
        long argsz = Wire.unsigned(body.getInt());
        int flags = body.getInt();
        int index = body.getInt();
        long start = Wire.unsigned(body.getInt());
        long count = Wire.unsigned(body.getInt());
        boolean isBool = (flags & DATA_FLAGS) == DATA_BOOL;
        Wire.requireExactly(body, isBool ? count : 0, "DEVICE_SET_IRQS, after its fixed part,");
        byte[] booleans = isBool ? new byte[body.remaining()] : NO_BOOLEANS;
        body.get(booleans);
        if (argsz != FIXED_BYTES + booleans.length) {
            throw Wire.invalid("DEVICE_SET_IRQS has argsz " + argsz + " and " + (FIXED_BYTES + booleans.length)
                    + " bytes; they must agree");
        }
        return new IrqSet(argsz, flags, index, start, count, booleans);
    }

    public void encode(ByteBuffer out) {
        Wire.littleEndian(out);
        out.putInt((int) argsz);
        out.putInt(flags);
        out.putInt(index);
        out.putInt((int) start);
        out.putInt((int) count);
        out.put(booleans);
    }

    /** The DATA flags alone: one of them, or nonsense. */
    public int data() {
        return flags & DATA_FLAGS;
    }

    /** The ACTION flags alone: one of them, or nonsense. */
    public int action() {
        return flags & ACTION_FLAGS;
    }

    /** Flags that no version of the protocol has. */
    public int unknownFlags() {
        return flags & ~(DATA_FLAGS | ACTION_FLAGS);
    }

    @Override
    public String toString() {
        return "DEVICE_SET_IRQS index " + Integer.toUnsignedString(index) + ", flags " + Wire.hex(flags) + ", start "
                + start + ", count " + count;
    }
}

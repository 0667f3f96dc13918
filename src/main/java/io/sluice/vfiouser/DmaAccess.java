package io.sluice.vfiouser;

import java.nio.ByteBuffer;

/**
 * What begins the bodies of DMA_READ, DMA_WRITE and their replies (vfio-user, "VFIO_USER_DMA_READ"); data may follow.
 *
 * <pre>
 *   0  address u64   8  count u64   16  data: in a read's reply, in a write's request
 * </pre>
 *
 * <p>A write's reply may also have no body at all: QEMU's has none.
 *
 * @param address of the client's, unsigned
 * @param count bytes of data, unsigned
 */
public record DmaAccess(long address, long count) {
    /** Size of the part without data, in bytes. */
    public static final int BYTES = 16;

    /** Reads a DMA_READ's request, or a DMA_WRITE's reply that has a body. */
    public static DmaAccess decode(ByteBuffer body, String what) throws VfioUserException {
        Wire.requireExactly(body, BYTES, what);
        return new DmaAccess(body.getLong(), body.getLong());
    }

    /** Reads what begins a DMA_WRITE's request, or a DMA_READ's reply, and leaves the buffer at the data. */
    public static DmaAccess decodeWithData(ByteBuffer body, String what) throws VfioUserException {
        Wire.requireAtLeast(body, BYTES, what);
        DmaAccess access = new DmaAccess(body.getLong(), body.getLong());
        Wire.requireExactly(body, access.count, what + ", after its fixed part,");
        return access;
    }

    public void encode(ByteBuffer out) {
        Wire.littleEndian(out);
        out.putLong(address);
        out.putLong(count);
    }

    @Override
    public String toString() {
        return Long.toUnsignedString(count) + " bytes at " + Wire.hex(address);
    }
}

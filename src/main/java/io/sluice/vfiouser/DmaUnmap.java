package io.sluice.vfiouser;

import java.nio.ByteBuffer;

/**
 * The body of DMA_UNMAP and of its reply (vfio-user, "VFIO_USER_DMA_UNMAP"; flags as in {@code <linux/vfio.h>}).
 *
 * <pre>
 *   0  argsz u32   4  flags u32   8  address u64   16  size u64
 * </pre>
 *
 * @param argsz room for the reply's body, in bytes
 * @param flags {@link #DIRTY_BITMAP}, {@link #ALL}
 * @param address of the region, exactly as it was mapped; 0 with {@link #ALL}
 * @param size of the region in bytes, exactly as it was mapped; 0 with {@link #ALL}
 */
public record DmaUnmap(long argsz, int flags, long address, long size) {
    /** Size of the body in bytes. */
    public static final int BYTES = 24;

    /** VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP: report what the device has written. */
    public static final int DIRTY_BITMAP = 0x1;

    /** VFIO_DMA_UNMAP_FLAG_ALL: every region there is. */
    public static final int ALL = 0x2;

    /** Reads a request; a dirty bitmap's description may follow the fixed part. */
    public static DmaUnmap decode(ByteBuffer body) throws VfioUserException {
        Wire.requireAtLeast(body, BYTES, "DMA_UNMAP");
        int bodyBytes = body.remaining();
        DmaUnmap unmap = new DmaUnmap(Wire.unsigned(body.getInt()), body.getInt(), body.getLong(), body.getLong());
        Wire.requireRoom(bodyBytes, unmap.argsz, BYTES, "DMA_UNMAP");
        return unmap;
    }

    public void encode(ByteBuffer out) {
        Wire.littleEndian(out);
        out.putInt((int) argsz);
        out.putInt(flags);
        out.putLong(address);
        out.putLong(size);
    }

    public boolean isAll() {
        return (flags & ALL) != 0;
    }

    @Override
    public String toString() {
        return isAll()
                ? "DMA_UNMAP of everything"
                : "DMA_UNMAP of " + Wire.hex(size) + " bytes at " + Wire.hex(address) + ", flags " + Wire.hex(flags);
    }
}

package io.sluice.vfiouser;

import java.nio.ByteBuffer;

/**
 * The body of DMA_MAP (vfio-user, "VFIO_USER_DMA_MAP").
 *
 * <pre>
 *   0  argsz u32   4  flags u32   8  offset u64   16  address u64   24  size u64
 * </pre>
 *
 * @param argsz size of this structure
 * @param flags {@link #READABLE}, {@link #WRITABLE}
 * @param offset of the region in the file whose descriptor comes along, in bytes; 0 where none does
 * @param address of the region as the device sees it; any 64-bit number
 * @param size in bytes, unsigned
 */
public record DmaMap(long argsz, int flags, long offset, long address, long size) {
    /** Size of the body in bytes. */
    public static final int BYTES = 32;

    /** flags, bit 0: the device may read the region. */
    public static final int READABLE = 0x1;

    /** flags, bit 1: the device may write the region. */
    public static final int WRITABLE = 0x2;

    public static DmaMap decode(ByteBuffer body) throws VfioUserException {
        Wire.requireExactly(body, BYTES, "DMA_MAP");
        DmaMap map =
                new DmaMap(Wire.unsigned(body.getInt()), body.getInt(), body.getLong(), body.getLong(), body.getLong());
        Wire.requireRoom(BYTES, map.argsz, BYTES, "DMA_MAP");
        return map;
    }

    public void encode(ByteBuffer out) {
        Wire.littleEndian(out);
        out.putInt((int) argsz);
        out.putInt(flags);
        out.putLong(offset);
        out.putLong(address);
        out.putLong(size);
    }

    public boolean readable() {
        return (flags & READABLE) != 0;
    }

    public boolean writable() {
        return (flags & WRITABLE) != 0;
    }

    @Override
    public String toString() {
        return "DMA_MAP of " + Wire.hex(size) + " bytes at " + Wire.hex(address) + ", file offset " + Wire.hex(offset)
                + ", flags " + Wire.hex(flags);
    }
}

package io.sluice.vfiouser;

import java.nio.ByteBuffer;

/**
 * What begins the bodies of REGION_READ, REGION_WRITE and their replies (vfio-user, "VFIO_USER_REGION_READ"); data may
 * follow.
 *
 * <pre>
 *   0  offset u64   8  region u32   12  count u32   16  data: in a read's reply, in a write's request
 * </pre>
 *
 * @param offset in the region, in bytes, unsigned
 * @param region index
 * @param count bytes of data
 */
public record RegionAccess(long offset, int region, long count) {
    /** Size of the part without data, in bytes. */
    public static final int BYTES = 16;

    /** Reads a REGION_READ's request. */
    public static RegionAccess decodeRead(ByteBuffer body) throws VfioUserException {
        Wire.requireExactly(body, BYTES, "REGION_READ");
        return decode(body);
    }

    /** Reads what begins a REGION_WRITE's request, or a REGION_READ's reply, and leaves the buffer at the data. */
    public static RegionAccess decodeWithData(ByteBuffer body, String what) throws VfioUserException {
        Wire.requireAtLeast(body, BYTES, what);
        RegionAccess access = decode(body);
        Wire.requireExactly(body, access.count, what + ", after its fixed part,");
        return access;
    }

    /** Reads a REGION_WRITE's reply. */
    public static RegionAccess decodeWriteReply(ByteBuffer body) throws VfioUserException {
        Wire.requireExactly(body, BYTES, "the reply to REGION_WRITE");
        return decode(body);
    }

    private static RegionAccess decode(ByteBuffer body) {
        return new RegionAccess(body.getLong(), body.getInt(), Wire.unsigned(body.getInt()));
    }

    public void encode(ByteBuffer out) {
        Wire.littleEndian(out);
        out.putLong(offset);
        out.putInt(region);
        out.putInt((int) count);
    }

    @Override
    public String toString() {
        return count + " bytes at " + Wire.hex(offset) + " of region " + Integer.toUnsignedString(region);
    }
}

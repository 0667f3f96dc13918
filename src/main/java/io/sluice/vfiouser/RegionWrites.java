package io.sluice.vfiouser;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The body of REGION_WRITE_MULTI (vfio-user, "VFIO_USER_REGION_WRITE_MULTI"). Its reply is the u64 number of writes done.
 *
 * <pre>
 *   0  wr_cnt u64   8  per write:  +0 offset u64   +8 region u32   +12 count u32   +16 data, always 8 bytes
 * </pre>
 *
 * @param writes in the order in which they are done
 */
public record RegionWrites(List<Write> writes) {
    /** Size of the part before the writes, and of the reply, in bytes. */
    public static final int FIXED_BYTES = 8;

    /** The most bytes that one of the writes carries. */
    public static final int MAX_DATA_BYTES = 8;

    private static final int WRITE_BYTES = RegionAccess.BYTES + MAX_DATA_BYTES;

    /**
     * One of the writes.
     *
     * @param access where; its count is as sent, and may be wrong
     * @param data always 8 bytes, of which the first {@code count} are to be written. Not copied
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared; copied from the wire once and read once
    public record Write(RegionAccess access, byte[] data) {}

    public RegionWrites {
        writes = List.copyOf(writes);
    }

    public static RegionWrites decode(ByteBuffer body) throws VfioUserException {
        Wire.requireAtLeast(body, FIXED_BYTES, "REGION_WRITE_MULTI");
        long count = body.getLong();
        // Compared by division: the count is the peer's, and a product could wrap.
        if (count != body.remaining() / WRITE_BYTES || body.remaining() % WRITE_BYTES != 0) {
            throw Wire.invalid("REGION_WRITE_MULTI announces " + Long.toUnsignedString(count) + " writes of "
                    + WRITE_BYTES + " bytes and has " + body.remaining() + " bytes of them");
        }
        List<Write> writes = new ArrayList<>();
        while (body.hasRemaining()) {
            RegionAccess access = new RegionAccess(body.getLong(), body.getInt(), Wire.unsigned(body.getInt()));
            byte[] data = new byte[MAX_DATA_BYTES];
            body.get(data);
            writes.add(new Write(access, data));
        }
        return new RegionWrites(writes);
    }

    /** Size of the body in bytes. */
    public int bytes() {
        return FIXED_BYTES + writes.size() * WRITE_BYTES;
    }

    public void encode(ByteBuffer out) {
        Wire.littleEndian(out);
        out.putLong(writes.size());
        for (Write write : writes) {
            write.access.encode(out);
            out.put(write.data, 0, MAX_DATA_BYTES);
        }
    }
}

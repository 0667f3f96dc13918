package io.sluice.vfiouser;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The body of DEVICE_GET_REGION_INFO and of its reply (vfio-user, "VFIO_USER_DEVICE_GET_REGION_INFO", and {@code struct
 * vfio_region_info} in {@code <linux/vfio.h>}).
 *
 * <pre>
 *    0  argsz u32    4  flags u32   8  index u32   12  cap_offset u32   16  size u64   24  offset u64
 *   and where parts may be mapped, at cap_offset (32 in what is written here):
 *   +0  id u16 = 1  +2  version u16 = 1   +4  next u32 = 0            VFIO_REGION_INFO_CAP_SPARSE_MMAP
 *   +8  nr_areas u32   +12  reserved u32   then per area:  offset u64, size u64
 * </pre>
 *
 * @param argsz request: room for the reply's body, in bytes; reply: the size of the full one, even if it did not fit
 * @param flags {@link #READ}, {@link #WRITE}, {@link #MMAP}, {@link #CAPS}
 * @param index of the region
 * @param size of the region in bytes, unsigned
 * @param offset of the region in the file that comes along
 * @param areas the parts that may be mapped, if only parts of the region may
 */
public record RegionInfo(long argsz, int flags, int index, long size, long offset, List<Area> areas) {
    /** Size of the fixed part in bytes. */
    public static final int FIXED_BYTES = 32;

    /** VFIO_REGION_INFO_FLAG_READ. */
    public static final int READ = 0x1;

    /** VFIO_REGION_INFO_FLAG_WRITE. */
    public static final int WRITE = 0x2;

    /** VFIO_REGION_INFO_FLAG_MMAP: may be mapped; a descriptor comes along. */
    public static final int MMAP = 0x4;

    /** VFIO_REGION_INFO_FLAG_CAPS: capabilities follow. */
    public static final int CAPS = 0x8;

    private static final int SPARSE_MMAP = 1;
    private static final int SPARSE_MMAP_VERSION = 1;
    private static final int CAP_HEADER_BYTES = 8;
    private static final int SPARSE_HEADER_BYTES = 16;

    /** A chain of capabilities longer than this is taken for a loop. */
    private static final int MAX_CAPS = 16;

    /**
     * A part of a region that may be mapped.
     *
     * @param offset from the region's start, in bytes
     * @param size in bytes
     */
    public record Area(long offset, long size) {
        static final int BYTES = 16;
    }

    public RegionInfo {
        areas = List.copyOf(areas);
    }

    /** A request. */
    public static RegionInfo request(long argsz, int index) {
        return new RegionInfo(argsz, 0, index, 0, 0, List.of());
    }

    /** Reads a request: only argsz and index count. */
    public static RegionInfo decodeRequest(ByteBuffer body) throws VfioUserException {
        Wire.requireAtLeast(body, FIXED_BYTES, "DEVICE_GET_REGION_INFO");
        int bodyBytes = body.remaining();
        long argsz = Wire.unsigned(body.getInt());
        body.getInt();
        int index = body.getInt();
        Wire.requireRoom(bodyBytes, argsz, FIXED_BYTES, "DEVICE_GET_REGION_INFO");
        return request(argsz, index);
    }

    /** Reads a reply, of which capabilities may be missing where argsz says that they did not fit. */
    public static RegionInfo decodeReply(ByteBuffer body) throws VfioUserException {
        Wire.requireAtLeast(body, FIXED_BYTES, "DEVICE_GET_REGION_INFO");
        ByteBuffer whole = body.slice();
        Wire.littleEndian(whole);
        long argsz = Wire.unsigned(body.getInt());
        int flags = body.getInt();
        int index = body.getInt();
        long capOffset = Wire.unsigned(body.getInt());
        long size = body.getLong();
        long offset = body.getLong();
        boolean complete = (flags & CAPS) != 0 && argsz <= whole.limit();
        return new RegionInfo(argsz, flags, index, size, offset, complete ? areas(whole, capOffset) : List.of());
    }

    private static List<Area> areas(ByteBuffer whole, long firstOffset) throws VfioUserException {
        List<Area> areas = new ArrayList<>();
        long at = firstOffset;
        for (int caps = 0; at != 0; caps++) {
            if (caps == MAX_CAPS || at < FIXED_BYTES || at > whole.limit() - CAP_HEADER_BYTES) {
                throw Wire.invalid("a region's capability at offset " + at + " is out of place");
            }
            int position = (int) at;
            if (Short.toUnsignedInt(whole.getShort(position)) == SPARSE_MMAP) {
                readAreas(whole, position, areas);
            }
            at = Wire.unsigned(whole.getInt(position + Integer.BYTES));
        }
        return areas;
    }

    private static void readAreas(ByteBuffer whole, int position, List<Area> areas) throws VfioUserException {
        int first = position + SPARSE_HEADER_BYTES;
        if (first > whole.limit()) {
            throw Wire.invalid("a region's sparse mmap capability is cut off");
        }
        long count = Wire.unsigned(whole.getInt(position + CAP_HEADER_BYTES));
        if (count > (whole.limit() - first) / Area.BYTES) {
            throw Wire.invalid("a region's sparse mmap capability claims " + count + " areas, more than it has");
        }
        for (int i = 0; i < (int) count; i++) {
            int area = first + i * Area.BYTES;
            areas.add(new Area(whole.getLong(area), whole.getLong(area + Long.BYTES)));
        }
    }

    /** Size of the whole body in bytes. */
    public int bytes() {
        return bytesWith(areas.size());
    }

    /** Size in bytes of a body that names so many areas. */
    public static int bytesWith(int areaCount) {
        return FIXED_BYTES + (areaCount == 0 ? 0 : SPARSE_HEADER_BYTES + areaCount * Area.BYTES);
    }

    /** Writes the body. */
    public void encode(ByteBuffer out) {
        Wire.littleEndian(out);
        out.putInt((int) argsz);
        out.putInt(flags);
        out.putInt(index);
        out.putInt(areas.isEmpty() ? 0 : FIXED_BYTES);
        out.putLong(size);
        out.putLong(offset);
        if (areas.isEmpty()) {
            return;
        }
        out.putShort((short) SPARSE_MMAP);
        out.putShort((short) SPARSE_MMAP_VERSION);
        out.putInt(0);
        out.putInt(areas.size());
        out.putInt(0);
        for (Area area : areas) {
            out.putLong(area.offset);
            out.putLong(area.size);
        }
    }
}

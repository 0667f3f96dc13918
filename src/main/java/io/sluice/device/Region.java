package io.sluice.device;

import io.sluice.linux.Fd;
import java.util.Optional;

/**
 * One region of a PCI function as VFIO numbers them: BAR 0 to 5, the expansion ROM, configuration space.
 *
 * @param index 0 to {@link #COUNT} - 1
 * @param bytes its size; 0 where the function has no such region
 * @param mappable the part that a driver may map and then access without a message, if any; all else goes by messages
 */
public record Region(int index, long bytes, Optional<Mappable> mappable) {
    public static final int BAR0 = 0;
    public static final int BAR5 = 5;
    public static final int ROM = 6;
    public static final int CONFIG = 7;
    public static final int VGA = 8;
    /** Number of region indexes that a PCI function has. */
    public static final int COUNT = 9;

    /**
     * The part of a region that is memory shared with the driver.
     *
     * @param memory what to map; owned by the function, valid for the client that is attached: the next one gets another
     * @param offset where the part begins, in bytes from the region's start; a multiple of the page size. The region's byte
     *     at {@code offset} is the memory's byte at {@code offset}: the file is laid out as the region is
     * @param bytes its length, a multiple of the page size
     */
    public record Mappable(Fd memory, long offset, long bytes) {}

    /** A region that the function does not have. */
    public static Region absent(int index) {
        return new Region(index, 0, Optional.empty());
    }

    /** A region that is reached by messages only. */
    public static Region plain(int index, long bytes) {
        return new Region(index, bytes, Optional.empty());
    }
}

package io.sluice.dma;

import io.sluice.mem.Memory;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * One entry of the tables that readers translate by: the difference to the address that it leads to, and what is allowed.
 *
 * <pre>
 *    63                        12 11       3  2  1  0
 *   |   address - guest address     |  zero  | P| W| R|       0: not here, ask the index
 * </pre>
 *
 * <p>Entries are loaded and stored whole (opaque), in any order: each one is true by itself.
 */
final class Entry {
    static final int PAGE_SHIFT = 12;
    static final long PAGE_BYTES = Memory.PAGE_BYTES;
    /** Guest RAM comes in multiples of it, apart from the lowest megabyte; so do hugepages. */
    static final int GRANULE_SHIFT = 21;

    static final long GRANULE_BYTES = 1L << GRANULE_SHIFT;

    /** Always asked for together with the access, so that not even an access of 0 finds an entry of 0 good. */
    private static final int PRESENT = 4;

    private static final VarHandle ELEMENT = MethodHandles.arrayElementVarHandle(long[].class);

    private Entry() {}

    static long of(DmaRegion region) {
        return region.extent == null ? 0 : region.delta | region.access | PRESENT;
    }

    static boolean allows(long entry, int access) {
        int wanted = access | PRESENT;
        return (entry & wanted) == wanted;
    }

    static long address(long entry, long gpa) {
        return gpa + (entry & -PAGE_BYTES);
    }

    static boolean inGranule(long gpa, int bytes) {
        return (gpa & (GRANULE_BYTES - 1)) + bytes <= GRANULE_BYTES;
    }

    static boolean inPage(long gpa, int bytes) {
        return (gpa & (PAGE_BYTES - 1)) + bytes <= PAGE_BYTES;
    }

    /** The block (of {@code 1 << shift} bytes) in which an address is. */
    static long block(long gpa, int shift) {
        return gpa >>> shift;
    }

    /** How many blocks from address 0 on end at or below {@code last}. */
    static long blocksUpTo(long last, int shift) {
        // last + 1 may be 2^64, which is no block less.
        return last == -1 ? 1L << (Long.SIZE - shift) : (last + 1) >>> shift;
    }

    /** The first block that begins at or above an address. */
    static long blocksBelow(long gpa, int shift) {
        return gpa == 0 ? 0 : ((gpa - 1) >>> shift) + 1;
    }

    static long get(long[] table, int at) {
        return (long) ELEMENT.getOpaque(table, at);
    }

    static void set(long[] table, int at, long value) {
        ELEMENT.setOpaque(table, at, value);
    }

    /** A load before all that is loaded after it. */
    static long getAcquire(long[] table, int at) {
        return (long) ELEMENT.getAcquire(table, at);
    }

    /** A store after all that was stored before it. */
    static void setRelease(long[] table, int at, long value) {
        ELEMENT.setRelease(table, at, value);
    }
}

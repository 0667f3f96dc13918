package io.sluice.host;

import io.sluice.dma.DmaRefused;
import io.sluice.dma.IovaRecord;
import io.sluice.linux.Errno;
import io.sluice.mem.Memory;
import io.sluice.state.Stores;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * Which IOVAs are taken, in a state file: two words each, of which the second says whether there is one. Called by whoever holds the
 * allocator's lock.
 *
 * <pre>
 *   0h bytes │ 8h IOVA, or 0
 * </pre>
 */
final class IovaWords implements IovaRecord {
    static final int BYTES = 16;

    private static final int LENGTH = 0;
    private static final int IOVA = 8;

    private final long address;
    private final int capacity;
    private final Stores stores;
    private final Map<Long, Integer> places = new HashMap<>();

    /** The lowest place that may be free: all before it are taken. */
    private int lowest;

    IovaWords(long address, int capacity, Stores stores) {
        this.address = address;
        this.capacity = capacity;
        this.stores = stores;
    }

    /** Looks at what another process has left there. */
    IovaWords load() {
        for (int i = 0; i < capacity; i++) {
            if (iova(i) != 0) {
                places.put(iova(i), i);
            }
        }
        return this;
    }

    private long iova(int place) {
        return Memory.getLong(address + (long) place * BYTES + IOVA);
    }

    @Override
    public void taken(long iova, long bytes) throws DmaRefused {
        while (lowest < capacity && iova(lowest) != 0) {
            lowest++;
        }
        if (lowest == capacity) {
            throw new DmaRefused(
                    Errno.ENOSPC, "a device has " + capacity + " pieces of memory already, and no more can be kept");
        }
        long at = address + (long) lowest * BYTES;
        stores.putLong(at + LENGTH, bytes);
        stores.putLong(at + IOVA, iova);
        places.put(iova, lowest);
    }

    @Override
    public void freed(long iova) {
        int place = places.remove(iova);
        stores.putLong(address + (long) place * BYTES + IOVA, 0);
        lowest = Math.min(lowest, place);
    }

    @Override
    public void forEach(BiConsumer<Long, Long> piece) {
        places.forEach((iova, place) -> piece.accept(iova, Memory.getLong(address + (long) place * BYTES + LENGTH)));
    }
}

package io.sluice.state;

import io.sluice.mem.Memory;

/** Writes the numbers of a snapshot one after the other. {@link SnapshotReader} reads them in the same order. */
public final class SnapshotWriter {
    private final Stores stores;
    private final long end;
    private long at;

    SnapshotWriter(long address, int bytes, Stores stores) {
        this.stores = stores;
        this.at = address;
        this.end = address + bytes;
    }

    /**
     * Begins a part. A reader that is not at the same part then says so.
     *
     * @param tag not 0
     */
    public void part(int tag) {
        stores.beforeEffect(); // a process may end in the middle of a snapshot, too
        put(tag);
    }

    /** Writes 8 bytes. */
    public void put(long value) {
        Memory.putLong(advance(Long.BYTES), value);
    }

    /** Writes a truth. */
    public void put(boolean value) {
        put(value ? 1 : 0);
    }

    /** Writes numbers, and how many. */
    public void put(int[] values) {
        put(values.length);
        for (int value : values) {
            put(value);
        }
    }

    /** Writes truths, and how many. */
    public void put(boolean[] values) {
        put(values.length);
        for (boolean value : values) {
            put(value);
        }
    }

    /** Writes bytes, and how many. */
    public void put(byte[] bytes) {
        put(bytes.length);
        Memory.copyIn(bytes, 0, advance(bytes.length), bytes.length);
    }

    private long advance(int bytes) {
        long here = at;
        if (bytes > end - here) {
            throw new IllegalStateException("a snapshot does not fit: " + (here + bytes - end) + " bytes too many");
        }
        at = here + bytes;
        return here;
    }
}

package io.sluice.state;

import io.sluice.mem.Memory;

/**
 * Reads what a {@link SnapshotWriter} has written, in the same order.
 *
 * <p>Everything here throws {@link IllegalStateException} where that is not what is there.
 */
public final class SnapshotReader {
    private final long end;
    private long at;

    SnapshotReader(long address, int bytes) {
        this.at = address;
        this.end = address + bytes;
    }

    /** Begins a part. */
    public void part(int tag) {
        long found = getLong();
        if (found != tag) {
            throw new IllegalStateException("a snapshot has part " + found + " where part " + tag + " should begin");
        }
    }

    public long getLong() {
        return Memory.getLong(advance(Long.BYTES));
    }

    public int getInt() {
        return Math.toIntExact(getLong());
    }

    public boolean getBoolean() {
        return getLong() != 0;
    }

    /** As many numbers as there are. */
    public int[] getInts() {
        int[] values = new int[length()];
        for (int i = 0; i < values.length; i++) {
            values[i] = getInt();
        }
        return values;
    }

    /** Fills an array, which must have been as long. */
    public void get(int[] into) {
        checkLength(into.length);
        for (int i = 0; i < into.length; i++) {
            into[i] = getInt();
        }
    }

    /** Fills an array, which must have been as long. */
    public void get(boolean[] into) {
        checkLength(into.length);
        for (int i = 0; i < into.length; i++) {
            into[i] = getBoolean();
        }
    }

    /** Fills an array, which must have been as long. */
    public void get(byte[] into) {
        checkLength(into.length);
        Memory.copyOut(advance(into.length), into, 0, into.length);
    }

    private void checkLength(int expected) {
        int found = length();
        if (found != expected) {
            throw new IllegalStateException("a snapshot has " + found + " values where " + expected + " should be");
        }
    }

    private int length() {
        long length = getLong();
        if (length < 0 || length > end - at) {
            throw new IllegalStateException("a snapshot cannot have " + length + " values");
        }
        return (int) length;
    }

    private long advance(int bytes) {
        long here = at;
        if (bytes > end - here) {
            throw new IllegalStateException("a snapshot ends too early");
        }
        at = here + bytes;
        return here;
    }
}

package io.sluice.linux;

/** Places in memory for one read or write of a file (struct iovec). Belongs to one thread. */
public final class IoVectors implements AutoCloseable {
    /** IOV_MAX: the most that a call takes. */
    public static final int MAX = 1024;

    static final int IOVEC_BYTES = 16;
    static final int IOV_BASE = 0;
    static final int IOV_LEN = 8;

    private final Mapping memory;

    public IoVectors() throws LinuxException {
        memory = Mapping.anonymous((long) MAX * IOVEC_BYTES, Mapping.PROT_READ | Mapping.PROT_WRITE);
    }

    /**
     * Sets one.
     *
     * @param index 0 to {@link #MAX} - 1
     * @param place any address: the kernel checks it
     * @param bytes 0 or more
     */
    public void set(int index, long place, long bytes) {
        if (index < 0 || index >= MAX) {
            throw new IndexOutOfBoundsException(index);
        }
        long vector = memory.address() + (long) index * IOVEC_BYTES;
        Bytes.putLong(vector + IOV_BASE, place);
        Bytes.putLong(vector + IOV_LEN, bytes);
    }

    /** How long the first ones are together, in bytes. */
    public long bytes(int count) {
        long sum = 0;
        for (int i = 0; i < count; i++) {
            sum += Bytes.getLong(memory.address() + (long) i * IOVEC_BYTES + IOV_LEN);
        }
        return sum;
    }

    long address() {
        return memory.address();
    }

    @Override
    public void close() {
        memory.close();
    }
}

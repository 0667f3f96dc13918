package io.sluice.dma;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;

/** A memfd in which every page begins with a stamp that says which page of which file it is. */
final class GuestFile implements AutoCloseable {
    static final long PAGE = Memory.PAGE_BYTES;
    static final long MIB = 1 << 20;

    final int id;
    final Fd fd;

    private GuestFile(int id, Fd fd) {
        this.id = id;
        this.fd = fd;
    }

    static GuestFile create(String name, int id, long bytes) throws LinuxException {
        GuestFile file = new GuestFile(id, Memfd.create(name, bytes));
        file.stamp(0, bytes);
        return file;
    }

    void stamp(long from, long to) throws LinuxException {
        try (Mapping mapping = Mapping.shared(fd, from, to - from, Mapping.PROT_READ | Mapping.PROT_WRITE)) {
            for (long offset = from; offset < to; offset += PAGE) {
                Memory.putLong(mapping.address() + offset - from, stampAt(offset));
            }
        }
    }

    /** What the page at an offset begins with. */
    long stampAt(long offset) {
        return ((long) id << 48) + offset / PAGE;
    }

    /** A descriptor of one's own, to give away. */
    Fd give() throws LinuxException {
        return fd.duplicate();
    }

    void assertPage(long offset, long hva) {
        assertEquals(stampAt(offset), Memory.getLong(hva), () -> "page at offset " + offset + " of file " + id);
    }

    @Override
    public void close() {
        fd.close();
    }
}

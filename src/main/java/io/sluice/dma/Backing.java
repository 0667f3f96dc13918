package io.sluice.dma;

import io.sluice.linux.Errno;
import io.sluice.linux.Fd;
import io.sluice.linux.FileStatus;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import java.util.ArrayList;
import java.util.List;

/**
 * A file with guest memory in it. However many DMA regions there are, and however many descriptors of it have come, it is
 * mapped once where it can be, and keeps one descriptor, with which it watches over the file's size.
 */
final class Backing {
    /**
     * Which file, and how it may be mapped: a client may pass one file both with a descriptor to write and one to read only.
     */
    record Key(long device, long inode, boolean writable) {
        static Key of(Fd memory, FileStatus status) {
            return new Key(status.device(), status.inode(), status.writable() && !isSealed(memory, WRITE_SEALS));
        }
    }

    private static final int WRITE_SEALS = Memfd.SEAL_WRITE | Memfd.SEAL_FUTURE_WRITE;

    final Key key;

    private final Fd fd;
    private final long pageSize;
    private final boolean shrinks;
    private final List<Extent> extents = new ArrayList<>();

    Backing(Key key, Fd fd, FileStatus status) {
        this.key = key;
        this.fd = fd;
        this.pageSize = status.pageSize();
        this.shrinks = !isSealed(fd, Memfd.SEAL_SHRINK);
    }

    /** Whether one of some seals is set. Most files cannot be sealed, which is no error. */
    private static boolean isSealed(Fd fd, int seals) {
        try {
            return (Memfd.seals(fd) & seals) != 0;
        } catch (LinuxException e) {
            return false;
        }
    }

    boolean hasExtents() {
        return !extents.isEmpty();
    }

    /** An extent that holds a range of the file, or null. */
    Extent find(long start, long end) {
        for (Extent extent : extents) {
            if (extent.holds(start, end)) {
                return extent;
            }
        }
        return null;
    }

    /** Maps a piece of the file. */
    Extent map(long start, long end) throws LinuxException {
        int protection = key.writable() ? Mapping.PROT_READ | Mapping.PROT_WRITE : Mapping.PROT_READ;
        Extent extent = new Extent(this, start, Mapping.shared(fd, start, end - start, protection));
        extents.add(extent);
        return extent;
    }

    /** Forgets an extent: no new region will be in it. */
    void remove(Extent extent) {
        extents.remove(extent);
    }

    /**
     * Whether the file has become too short for what is used of it. Any thread may ask; a backing that has just gone is not
     * too short.
     *
     * @param usedEnd up to which byte of the file there are regions
     */
    boolean isShorterThan(long usedEnd) {
        if (!shrinks) {
            return false;
        }
        try {
            return usableBytes(FileStatus.of(fd)) < usedEnd;
        } catch (LinuxException e) {
            return e.errno() != Errno.EBADF;
        }
    }

    /** The file's size in whole pages: the rest of a file's last page is there to be used. */
    static long usableBytes(FileStatus status) {
        long rest = status.size() % status.pageSize();
        long whole = status.size() - rest;
        return rest == 0 || whole > Long.MAX_VALUE - status.pageSize() ? whole : whole + status.pageSize();
    }

    long pageSize() {
        return pageSize;
    }

    Fd fd() {
        return fd;
    }

    @Override
    public String toString() {
        return fd.describe();
    }

    void close() {
        fd.close();
    }
}

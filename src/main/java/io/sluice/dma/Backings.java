package io.sluice.dma;

import io.sluice.linux.Errno;
import io.sluice.linux.Fd;
import io.sluice.linux.FileStatus;
import io.sluice.linux.LinuxException;
import io.sluice.mem.Translator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The files and mappings of one space, and the account of them. For the writer's thread.
 *
 * <pre>
 *   extentFor ──▶ in use ──last region goes──▶ idle ──takeIdle──▶ retired ──release──▶ unmapped
 *                   ▲                            │                (not in a backing any more, but counted:
 *                   └──────a region comes────────┘                 it still takes up addresses)
 * </pre>
 */
final class Backings {
    /** What is mapped of a file that is too large to be mapped in full: multiples of this, at multiples of this. */
    static final long CHUNK_BYTES = 1L << 30;

    private final DmaLimits limits;
    private final Map<Backing.Key, Backing> backings = new HashMap<>();
    /** The extents that no region is in, in the order in which they became so. */
    private final Set<Extent> idle = new LinkedHashSet<>();

    private int extents;
    private long virtualBytes;

    Backings(DmaLimits limits) {
        this.limits = limits;
    }

    /** Number of open descriptors. */
    int descriptors() {
        return backings.size();
    }

    /** Number of mappings, retired ones too. */
    int extents() {
        return extents;
    }

    /** Address space in use, in bytes, by retired mappings too. */
    long virtualBytes() {
        return virtualBytes;
    }

    /**
     * An extent that holds a range of a file; mapped now if there is none.
     *
     * @param memory is taken over, whatever happens
     * @param access what will be done with it
     */
    Extent extentFor(Fd memory, long offset, long bytes, int access) throws DmaRefused {
        boolean kept = false;
        try {
            FileStatus status = FileStatus.of(memory);
            Backing.Key key = check(memory, status, offset, bytes, access);
            Backing backing = backings.get(key);
            if (backing == null) {
                backing = add(key, memory, status);
                kept = true;
            }
            return extentIn(backing, status, offset, offset + bytes);
        } catch (LinuxException e) {
            throw new DmaRefused(e);
        } finally {
            if (!kept) {
                memory.close();
            }
        }
    }

    private static Backing.Key check(Fd memory, FileStatus status, long offset, long bytes, int access)
            throws DmaRefused {
        if (!status.isRegularFile()) {
            throw new DmaRefused(
                    Errno.EINVAL,
                    memory.describe() + " cannot hold guest memory: it is not a regular file or a memfd. Share the"
                            + " guest's memory as a file (QEMU: memory-backend-memfd or -file with share=on).");
        }
        long usable = Backing.usableBytes(status);
        // offset + bytes could overflow.
        if (offset < 0 || bytes < 0 || bytes > usable || offset > usable - bytes) {
            throw new DmaRefused(
                    Errno.EINVAL,
                    Long.toUnsignedString(bytes) + " bytes at offset " + Long.toUnsignedString(offset) + " of "
                            + memory.describe() + " are past its end: it has " + status.size() + " bytes.");
        }
        Backing.Key key = Backing.Key.of(memory, status);
        if (!status.readable() || ((access & Translator.WRITE) != 0 && !key.writable())) {
            throw new DmaRefused(
                    Errno.EACCES,
                    memory.describe() + " was opened, or is sealed, so that this process may not "
                            + (status.readable() ? "write" : "read") + " it. Pass a descriptor opened for reading and"
                            + " writing, or map the region read-only.");
        }
        return key;
    }

    private Backing add(Backing.Key key, Fd memory, FileStatus status) throws DmaRefused {
        checkLimit("files", backings.size(), 1, limits.descriptors());
        Backing backing = new Backing(key, memory, status);
        backings.put(key, backing);
        return backing;
    }

    private Extent extentIn(Backing backing, FileStatus status, long start, long end)
            throws DmaRefused, LinuxException {
        try {
            Extent extent = backing.find(start, end);
            return extent == null ? newExtent(backing, status, start, end) : extent;
        } finally {
            dropIfUnused(backing);
        }
    }

    private Extent newExtent(Backing backing, FileStatus status, long start, long end)
            throws DmaRefused, LinuxException {
        checkLimit("mappings", extents, 1, limits.extents());
        long usable = Backing.usableBytes(status);
        long free = limits.virtualBytes() - virtualBytes;
        long from = 0;
        long to = usable;
        // Not in full: a file that is too large, or one that has grown and is mapped in part.
        if (usable > free || backing.hasExtents()) {
            long chunk = Math.max(CHUNK_BYTES, backing.pageSize());
            from = start - start % chunk;
            long padding = (chunk - end % chunk) % chunk;
            to = padding > usable - end ? usable : end + padding;
        }
        checkLimit("bytes of address space", virtualBytes, to - from, limits.virtualBytes());
        Extent extent = backing.map(from, to);
        extents++;
        virtualBytes += extent.bytes();
        return extent;
    }

    /** Refuses {@code more} of something when there are {@code used} already. */
    static void checkLimit(String what, long used, long more, long limit) throws DmaRefused {
        if (more > limit - used) {
            throw new DmaRefused(
                    Errno.ENOSPC,
                    "The guest is at its limit of " + limit + " " + what + ": it has " + used + " and asks for " + more
                            + " more. Unmap something first, or raise the limit.");
        }
    }

    /** A region is in this extent. */
    void use(Extent extent) {
        extent.addRegion();
        idle.remove(extent);
    }

    /** A region is in this extent no more. */
    void unuse(Extent extent) {
        if (extent.removeRegion()) {
            idle.add(extent);
        }
    }

    /** Takes the extents that have no region out of the backings, and lets go of backings that have no extent then. */
    List<Extent> takeIdle() {
        List<Extent> retired = List.copyOf(idle);
        idle.clear();
        for (Extent extent : retired) {
            extent.backing.remove(extent);
            dropIfUnused(extent.backing);
        }
        return retired;
    }

    private void dropIfUnused(Backing backing) {
        if (!backing.hasExtents()) {
            backings.remove(backing.key);
            backing.close();
        }
    }

    /** Unmaps a retired extent: no reader has its addresses any more. */
    void release(Extent extent) {
        extent.unmap();
        extents--;
        virtualBytes -= extent.bytes();
    }
}

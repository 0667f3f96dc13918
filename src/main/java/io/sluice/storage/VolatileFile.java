package io.sluice.storage;

import io.sluice.linux.Errno;
import io.sluice.linux.Fd;
import io.sluice.linux.FileIo;
import io.sluice.linux.IoVectors;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file behind a volatile cache, as the medium of an SSD is: of what is written, the plan says block by block what goes to the file at once
 * and what stays in this process's memory until a sync. If the process is killed then, the drive has lost power: each block is as a
 * sync left it, or as a later write made it, whole.
 *
 * <pre>
 *   write ─▶ staging ─┬─ block by block ─▶ cache ── sync, or no room ─▶ file
 *                     └──────────────────────────────────────────────▶ file
 * </pre>
 *
 * <p>For tests, not for speed: one call at a time.
 */
public final class VolatileFile implements RawFile {
    /** The most that a call moves by way of the cache: a command's largest transfer. */
    private static final int STAGING_BYTES = 1 << 20;

    private static final int CACHE_BYTES = 32 << 20;
    private static final Logger LOG = LoggerFactory.getLogger(VolatileFile.class);

    private final RawFile file;
    private final long fileBytes;
    private final int blockBytes;
    private final FaultPlan plan;
    private final IoVectors own;
    private final Fd stagingFd;
    private final Mapping staging;
    private final Mapping cache;

    /** The blocks that the file does not have yet, and where in the cache each is: the number of a place. */
    private final TreeMap<Long, Integer> cached = new TreeMap<>();

    private final ArrayDeque<Integer> free = new ArrayDeque<>();
    private boolean closed;

    /**
     * A cache that is empty.
     *
     * @param file closed with this
     * @param blockBytes what is never torn: a logical block
     */
    public VolatileFile(RawFile file, int blockBytes, FaultPlan plan) throws LinuxException {
        this.file = file;
        this.fileBytes = file.size();
        this.blockBytes = blockBytes;
        this.plan = plan;
        int access = Mapping.PROT_READ | Mapping.PROT_WRITE;
        own = new IoVectors();
        stagingFd = Memfd.create("sluice volatile file", STAGING_BYTES);
        staging = Mapping.shared(stagingFd, 0, STAGING_BYTES, access);
        cache = Mapping.sparse(CACHE_BYTES);
        for (int i = 0; i < CACHE_BYTES / blockBytes; i++) {
            free.add(i);
        }
    }

    @Override
    public String name() {
        return file.name();
    }

    @Override
    public synchronized long read(IoVectors vectors, int count, long offset) throws LinuxException {
        long bytes = vectors.bytes(count);
        if (overlapping(offset, bytes).isEmpty()) {
            return file.read(vectors, count, offset);
        }
        if (bytes > STAGING_BYTES) {
            writeBack(offset, bytes);
            return file.read(vectors, count, offset);
        }
        if (!stage(offset, bytes)) {
            return 0;
        }
        for (Map.Entry<Long, Integer> each : overlapping(offset, bytes).entrySet()) {
            long start = each.getKey() * blockBytes;
            long from = Math.max(start, offset);
            long to = Math.min(start + blockBytes, offset + bytes);
            Memory.copy(place(each.getValue()) + from - start, staging.address() + from - offset, to - from);
        }
        return FileIo.preadv(stagingFd, vectors, count, 0);
    }

    /** Reads what the file has. Whether all of it is there. */
    private boolean stage(long offset, long bytes) throws LinuxException {
        for (long done = 0; done < bytes; ) {
            own.set(0, staging.address() + done, bytes - done);
            long now = file.read(own, 1, offset + done);
            if (now == 0) {
                return false;
            }
            done += now;
        }
        return true;
    }

    @Override
    public synchronized long write(IoVectors vectors, int count, long offset, boolean durable) throws LinuxException {
        long bytes = vectors.bytes(count);
        boolean whole = offset % blockBytes == 0 && bytes % blockBytes == 0 && bytes <= STAGING_BYTES;
        if (durable || !whole || FileIo.pwritev(stagingFd, vectors, count, 0, false) != bytes) {
            writeBack(offset, bytes);
            return file.write(vectors, count, offset, durable);
        }
        long first = offset / blockBytes;
        long blocks = bytes / blockBytes;
        for (int i = 0; i < blocks; i++) {
            long data = staging.address() + (long) i * blockBytes;
            if (plan.isCached(first + i, contentOf(data))) {
                keep(first + i, data);
            } else {
                drop(first + i, 1);
                writeWhole(data, (first + i) * blockBytes);
            }
        }
        return bytes;
    }

    private long contentOf(long data) {
        return Memory.getLong(data) * 31 + Memory.getLong(data + blockBytes - Long.BYTES);
    }

    private void keep(long block, long data) throws LinuxException {
        Integer place = cached.get(block);
        if (place == null) {
            if (free.isEmpty()) {
                writeBack(0, Long.MAX_VALUE);
            }
            place = free.remove();
            cached.put(block, place);
        }
        Memory.copy(data, place(place), blockBytes);
    }

    private long place(int number) {
        return cache.address() + (long) number * blockBytes;
    }

    /** The blocks of the cache that have any of these bytes; changes with it. */
    private Map<Long, Integer> overlapping(long offset, long bytes) {
        return cached.subMap(offset / blockBytes, Math.ceilDiv(offset + bytes, (long) blockBytes));
    }

    private void drop(long firstBlock, long blocks) {
        Map<Long, Integer> dropped = cached.subMap(firstBlock, firstBlock + blocks);
        free.addAll(dropped.values());
        dropped.clear();
    }

    /** Has the file what the cache has of some bytes; they may reach beyond all that there are. */
    private void writeBack(long offset, long bytes) throws LinuxException {
        if (!cached.isEmpty() && file.size() < fileBytes) { // it would be long again, and the loss would go unnoticed
            throw new LinuxException("pwritev2", "to a file that somebody has cut", Errno.EIO);
        }
        Map<Long, Integer> going = bytes == Long.MAX_VALUE ? cached : overlapping(offset, bytes);
        var each = going.entrySet().iterator();
        while (each.hasNext()) {
            Map.Entry<Long, Integer> one = each.next();
            writeWhole(place(one.getValue()), one.getKey() * blockBytes);
            free.add(one.getValue());
            each.remove();
        }
    }

    private void writeWhole(long data, long offset) throws LinuxException {
        for (long done = 0; done < blockBytes; ) {
            own.set(0, data + done, blockBytes - done);
            done += FileWork.progress(file.write(own, 1, offset + done, false));
        }
    }

    @Override
    public synchronized void sync() throws LinuxException {
        writeBack(0, Long.MAX_VALUE);
        file.sync();
    }

    @Override
    public synchronized void punch(long offset, long bytes) throws LinuxException {
        file.punch(offset, bytes);
        dropWhole(offset, bytes);
    }

    @Override
    public synchronized void zero(long offset, long bytes) throws LinuxException {
        file.zero(offset, bytes);
        dropWhole(offset, bytes);
    }

    /** The range is of whole blocks, as commands are. */
    private void dropWhole(long offset, long bytes) {
        drop(offset / blockBytes, bytes / blockBytes);
    }

    @Override
    public boolean keepsMarks() {
        return file.keepsMarks();
    }

    @Override
    public long[] marks() {
        return file.marks();
    }

    @Override
    public void saveMarks(long[] ranges) throws IOException {
        file.saveMarks(ranges);
    }

    @Override
    public long size() throws LinuxException {
        return file.size();
    }

    /** The cache is empty then: what is behind the end must not come back. */
    @Override
    public void resize(long bytes) throws IOException {
        sync();
        file.resize(bytes);
    }

    /** An end in order: what is in the cache goes to the file. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            writeBack(0, Long.MAX_VALUE);
        } catch (LinuxException e) {
            LOG.error("{}: what was not flushed is lost: {}", name(), e.getMessage());
        }
        file.close();
        staging.close();
        stagingFd.close();
        cache.close();
        own.close();
    }
}

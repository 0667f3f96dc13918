package io.sluice.storage;

import io.sluice.linux.Errno;
import io.sluice.linux.Fd;
import io.sluice.linux.FileIo;
import io.sluice.linux.IoVectors;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.nvme.Pieces;

/**
 * What one worker has for the works whose data does not go straight between the file and a guest's memory. Belongs to one thread.
 *
 * <pre>
 *   memfd:   guest's bytes, CHUNK │ file's bytes, CHUNK
 *                ▲ pwritev            ▲ preadv
 * </pre>
 *
 * <p>A guest's memory is copied here by the kernel, for which a file of our own stands in: if that memory is gone, the kernel says
 * so (EFAULT), where an access of ours would be a fault in the middle of this thread.
 */
final class FileScratch implements AutoCloseable {
    /** How much fits into each half, in bytes. */
    static final int CHUNK_BYTES = 256 << 10;

    private final IoVectors vectors;
    private final Fd fd;
    private final Mapping memory;

    private FileScratch(IoVectors vectors, Fd fd, Mapping memory) {
        this.vectors = vectors;
        this.fd = fd;
        this.memory = memory;
    }

    static FileScratch create() throws LinuxException {
        IoVectors vectors = new IoVectors();
        try {
            Fd fd = Memfd.create("sluice file scratch", 2L * CHUNK_BYTES);
            try {
                int access = Mapping.PROT_READ | Mapping.PROT_WRITE;
                return new FileScratch(vectors, fd, Mapping.shared(fd, 0, 2L * CHUNK_BYTES, access));
            } catch (LinuxException e) {
                fd.close();
                throw e;
            }
        } catch (LinuxException e) {
            vectors.close();
            throw e;
        }
    }

    /** To be set and used in one call. */
    IoVectors vectors() {
        return vectors;
    }

    /** Where {@link #gather} puts a guest's bytes. */
    long guestsBytes() {
        return memory.address();
    }

    /** Where the file's bytes are to be read to, and written from. */
    long filesBytes() {
        return memory.address() + CHUNK_BYTES;
    }

    /** One vector: the file's bytes from one on, up to another. */
    IoVectors filesVector(long from, long to) {
        vectors.set(0, filesBytes() + from, to - from);
        return vectors;
    }

    /**
     * Copies a guest's memory here.
     *
     * @param skip bytes of the pieces that are left out
     * @param bytes 1 to {@link #CHUNK_BYTES}, which the pieces have after those
     * @throws LinuxException EFAULT if the memory is gone
     */
    void gather(Pieces pieces, long skip, int bytes) throws LinuxException {
        for (long done = 0; done < bytes; ) {
            int count = fill(pieces, skip + done, bytes - done);
            long now = FileIo.pwritev(fd, vectors, count, done, false);
            if (now == 0) {
                throw new LinuxException("pwritev2", "of a guest's memory that copied nothing", Errno.EFAULT);
            }
            done += now;
        }
    }

    /** Sets the vectors to the pieces from a byte on, up to some bytes, or as many as a call takes. Returns how many there are. */
    int fill(Pieces pieces, long skip, long most) {
        long left = skip;
        long room = most;
        int count = 0;
        for (int i = 0; i < pieces.count() && count < IoVectors.MAX && room > 0; i++) {
            int bytes = pieces.bytes(i);
            if (left >= bytes) {
                left -= bytes;
            } else {
                long taken = Math.min(bytes - left, room);
                vectors.set(count++, pieces.address(i) + left, taken);
                room -= taken;
                left = 0;
            }
        }
        return count;
    }

    @Override
    public void close() {
        memory.close();
        fd.close();
        vectors.close();
    }
}

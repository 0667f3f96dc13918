package io.sluice.storage;

import io.sluice.linux.IoVectors;
import io.sluice.linux.LinuxException;
import java.io.IOException;

/**
 * What {@link FileStorage} asks of the file or device below it: the seam to the kernel. Each call may block for as long as the
 * medium likes, so none is made on a poller; several threads call at once.
 */
public interface RawFile extends AutoCloseable {
    /** Where nothing is marked. */
    long[] NO_MARKS = {};

    /** For messages: a path. */
    String name();

    /**
     * Reads.
     *
     * @param count how many of the vectors, 1 or more
     * @return how many bytes: 0 at or after the end of the file, else perhaps less than asked for
     * @throws LinuxException EFAULT if memory is not there
     */
    long read(IoVectors vectors, int count, long offset) throws LinuxException;

    /**
     * Writes.
     *
     * @param durable whether the data is on the medium on return
     * @return how many bytes, perhaps less than there are
     * @throws LinuxException as above; ENOSPC, EDQUOT for want of room
     */
    long write(IoVectors vectors, int count, long offset, boolean durable) throws LinuxException;

    /** Returns once all that was written before is on the medium. */
    void sync() throws LinuxException;

    /** Makes a range read as zeroes and gives its room back. EOPNOTSUPP if that is not possible. */
    void punch(long offset, long bytes) throws LinuxException;

    /** Makes a range read as zeroes without writing them. EOPNOTSUPP if that is not possible. */
    void zero(long offset, long bytes) throws LinuxException;

    /** How long it is now, in bytes. */
    long size() throws LinuxException;

    /**
     * Makes it so long; what is new reads as zeroes. A device has the length that it has, which may be more.
     *
     * @throws IOException if that is not possible, with why and what to do
     */
    void resize(long bytes) throws IOException;

    /** Whether there is a place to keep which parts of it have been marked as not readable. */
    default boolean keepsMarks() {
        return false;
    }

    /** What was marked when it was opened: first byte and number of bytes of each range, ascending; not to be changed. */
    default long[] marks() {
        return NO_MARKS;
    }

    /**
     * Keeps what is marked from now on, as {@link #marks} says it, and returns when it is on the medium.
     *
     * @throws IOException if it cannot be kept: what was kept before is
     */
    default void saveMarks(long[] ranges) throws IOException {
        throw new IOException(name() + " has no place for marks");
    }

    /** Lets go of it; calls under way end as they would have. */
    @Override
    void close();
}

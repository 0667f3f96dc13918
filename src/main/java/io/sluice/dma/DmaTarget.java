package io.sluice.dma;

import io.sluice.linux.Fd;
import java.io.IOException;

/** A device that can be given access to memory. */
public interface DmaTarget {
    /**
     * Lets the device read and write a piece of a file's memory.
     *
     * @param memory the file; the device takes its own reference where it needs one
     * @param offset of the piece in the file, in bytes, a multiple of 4096
     * @param bytes its length, a multiple of 4096
     * @param iova where the device sees it: from the one allocator of IOVAs
     * @param access {@code Translator.READ}, {@code WRITE} or both, as the device's own rights
     * @throws IOException where the range is taken, a limit is reached, or memory cannot be locked
     */
    void mapDma(Fd memory, long offset, long bytes, long iova, int access) throws IOException;

    /** Takes a piece away again; exactly as it was mapped. On return the device can no longer reach it. */
    void unmapDma(long iova, long bytes) throws IOException;

    /**
     * Takes over a piece that another process has let the device use, exactly as {@link #mapDma} would have mapped it: from now on
     * it is this process's, and {@link #unmapDma} takes it away.
     *
     * @throws IOException where the device keeps nothing of a process that has ended
     */
    default void adoptDma(Fd memory, long offset, long bytes, long iova, int access) throws IOException {
        throw new IOException("a device of this kind keeps no memory of a process that has ended");
    }

    /**
     * Takes away whatever another process has let the device use in a range, whole pieces, with holes between them or none at
     * all. On return the device can no longer reach it.
     *
     * @throws IOException where the device keeps nothing of a process that has ended, or did not let go
     */
    default void dropDma(long iova, long bytes) throws IOException {
        throw new IOException("a device of this kind keeps no memory of a process that has ended");
    }

    /**
     * Whether it is gone for good: nothing can be asked of it any more, and nobody can tell what it still does. From any thread,
     * without waiting.
     */
    default boolean isGone() {
        return false;
    }
}

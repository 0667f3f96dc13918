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
     * Whether it is gone for good: nothing can be asked of it any more, and nobody can tell what it still does. From any thread,
     * without waiting.
     */
    default boolean isGone() {
        return false;
    }
}

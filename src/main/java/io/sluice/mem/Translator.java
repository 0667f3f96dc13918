package io.sluice.mem;

/**
 * Turns a guest's address into one that this process, or a device, may use.
 *
 * <p>It is asked for spans that lie inside one 4096-byte page, or for longer ones that the caller is ready to cut into
 * pages when told {@link #SPLIT}. An answer is good until the caller next acknowledges an epoch to whoever changes the
 * mappings (see {@code io.sluice.dma}): in practice, until the end of the duty cycle.
 */
@FunctionalInterface
public interface Translator {
    /** The guest's memory will be read: the data of a write command, a queue entry, a PRP list. */
    int READ = 1;
    /** The guest's memory will be written: the data of a read command, a completion. */
    int WRITE = 2;

    /** No DMA region holds the whole span. */
    long NOT_MAPPED = -1;
    /** A region holds it, but does not allow this direction. */
    long NO_ACCESS = -2;
    /** A region holds it, but without a file descriptor: its memory is to be had by messages only. */
    long NOT_LOCAL = -3;
    /** Each page may be valid, but together they are not contiguous: ask page by page. Never for one page. */
    long SPLIT = -4;

    /**
     * Looks one span up.
     *
     * @param address the guest's address, any 64-bit value, compared unsigned
     * @param bytes length of the span, 1 or more
     * @param access {@link #READ} or {@link #WRITE} or both
     * @return a positive address at which {@code bytes} bytes are contiguous, or one of the negative codes
     */
    long translate(long address, int bytes, int access);
}

package io.sluice.dma;

import java.util.function.BiConsumer;

/** Keeps which pieces of a device's addresses are taken, beyond the end of this process. */
public interface IovaRecord {
    /**
     * A piece is taken, before anything is mapped there.
     *
     * @throws DmaRefused ENOSPC if no more can be kept
     */
    void taken(long iova, long bytes) throws DmaRefused;

    /** A piece that was taken is free: nothing is mapped there any more. */
    void freed(long iova);

    /** Shows all that are taken: IOVA and bytes. */
    void forEach(BiConsumer<Long, Long> piece);
}

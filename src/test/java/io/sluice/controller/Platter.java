package io.sluice.controller;

import java.io.IOException;

/** What is behind a path and outlives it: the blocks of a namespace of {@link DurableDrive#BLOCKS}. */
interface Platter extends AutoCloseable {
    /** A path to the blocks; the one before it has been killed. */
    IoPath open() throws IOException;

    /** The process of the path that was opened last ends: what it has begun may still be done, what it has not is not. */
    void kill();

    /** A byte of a block as it is. */
    byte at(long lba, int offset) throws IOException;

    @Override
    void close();
}

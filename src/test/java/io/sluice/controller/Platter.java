package io.sluice.controller;

import io.sluice.state.DroppingStores;
import java.io.IOException;

/** What is behind a path and outlives it: the blocks of a namespace of {@link DurableDrive#BLOCKS}. */
interface Platter extends AutoCloseable {
    /** A path to the blocks; the one before it has been killed. */
    IoPath open() throws IOException;

    /**
     * The same, where what a path stores outlives it, too.
     *
     * @param guest the path's
     * @param stores may end the process while the path is made
     */
    default IoPath open(FakeGuest guest, DroppingStores stores) throws IOException {
        return open();
    }

    /** The controller goes on with what was left, or has begun afresh. */
    default void resumed() {}

    /** What a poller does before the controller's turn, and after it. Returns how much there was. */
    default int beforeTurn() {
        return 0;
    }

    default int afterTurn() {
        return 0;
    }

    /** The process of the path that was opened last ends: what it has begun may still be done, what it has not is not. */
    void kill();

    /** A byte of a block as it is. */
    byte at(long lba, int offset) throws IOException;

    @Override
    void close();
}

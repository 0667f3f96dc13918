package io.sluice.storage;

import io.sluice.controller.IoPath;
import java.io.IOException;

/**
 * A storage whose namespace can become larger or smaller while it is in use.
 *
 * <pre>
 *   larger:   makeRoom ─▶ setBlockCount ─▶ commands may reach further
 *   smaller:  commands reach no further ─▶ setBlockCount ─▶ giveBack
 * </pre>
 */
public interface Resizable extends IoPath {
    /**
     * Before it becomes larger; may take its time, so not on the controller's agent.
     *
     * @param bytes what it is to have
     * @throws IOException if it cannot have so much, with why and what to do
     */
    default void makeRoom(long bytes) throws IOException {}

    /**
     * From now on it has so many blocks; what is new reads as zeroes. On the controller's agent.
     *
     * @throws IOException if it cannot have so many, with why and what to do; it is then as it was
     */
    void setBlockCount(long blockCount) throws IOException;

    /**
     * After it has become smaller; as {@link #makeRoom}.
     *
     * @throws IOException if what is behind its end cannot be given back
     */
    default void giveBack(long bytes) throws IOException {}
}

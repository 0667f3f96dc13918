package io.sluice.daemon;

import java.io.IOException;
import java.util.function.IntSupplier;

/** What is done while the caller's thread runs a device of this process, instead of the device's own thread. */
@FunctionalInterface
public interface ByTurns<T> {
    /**
     * Does it.
     *
     * @param turn has the device do a bounded part of what there is to do; 0 once there is nothing
     */
    T run(IntSupplier turn) throws IOException;
}

package io.sluice.state;

import io.sluice.mem.Memory;

/**
 * How state is stored. Each store is seen after all that its thread has stored before, by whoever looks at the file, also when
 * this process is no more: a processor that runs on finishes what it has retired.
 *
 * <p>Whoever stores here also says when something else is about to be seen from outside ({@link #beforeEffect}). So a test
 * can end a process between any two of these steps.
 */
public class Stores {
    /** Stores 4 bytes. */
    public void putInt(long address, int value) {
        Memory.putIntRelease(Memory.hint(address), value);
    }

    /** Stores 8 bytes. */
    public void putLong(long address, long value) {
        Memory.putLongRelease(Memory.hint(address), value);
    }

    /** Something is about to be done that others see: a completion posted, a doorbell written, an answer given. */
    public void beforeEffect() {}
}

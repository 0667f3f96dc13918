package io.sluice.device;

import io.sluice.dma.DmaTarget;
import io.sluice.linux.EventFd;
import java.io.IOException;
import java.util.List;

/**
 * The driver side of a PCI function: configuration space, BARs, interrupts to take, memory to offer for DMA. The driver
 * cannot tell what is behind it: an SSD through VFIO, a vfio-user socket, or {@link Loopback}.
 *
 * <p>Configuration, interrupts and DMA maps are for one thread at a time. A {@link Bar} is for the driver's pollers.
 */
public interface PciDevice extends DmaTarget, AutoCloseable {
    /** What it is and where, for messages: a PCI address, a socket's path. */
    String name();

    /**
     * Reads configuration space.
     *
     * @param offset in bytes, from 0
     * @param bytes 1, 2 or 4; offset is a multiple of it
     * @return the value, zero-extended
     */
    int readConfig(int offset, int bytes) throws IOException;

    /** Writes configuration space; arguments as for {@link #readConfig}. */
    void writeConfig(int offset, int bytes, int value) throws IOException;

    /**
     * Opens a BAR for access, mapped where the device allows it.
     *
     * @param index 0 to 5
     * @throws IOException where the device has no such BAR
     */
    Bar openBar(int index) throws IOException;

    /** How many interrupts of a kind there are. */
    int interruptCount(InterruptKind kind) throws IOException;

    /**
     * Sets the eventfds that interrupts from {@code start} on signal; a null takes one away. The caller keeps its eventfds,
     * and closes them when it likes.
     */
    void setInterruptTargets(InterruptKind kind, int start, List<EventFd> targets) throws IOException;

    /** Takes away all eventfds of a kind and disables it. */
    void disableInterrupts(InterruptKind kind) throws IOException;

    /** Unmasks interrupts: after an INTx, which masks itself. */
    void unmaskInterrupts(InterruptKind kind, int start, int count) throws IOException;

    /** Whether there is a {@link #reset}: some devices have neither a function level reset nor a slot of their own. */
    default boolean canReset() {
        return true;
    }

    /** Resets the function (FLR or what there is in its place). */
    void reset() throws IOException;

    /** Ends the device's access to memory, lets go of everything. Idempotent. */
    @Override
    void close();

    /**
     * An open BAR. Accesses are aligned, of 4 or 8 bytes, and never split or merged. What is behind a message instead of a
     * mapping costs a round trip, and a failure there is an {@link IOException}; a mapped access cannot fail.
     */
    interface Bar {
        /** Size in bytes. */
        long bytes();

        int readInt(long offset) throws IOException;

        long readLong(long offset) throws IOException;

        void writeInt(long offset, int value) throws IOException;

        void writeLong(long offset, long value) throws IOException;

        /**
         * The host address of a register if its bytes are mapped, so that a poller may access it directly; else 0.
         *
         * @param offset of the first byte
         * @param bytes how many must be mapped
         */
        long mappedAddress(long offset, long bytes);
    }
}

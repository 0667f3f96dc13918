package io.sluice.device;

import io.sluice.dma.DeviceMemory;
import io.sluice.dma.GuestMemory;
import io.sluice.linux.EventFd;
import java.util.List;
import java.util.Optional;

/**
 * The device side of a PCI function: what a server of it (a vfio-user socket, {@link Loopback}) needs to know and to do.
 *
 * <p>A server calls it from one thread at a time, the connection's. Calls are bounded: each returns within two seconds,
 * whatever the guest, its peer or the storage does. A call returns when its effect is complete, so that a read after a
 * posted write sees the write, as PCI's ordering demands. Data arguments are the caller's and are not kept.
 *
 * <p>Any call that has something done throws {@link FunctionStalled} where that could not be done in time.
 */
public interface PciFunction {
    /** A short name for logs. */
    String name();

    /** What a region is; {@link Region#absent} for those the function lacks. Constant. */
    Region region(int index);

    /** How many interrupts of a kind the function can raise; 0 where it has none of the kind. Constant. */
    int interruptCount(InterruptKind kind);

    /**
     * The device that is to reach a client's memory, so that a server gives it access to what the client maps. Constant; most
     * functions have none.
     */
    default Optional<DeviceMemory> deviceMemory() {
        return Optional.empty();
    }

    /**
     * A client has come. From now on, until {@link #detach}, {@code memory} is the guest's memory; its contents change at any
     * time, each change being complete when every {@code DmaReader} of it has acknowledged it.
     */
    void attach(GuestMemory memory);

    /**
     * The client is gone. The function ends or drops what is in flight, forgets the memory, lets go of every eventfd, and is
     * as after power-on: ready for the next {@link #attach}. The data on the storage stays.
     */
    void detach();

    /**
     * Reads from a region.
     *
     * @param region 0 to {@link Region#COUNT} - 1
     * @param offset within the region; offset + length does not pass its end (the server has checked)
     * @param target receives the bytes; its length is the access's
     * @throws AccessRefused where this access is not allowed; the driver sees an error or all ones
     */
    void read(int region, long offset, byte[] target) throws AccessRefused;

    /**
     * Writes to a region; arguments as for {@link #read}. Where PCI would drop a write (to read-only fields, say), so does
     * this, silently.
     */
    void write(int region, long offset, byte[] source) throws AccessRefused;

    /**
     * Sets where interrupts {@code start} to {@code start + targets.size() - 1} are signalled. A null target takes the
     * eventfd away. What was raised meanwhile is latched, and signalled as soon as there is a target. The function owns the
     * eventfds from here on, and closes each when nothing can signal it any more; also where it throws.
     */
    void setInterruptTargets(InterruptKind kind, int start, List<EventFd> targets);

    /** Masks interrupts; raised ones wait. Idempotent. */
    void maskInterrupts(InterruptKind kind, int start, int count);

    /** Unmasks interrupts, and signals what has waited; for INTx, whatever is asserted still. Idempotent. */
    void unmaskInterrupts(InterruptKind kind, int start, int count);

    /** Signals interrupts as though the device had raised them (VFIO's loopback test of a set-up). */
    void triggerInterrupts(InterruptKind kind, int start, int count);

    /** Function level reset: as after power-on, but memory and eventfds stay. What was in flight ends or is dropped first. */
    void reset();
}

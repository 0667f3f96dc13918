package io.sluice.dma;

import io.sluice.linux.Fd;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A device that the memory of guests is made reachable for, and what all of its guests share: its addresses, and its attention.
 * One for each device, however many guests it has. Thread-safe.
 *
 * <pre>
 *   pinners of all guests ──▶ in turn ──▶ one of them ──┐
 *   unmaps of all guests ───────────────────────────────┴──▶ in turn ──▶ the device, one call at a time
 * </pre>
 *
 * <p>So an unmap, which a client waits for, waits for one step of another guest's pinning at most.
 */
public final class DeviceMemory {
    /** A step of pinning, at most; a command to the device that a pinner must finish. */
    public static final long STEP_BYTES = 256L << 20;

    /** A client waits some 5 s for an answer. */
    public static final long WAIT_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final DmaTarget target;
    private final IovaAllocator iovas;
    private final int entriesPerGuest;
    private final long stepBytes;
    private final long waitNanos;
    private volatile boolean lost;
    private final ReentrantLock pinners = new ReentrantLock(true);
    private final ReentrantLock calls = new ReentrantLock(true);

    /**
     * @param iovas the one allocator of the device's addresses
     * @param entriesPerGuest how many DMA mappings one guest may have: what the device has in all (VFIO tells how many are
     *     available), by the number of guests; {@link DmaLimits#iommuEntries} holds too
     */
    public DeviceMemory(DmaTarget target, IovaAllocator iovas, int entriesPerGuest) {
        this(target, iovas, entriesPerGuest, STEP_BYTES, WAIT_NANOS);
    }

    /**
     * @param stepBytes how much is mapped by one call at most: a power of two, 4096 or more
     * @param waitNanos how long a client waits at most for what it maps to be pinned. What takes longer goes on after the
     *     answer.
     */
    public DeviceMemory(DmaTarget target, IovaAllocator iovas, int entriesPerGuest, long stepBytes, long waitNanos) {
        if (stepBytes < Entry.PAGE_BYTES || Long.bitCount(stepBytes) != 1) {
            throw new IllegalArgumentException("a step is a power of two of 4096 or more, not " + stepBytes);
        }
        this.target = target;
        this.iovas = iovas;
        this.entriesPerGuest = entriesPerGuest;
        this.stepBytes = stepBytes;
        this.waitNanos = waitNanos;
    }

    /**
     * Nobody can tell whether the device still does DMA. From now on it is given no memory, and loses what it has of a guest's at
     * the guest's next change. No address that a guest had is given out again, so that what the device does reaches nobody
     * else's memory. From any thread.
     */
    public void lose() {
        lost = true;
    }

    /** Whether it has been lost, or is gone. */
    boolean isLost() {
        if (!lost && target.isGone()) {
            lost = true;
        }
        return lost;
    }

    /** Gives back addresses that nothing is mapped at any more. */
    void retire(long iova, long bytes) {
        if (!isLost()) {
            iovas.free(iova, bytes);
        }
    }

    IovaAllocator iovas() {
        return iovas;
    }

    int entriesPerGuest() {
        return entriesPerGuest;
    }

    long stepBytes() {
        return stepBytes;
    }

    long waitNanos() {
        return waitNanos;
    }

    void map(Fd memory, long offset, long bytes, long iova, int access) throws IOException {
        pinners.lock();
        try {
            calls.lock();
            try {
                if (isLost()) {
                    throw new IOException("it is lost");
                }
                target.mapDma(memory, offset, bytes, iova, access);
            } finally {
                calls.unlock();
            }
        } finally {
            pinners.unlock();
        }
    }

    /** From a device that is gone nothing can be taken, and nothing has to be: what it reached it reached by what is gone too. */
    void unmap(long iova, long bytes) throws IOException {
        calls.lock();
        try {
            if (!target.isGone()) {
                target.unmapDma(iova, bytes);
            }
        } catch (IOException e) {
            if (!target.isGone()) {
                throw e;
            }
        } finally {
            calls.unlock();
        }
    }
}

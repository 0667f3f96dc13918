package io.sluice.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Waits for several descriptors at once: poll(2). One thread uses it; another wakes that one by an {@link EventFd} in the
 * set. Waiting allocates nothing.
 */
public final class PollSet {
    /** There is something to read, or a client to accept. */
    public static final int IN = 0x1;

    /** There is room to write. */
    public static final int OUT = 0x4;

    /** Always reported: an error. */
    public static final int ERR = 0x8;

    /** Always reported: the peer is gone; what it sent before can still be read. */
    public static final int HUP = 0x10;

    /** Always reported: the descriptor is closed. */
    public static final int NVAL = 0x20;

    static final int POLLFD_BYTES = 8;
    private static final int EVENTS = 4;
    private static final int REVENTS = 6;
    private static final long NANOS_PER_MILLI = 1_000_000;

    private final int capacity;
    private final List<Fd> fds = new ArrayList<>();
    private final MemorySegment memory;

    /**
     * An empty set.
     *
     * @param capacity the most descriptors that it will hold
     */
    public PollSet(int capacity) {
        this.capacity = capacity;
        memory = Arena.ofAuto().allocate((long) capacity * POLLFD_BYTES, Long.BYTES);
    }

    /**
     * Adds a descriptor, which stays the caller's.
     *
     * @param events {@link #IN}, {@link #OUT} or both
     * @return its index: descriptors are numbered from 0 in the order in which they were added
     */
    public int add(Fd fd, int events) {
        if (fds.size() == capacity) {
            throw new IllegalStateException("the set holds " + capacity + " descriptors already");
        }
        memory.set(ValueLayout.JAVA_INT, entry(fds.size()), -1);
        memory.set(ValueLayout.JAVA_SHORT, entry(fds.size()) + EVENTS, (short) events);
        fds.add(fd);
        return fds.size() - 1;
    }

    /** Removes all. */
    public void clear() {
        fds.clear();
    }

    public int size() {
        return fds.size();
    }

    /**
     * Waits until at least one descriptor is ready.
     *
     * @param timeoutMillis 0 only asks; negative waits for ever
     * @return how many are ready; 0 at the end of the time
     */
    public int await(int timeoutMillis) throws LinuxException {
        int closed = acquireAll();
        try {
            // A closed descriptor is ready: whoever looks at it shall find that out now.
            long result = poll(memory.address(), fds.size(), closed > 0 ? 0 : timeoutMillis * NANOS_PER_MILLI);
            if (result < 0) {
                throw new LinuxException("poll", "of " + fds.size() + " descriptors", (int) -result);
            }
            return (int) result + closed;
        } finally {
            releaseAll();
        }
    }

    /** What {@link #await} found out about a descriptor, a sum of the constants above; 0 if it was not ready. */
    public int ready(int index) {
        if (index >= fds.size()) {
            throw new IndexOutOfBoundsException("descriptor " + index + " of " + fds.size());
        }
        boolean closed = memory.get(ValueLayout.JAVA_INT, entry(index)) < 0;
        return closed ? NVAL : Short.toUnsignedInt(memory.get(ValueLayout.JAVA_SHORT, entry(index) + REVENTS));
    }

    /** The offset of a struct pollfd. Going through the segment keeps it from being freed meanwhile. */
    private static long entry(int index) {
        return (long) index * POLLFD_BYTES;
    }

    /** Enters the descriptors' numbers, -1 (which poll ignores) for those that are closed, and counts the latter. */
    private int acquireAll() {
        int closed = 0;
        for (int i = 0; i < fds.size(); i++) {
            boolean open = fds.get(i).tryAcquire();
            memory.set(ValueLayout.JAVA_INT, entry(i), open ? fds.get(i).acquired() : -1);
            closed += open ? 0 : 1;
        }
        return closed;
    }

    private void releaseAll() {
        for (int i = 0; i < fds.size(); i++) {
            if (memory.get(ValueLayout.JAVA_INT, entry(i)) >= 0) {
                fds.get(i).release();
            }
        }
    }

    /** Writes one struct pollfd. */
    static void put(long pollfd, int fd, int events) {
        Bytes.putInt(pollfd, fd);
        Bytes.putShort(pollfd + EVENTS, events);
        Bytes.putShort(pollfd + REVENTS, 0);
    }

    /**
     * poll(2), gone on with after interruptions.
     *
     * @param timeoutNanos negative: for ever
     * @return how many are ready, 0 at the end of the time, or minus an error number
     */
    static long poll(long pollfds, int count, long timeoutNanos) {
        long start = System.nanoTime();
        while (true) {
            long left = Math.max(0, timeoutNanos - (System.nanoTime() - start));
            // Rounded up: a wait must not end early and turn its caller's loop into a busy one.
            long millis = (left + NANOS_PER_MILLI - 1) / NANOS_PER_MILLI;
            long result =
                    Syscalls.poll(pollfds, count, timeoutNanos < 0 ? -1 : (int) Math.min(Integer.MAX_VALUE, millis));
            if (result != -Errno.EINTR) {
                return result;
            }
        }
    }
}

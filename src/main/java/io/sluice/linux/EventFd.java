package io.sluice.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * An eventfd: a counter in the kernel that one side adds to and another waits for. How interrupts reach a guest, and how
 * threads wake each other out of poll.
 *
 * <p>{@link #signal} and {@link #drain} never allocate or throw, and may be called from any thread. They do not block, unless
 * a peer that shares the eventfd has cleared O_NONBLOCK: then they return within a tenth of a second, and the eventfds of
 * that {@link EventFdSender} are left alone from then on.
 */
public final class EventFd implements AutoCloseable {
    static final int EFD_NONBLOCK = 0x800;
    static final int EFD_CLOEXEC = 0x80000;
    static final int F_SETFL = 4;
    static final int O_NONBLOCK = 0x800;

    /** The constant 1 in native memory, read by every signal. */
    private static final long ONE =
            Arena.global().allocateFrom(ValueLayout.JAVA_LONG, 1L).address();

    private final Fd fd;
    private final EventFdSender sender;

    private EventFd(Fd fd, EventFdSender sender) {
        this.fd = fd;
        this.sender = sender;
    }

    /** A new one, its counter 0. */
    public static EventFd create() throws LinuxException {
        Fd fd = Fd.fromResult(Syscalls.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd", "");
        return new EventFd(fd, new EventFdSender(() -> {}));
    }

    /**
     * Takes over a descriptor that a peer has sent, and makes it non-blocking (which shows at the peer's descriptor too, as
     * both are one open file).
     *
     * @throws LinuxException EINVAL if it is anything else: a pipe or a socket would block, or pass our writes on as data.
     *     The descriptor is then still the caller's to close.
     */
    public static EventFd adopt(Fd fd) throws LinuxException {
        return adopt(fd, new EventFdSender(() -> {}));
    }

    /**
     * The same for one of several that a peer sends.
     *
     * @param sender hears of it if this one blocks, and has it left alone if another one of the same sender does
     */
    public static EventFd adopt(Fd fd, EventFdSender sender) throws LinuxException {
        if (!isEventFd(fd)) {
            throw new LinuxException(
                    "adopt",
                    "of " + fd.describe() + " as an eventfd",
                    Errno.EINVAL,
                    "Only an eventfd can carry an interrupt.");
        }
        int number = fd.acquire("fcntl");
        try {
            long flags = Syscalls.fcntl(number, FileStatus.F_GETFL, 0);
            long result = flags < 0 ? flags : Syscalls.fcntl(number, F_SETFL, flags | O_NONBLOCK);
            if (result < 0) {
                throw new LinuxException("fcntl", "to make descriptor " + number + " non-blocking", (int) -result);
            }
        } finally {
            fd.release();
        }
        Scratch.get().stuckCalls(); // the first one anywhere takes long to set up: here, rather than in a poller
        return new EventFd(fd, sender);
    }

    /** Whether the descriptor is an eventfd. Only the kernel writes /proc/self/fdinfo, so a peer cannot forge it. */
    public static boolean isEventFd(Fd fd) {
        if (!fd.tryAcquire()) {
            return false;
        }
        try {
            return Files.readString(Path.of("/proc/self/fdinfo/" + fd.acquired()))
                    .contains("eventfd-count:");
        } catch (IOException e) {
            return false;
        } finally {
            fd.release();
        }
    }

    /**
     * Adds 1.
     *
     * @return whether it is signalled now: true also when the counter was full already, false once closed or distrusted
     */
    public boolean signal() {
        if (sender.isDistrusted() || !fd.tryAcquire()) {
            return false;
        }
        StuckCalls watched = Scratch.get().stuckCalls();
        watched.begin();
        long result = Syscalls.write(fd.acquired(), ONE, Long.BYTES);
        watched.end();
        fd.release();
        if (result == -Errno.EINTR) {
            sender.distrust();
        }
        return result == Long.BYTES || result == -Errno.EAGAIN;
    }

    /** Takes the counter back to 0 and returns what it was: 0 if nothing was signalled, or if closed or distrusted. */
    public long drain() {
        if (sender.isDistrusted() || !fd.tryAcquire()) {
            return 0;
        }
        long counter = Scratch.memory();
        StuckCalls watched = Scratch.get().stuckCalls();
        watched.begin();
        long result = Syscalls.read(fd.acquired(), counter, Long.BYTES);
        watched.end();
        fd.release();
        if (result == -Errno.EINTR) {
            sender.distrust();
        }
        return result == Long.BYTES ? Bytes.getLong(counter) : 0;
    }

    /** The descriptor, still owned by this object. */
    public Fd fd() {
        return fd;
    }

    @Override
    public void close() {
        fd.close();
    }

    @Override
    public String toString() {
        return "eventfd " + fd;
    }
}

package io.sluice.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A file descriptor and the duty to close it.
 *
 * <p>Numbers are reused by the kernel at once, so a call on a number that another thread has just closed would reach a
 * stranger's file. This room therefore takes the number for the length of a call ({@code acquire}, {@code release}), and
 * {@link #close} gives the number back to the kernel only when the last such call has returned. A call that blocks must be
 * woken first, by shutting its socket down.
 */
public final class Fd implements AutoCloseable {
    /** Set in {@link #users} by the first close; no new user gets in after that. */
    private static final int CLOSED = 1 << 30;

    private static final int F_DUPFD_CLOEXEC = 1030;

    private final int number;

    /** Calls under way, plus {@link #CLOSED}. The number is closed on the change to exactly CLOSED. */
    private final AtomicInteger users = new AtomicInteger();

    private Fd(int number) {
        this.number = number;
    }

    /**
     * Takes a descriptor over: from now on it is closed here and nowhere else.
     *
     * @throws IllegalArgumentException if the number is negative
     */
    public static Fd adopt(int number) {
        if (number < 0) {
            throw new IllegalArgumentException("a file descriptor is 0 or more, not " + number);
        }
        return new Fd(number);
    }

    /** The result of a system call that makes a descriptor, as an Fd or as an exception. */
    static Fd fromResult(long result, String call, String on) throws LinuxException {
        if (result < 0) {
            throw new LinuxException(call, on, (int) -result, adviceFor((int) -result));
        }
        return new Fd((int) result);
    }

    private static String adviceFor(int errno) {
        return errno == Errno.EMFILE
                ? "This process has as many descriptors as it may have: raise its limit (ulimit -n)."
                : "";
    }

    /**
     * The number, for a system call outside this room's own or for a message. Whoever uses it makes sure that nobody
     * closes this Fd meanwhile.
     *
     * @throws IllegalStateException if closed
     */
    public int number() {
        if (!isOpen()) {
            throw new IllegalStateException("file descriptor " + number + " is closed");
        }
        return number;
    }

    /** A second, independent descriptor of the same open file, close-on-exec like all. */
    public Fd duplicate() throws LinuxException {
        int fd = acquire("fcntl");
        try {
            return fromResult(Syscalls.fcntl(fd, F_DUPFD_CLOEXEC, 0), "fcntl", "to duplicate descriptor " + fd);
        } finally {
            release();
        }
    }

    /** Whether nobody has closed it yet. */
    public boolean isOpen() {
        return (users.get() & CLOSED) == 0;
    }

    /** Closes it, once all calls under way on it have returned. Idempotent, from any thread, never throws. */
    @Override
    public void close() {
        int before = users.getAndUpdate(value -> value | CLOSED);
        if (before == 0) {
            Syscalls.close(number);
        }
    }

    /**
     * The number, kept from being closed until {@link #release}.
     *
     * @throws LinuxException EBADF if closed
     */
    int acquire(String call) throws LinuxException {
        if (!tryAcquire()) {
            throw new LinuxException(call, "on closed descriptor " + number, Errno.EBADF);
        }
        return number;
    }

    /** Enters without an exception; false if closed. */
    boolean tryAcquire() {
        int value;
        do {
            value = users.get();
            if ((value & CLOSED) != 0) {
                return false;
            }
        } while (!users.compareAndSet(value, value + 1));
        return true;
    }

    /** The number between {@link #tryAcquire} and {@link #release}. */
    int acquired() {
        return number;
    }

    void release() {
        if (users.decrementAndGet() == CLOSED) {
            Syscalls.close(number);
        }
    }

    /**
     * What the descriptor refers to, for people: a path, or {@code memfd:guest.mem}, or {@code anon_inode:[eventfd]}. A peer
     * may have chosen the name, so it comes as {@link PlainText}.
     */
    public String describe() {
        try {
            String link =
                    Files.readSymbolicLink(Path.of("/proc/self/fd/" + number)).toString();
            return PlainText.of(link.startsWith("/memfd:") ? link.substring(1).replace(" (deleted)", "") : link);
        } catch (IOException e) {
            return "descriptor " + number;
        }
    }

    @Override
    public String toString() {
        return "fd " + number + (isOpen() ? "" : " (closed)");
    }
}

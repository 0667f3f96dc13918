package io.sluice.linux;

import java.io.IOException;

/**
 * A system call failed. The message says which call, on what, and why:
 *
 * <pre>mmap of guest.mem, 4096 bytes at offset 0: Invalid argument (EINVAL)</pre>
 */
public final class LinuxException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String call;
    private final int errno;

    /**
     * @param call the system call's name, such as {@code mmap}
     * @param on what it was done to, as words that follow the name: {@code "of guest.mem, 4096 bytes at offset 0"}
     * @param errno one of {@link Errno}, positive
     */
    public LinuxException(String call, String on, int errno) {
        this(call, on, errno, "");
    }

    /**
     * The same with advice at the end of the message.
     *
     * @param advice what to do about it, one sentence, or empty
     */
    public LinuxException(String call, String on, int errno, String advice) {
        super(call + (on.isEmpty() ? "" : " " + on) + ": " + Errno.describe(errno) + " (" + Errno.name(errno) + ")"
                + (advice.isEmpty() ? "" : ". " + advice));
        this.call = call;
        this.errno = errno;
    }

    /** The name of the system call that failed. */
    public String call() {
        return call;
    }

    /** Why: one of {@link Errno}. */
    public int errno() {
        return errno;
    }
}

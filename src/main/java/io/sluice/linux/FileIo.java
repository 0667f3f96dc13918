package io.sluice.linux;

import java.nio.file.Path;

/** Opening files, and reading and writing them at raw addresses and explicit offsets. */
public final class FileIo {
    public static final int O_RDONLY = 0;
    public static final int O_WRONLY = 1;
    public static final int O_RDWR = 2;
    public static final int O_CREAT = 0x40;
    public static final int O_EXCL = 0x80;
    public static final int O_TRUNC = 0x200;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_DSYNC = 0x1000;
    public static final int O_DIRECT = 0x4000;
    static final int O_DIRECTORY = 0x10000;
    static final int O_NOFOLLOW = 0x20000;
    static final int O_CLOEXEC = 0x80000;
    static final int O_PATH = 0x200000;

    private static final int AT_FDCWD = -100;

    /** Of a file that {@link #O_CREAT} makes: its owner's. */
    private static final int MODE = 0600;

    private FileIo() {}

    /**
     * Opens a file, close-on-exec; one that is created belongs to its owner alone (0600).
     *
     * @param flags a sum of O constants
     */
    public static Fd open(Path path, int flags) throws LinuxException {
        return Fd.fromResult(openResult(path, flags), "open", "of " + path);
    }

    /** The same as a system call's result. */
    static long openResult(Path path, int flags) {
        long text = Scratch.memory();
        if (!Bytes.putString(text, path.toString(), Scratch.BYTES)) {
            return -Errno.ENAMETOOLONG;
        }
        return Syscalls.openat(AT_FDCWD, text, flags | O_CLOEXEC, MODE);
    }

    /**
     * Reads at an offset into native memory.
     *
     * @return the number of bytes, less than asked for at the end of the file, 0 at or after it
     */
    public static long pread(Fd fd, long address, long bytes, long offset) throws LinuxException {
        int number = fd.acquire("pread");
        try {
            return check("pread", fd, bytes, offset, Syscalls.pread(number, address, bytes, offset));
        } finally {
            fd.release();
        }
    }

    /**
     * Writes native memory at an offset.
     *
     * @return the number of bytes; less than asked for only when the disk is full or a limit is reached
     */
    public static long pwrite(Fd fd, long address, long bytes, long offset) throws LinuxException {
        int number = fd.acquire("pwrite");
        try {
            return check("pwrite", fd, bytes, offset, Syscalls.pwrite(number, address, bytes, offset));
        } finally {
            fd.release();
        }
    }

    private static long check(String call, Fd fd, long bytes, long offset, long result) throws LinuxException {
        if (result < 0) {
            String on = "of " + fd.describe() + ", " + bytes + " bytes at offset " + offset;
            throw new LinuxException(call, on, (int) -result);
        }
        return result;
    }
}

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

    static final int RWF_DSYNC = 0x2;
    static final int FALLOC_FL_KEEP_SIZE = 0x1;
    static final int FALLOC_FL_PUNCH_HOLE = 0x2;
    static final int FALLOC_FL_ZERO_RANGE = 0x10;
    static final int LOCK_SH = 1;
    static final int LOCK_EX = 2;
    static final int LOCK_NB = 4;

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

    /** A descriptor that names a file and does nothing else: opening a pipe or a device that way has no effect on it. */
    public static Fd openPath(Path path) throws LinuxException {
        return open(path, O_PATH);
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

    /**
     * Reads at an offset into several places in memory, which may be any: of one that cannot be written no more than EFAULT
     * comes.
     *
     * @param count how many of the vectors, 1 or more
     * @return the number of bytes, less than asked for at the end of the file, 0 at or after it, and less for other reasons too
     */
    public static long preadv(Fd fd, IoVectors vectors, int count, long offset) throws LinuxException {
        int number = fd.acquire("preadv");
        try {
            long result = Syscalls.preadv(number, vectors.address(), count, offset);
            return result >= 0 ? result : check("preadv", fd, vectors.bytes(count), offset, result);
        } finally {
            fd.release();
        }
    }

    /**
     * Writes from several places in memory at an offset.
     *
     * @param durable whether it is on the medium on return; EOPNOTSUPP where a file system cannot say that of one write
     * @return the number of bytes, perhaps less than there are
     */
    public static long pwritev(Fd fd, IoVectors vectors, int count, long offset, boolean durable)
            throws LinuxException {
        int number = fd.acquire("pwritev2");
        try {
            long result = Syscalls.pwritev2(number, vectors.address(), count, offset, durable ? RWF_DSYNC : 0);
            return result >= 0 ? result : check("pwritev2", fd, vectors.bytes(count), offset, result);
        } finally {
            fd.release();
        }
    }

    /** Returns once all that has been written to the file, and what is needed to find it, is on the medium. */
    public static void fdatasync(Fd fd) throws LinuxException {
        int number = fd.acquire("fdatasync");
        try {
            check("fdatasync", "of " + fd.describe(), Syscalls.fdatasync(number));
        } finally {
            fd.release();
        }
    }

    /** Makes a hole: the range reads as zeroes and costs nothing. EOPNOTSUPP where the file system or device cannot. */
    public static void punchHole(Fd fd, long offset, long bytes) throws LinuxException {
        fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes);
    }

    /** Makes a range read as zeroes without writing them; what the file has there stays its own. EOPNOTSUPP as above. */
    public static void zeroRange(Fd fd, long offset, long bytes) throws LinuxException {
        fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset, bytes);
    }

    private static void fallocate(Fd fd, int mode, long offset, long bytes) throws LinuxException {
        int number = fd.acquire("fallocate");
        try {
            check("fallocate", fd, bytes, offset, Syscalls.fallocate(number, mode, offset, bytes));
        } finally {
            fd.release();
        }
    }

    /** The file's size in bytes as it is now; 0 of most things that are not regular files. */
    public static long size(Fd fd) throws LinuxException {
        int number = fd.acquire("fstat");
        try {
            long stat = Scratch.memory();
            check("fstat", "of descriptor " + number, Syscalls.fstat(number, stat));
            return Bytes.getLong(stat + FileStatus.ST_SIZE);
        } finally {
            fd.release();
        }
    }

    /** Sets the file's size in bytes; what is new is a hole. */
    public static void resize(Fd fd, long bytes) throws LinuxException {
        Memfd.resize(fd, bytes);
    }

    /**
     * Locks the whole file (flock), whichever of its names it was opened by, until the descriptor and all its duplicates are
     * closed; does not wait.
     *
     * @param shared whether others may have it so too
     * @return false if somebody else has a lock that is against it
     */
    public static boolean tryLock(Fd fd, boolean shared) throws LinuxException {
        int number = fd.acquire("flock");
        try {
            long result = Syscalls.flock(number, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB);
            if (result == -Errno.EAGAIN) {
                return false;
            }
            check("flock", "of " + fd.describe(), result);
            return true;
        } finally {
            fd.release();
        }
    }

    private static void check(String call, String on, long result) throws LinuxException {
        if (result < 0) {
            throw new LinuxException(call, on, (int) -result);
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

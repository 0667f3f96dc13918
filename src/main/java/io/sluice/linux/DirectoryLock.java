package io.sluice.linux;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * flock(2) on a directory: makes the steps of replacing a stale socket file one step for everybody who does it this way.
 *
 * <p>A lock on the directory leaves no lock file behind, ends with its process, and holds across containers that share the
 * directory. The wait for it is bounded, for anybody who may read the directory may hold its lock.
 */
final class DirectoryLock implements AutoCloseable {
    private static final int LOCK_EX = 2;
    private static final int LOCK_NB = 4;
    private static final Duration PATIENCE = Duration.ofSeconds(3);
    private static final long PAUSE_NANOS = 5_000_000;

    private final Fd directory;

    private DirectoryLock(Fd directory) {
        this.directory = directory;
    }

    /** Locks the directory that {@code file} is in. */
    static DirectoryLock around(Path file) throws LinuxException {
        return around(file, PATIENCE);
    }

    static DirectoryLock around(Path file, Duration patience) throws LinuxException {
        Path parent = file.toAbsolutePath().getParent();
        Path directory = parent == null ? Path.of("/") : parent;
        DirectoryLock lock = new DirectoryLock(open(directory));
        try {
            lock.take(directory, patience);
            return lock;
        } catch (LinuxException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    private static Fd open(Path directory) throws LinuxException {
        long result = FileIo.openResult(directory, FileIo.O_DIRECTORY);
        if (result < 0) {
            int errno = (int) -result;
            throw new LinuxException(
                    "open",
                    "of directory " + directory,
                    errno,
                    errno == Errno.ENOENT
                            ? "Make it, or let the service make it (RuntimeDirectory=)."
                            : "Choose another one for the socket.");
        }
        return Fd.adopt((int) result);
    }

    private void take(Path path, Duration patience) throws LinuxException {
        long start = System.nanoTime();
        long result = Syscalls.flock(directory.number(), LOCK_EX | LOCK_NB);
        while (result == -Errno.EAGAIN && System.nanoTime() - start < patience.toNanos()) {
            LockSupport.parkNanos(PAUSE_NANOS);
            result = Syscalls.flock(directory.number(), LOCK_EX | LOCK_NB);
        }
        if (result < 0) {
            throw new LinuxException(
                    "flock",
                    "of directory " + path,
                    (int) -result,
                    "Servers that start there take turns by this lock, and another process has held it for "
                            + patience.toMillis() + " ms: end that one (lslocks shows it), or put the socket into a"
                            + " directory that nobody else may read.");
        }
    }

    /** Unlocks. */
    @Override
    public void close() {
        directory.close();
    }
}

package io.sluice.linux;

import java.nio.file.Path;

/**
 * A listening AF_UNIX stream socket with a file in the file system.
 *
 * <p>How two starters and a stale file are kept apart: everything from looking at the path to listening happens under a
 * lock on the directory, so of two starters the second finds the first one's live socket and is refused.
 *
 * <p>How nobody gets in early: the socket's file is born with mode 0 (or the final mode, where that is all there is to set),
 * which needs no change of the process's umask since the kernel takes the mode of the unbound socket; then it gets its owner and mode;
 * and only then does it listen. Before that, connecting is refused.
 *
 * <pre>
 *   lock directory ─▶ path free? ─▶ socket, fchmod ─▶ bind ─▶ chown, chmod ─▶ listen ─▶ unlock
 *                     stale: remove
 *                     live or not a socket: refuse
 * </pre>
 */
public final class UnixListener implements AutoCloseable {
    /** Clients that wait for us to accept, before the next one has to wait in connect. */
    private static final int BACKLOG = 128;

    private final Path path;
    private final Fd fd;
    private final FileStatus file;
    private volatile boolean closed;

    private UnixListener(Path path, Fd fd, FileStatus file) {
        this.path = path;
        this.fd = fd;
        this.file = file;
    }

    /**
     * Listens at a path. A socket file that nobody listens on any more is replaced.
     *
     * @param path at most 107 bytes; its directory exists
     * @throws LinuxException EADDRINUSE if another process serves it, EEXIST if something else is there, ENAMETOOLONG
     */
    public static UnixListener bind(Path path, SocketOptions options) throws LinuxException {
        UnixSocket.requireAddressable("bind", path);
        Path absolute = path.toAbsolutePath();
        try (DirectoryLock _ = DirectoryLock.around(absolute)) {
            SocketFile.clear(path);
            Fd fd = UnixSocket.open(0);
            try {
                return bindLocked(path, fd, options);
            } catch (LinuxException | RuntimeException e) {
                fd.close();
                throw e;
            }
        }
    }

    private static UnixListener bindLocked(Path path, Fd fd, SocketOptions options) throws LinuxException {
        boolean handedOver = options.owner().isPresent() || options.group().isPresent();
        check("fchmod", path, Syscalls.fchmod(fd.number(), handedOver ? 0 : options.mode()));
        long memory = Scratch.memory();
        int bytes = UnixSocket.putAddress(memory, path);
        check("bind", path, Syscalls.bind(fd.number(), memory, bytes));
        FileStatus file = SocketFile.status(path)
                .orElseThrow(() -> new LinuxException("bind", "to " + path, Errno.ENOENT, "Somebody removed it."));
        try {
            SocketFile.permit(path, options);
            check("listen", path, Syscalls.listen(fd.number(), BACKLOG));
        } catch (LinuxException | RuntimeException e) {
            SocketFile.removeIfOurs(path, file);
            throw e;
        }
        return new UnixListener(path, fd, file);
    }

    private static void check(String call, Path path, long result) throws LinuxException {
        if (result < 0) {
            throw new LinuxException(call, "to " + path, (int) -result);
        }
    }

    /**
     * The next client, waiting for it if need be.
     *
     * @return null once this is closed, also if that happens while waiting
     * @throws LinuxException EMFILE when this process may open no more; the client keeps waiting, so pause before the next
     *     attempt
     */
    public UnixConnection accept() throws LinuxException {
        if (!fd.tryAcquire()) {
            return null;
        }
        try {
            long result = Syscalls.accept(fd.acquired(), UnixSocket.SOCK_CLOEXEC);
            if (result < 0 && !closed) {
                throw new LinuxException("accept", "at " + path, (int) -result);
            }
            UnixConnection client = result < 0 ? null : new UnixConnection(Fd.adopt((int) result));
            if (closed && client != null) {
                client.close();
            }
            return closed ? null : client;
        } finally {
            fd.release();
        }
    }

    public Path path() {
        return path;
    }

    /** The descriptor, still owned by this object: for poll. */
    public Fd fd() {
        return fd;
    }

    /**
     * Removes the file if it is still this socket's, stops listening, and wakes {@link #accept}. Idempotent.
     *
     * <p>The file goes first, and without the lock on its directory, which anybody may hold: as long as this socket listens,
     * nobody who starts takes its file for a stale one, so it is surely ours.
     */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        removeFile();
        if (fd.tryAcquire()) {
            Syscalls.shutdown(fd.acquired(), UnixSocket.SHUT_RDWR);
            fd.release();
        }
        fd.close();
    }

    private void removeFile() {
        try {
            SocketFile.removeIfOurs(path, file);
        } catch (LinuxException e) {
            // Whoever binds next finds that nobody listens, and replaces the file.
            return;
        }
    }
}

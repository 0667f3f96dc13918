package io.sluice.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The file that a listening socket has in the file system. Who binds holds the {@link DirectoryLock}. */
final class SocketFile {
    private static final int PERMISSIONS = 07777;

    private SocketFile() {}

    /** The file itself, links not followed; empty where there is none. */
    private static Optional<Fd> open(Path path) throws LinuxException {
        long result = FileIo.openResult(path, FileIo.O_PATH | FileIo.O_NOFOLLOW);
        return result == -Errno.ENOENT ? Optional.empty() : Optional.of(Fd.fromResult(result, "open", "of " + path));
    }

    static Optional<FileStatus> status(Path path) throws LinuxException {
        Optional<Fd> file = open(path);
        if (file.isEmpty()) {
            return Optional.empty();
        }
        try (Fd fd = file.get()) {
            return Optional.of(FileStatus.of(fd));
        }
    }

    /** Whether a socket is at the path, or at the end of a link that is; false also where that cannot be told. */
    static boolean isSocket(Path path) {
        long result = FileIo.openResult(path, FileIo.O_PATH);
        if (result < 0) {
            return false;
        }
        try (Fd fd = Fd.adopt((int) result)) {
            return FileStatus.of(fd).isSocket();
        } catch (LinuxException e) {
            return false;
        }
    }

    /** Makes sure that nothing is at the path: removes a socket that nobody listens on, refuses everything else. */
    static void clear(Path path) throws LinuxException {
        Optional<FileStatus> found = status(path);
        if (found.isEmpty()) {
            return;
        }
        if (!found.get().isSocket()) {
            throw new LinuxException(
                    "bind",
                    "to " + path,
                    Errno.EEXIST,
                    "What is there is not a socket: remove it, or choose another path.");
        }
        int errno = probe(path);
        if (errno == Errno.ECONNREFUSED) {
            delete(path);
        } else if (errno != Errno.ENOENT) {
            String why = errno == 0 || errno == Errno.EAGAIN
                    ? "Another process serves it: stop that one, or choose another path."
                    : "Whether another process serves it cannot be told: " + Errno.describe(errno) + ".";
            throw new LinuxException("bind", "to " + path, Errno.EADDRINUSE, why);
        }
    }

    /** Tries to connect, without waiting: 0 or an error number. A server that lives sees a client that leaves at once. */
    private static int probe(Path path) throws LinuxException {
        try (Fd fd = UnixSocket.open(UnixSocket.SOCK_NONBLOCK)) {
            long memory = Scratch.memory();
            int bytes = UnixSocket.putAddress(memory, path);
            return (int) -Syscalls.connect(fd.number(), memory, bytes);
        }
    }

    private static void delete(Path path) throws LinuxException {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new LinuxException(
                    "unlink", "of the stale socket " + path, Errno.EACCES, String.valueOf(e.getMessage()));
        }
    }

    /**
     * Gives a socket that was just bound, and does not listen yet, its owner and mode. Works on the file that was opened,
     * checked to be a socket, so that nobody can slip another one under the path in between.
     */
    static void permit(Path path, SocketOptions options) throws LinuxException {
        Fd file = open(path)
                .orElseThrow(() -> new LinuxException("bind", "to " + path, Errno.ENOENT, "Somebody removed it."));
        try (file) {
            FileStatus status = FileStatus.of(file);
            if (!status.isSocket()) {
                throw new LinuxException("bind", "to " + path, Errno.EEXIST, "Somebody put another file there.");
            }
            Path opened = Path.of("/proc/self/fd/" + file.number());
            if (options.owner().isPresent() || options.group().isPresent()) {
                int uid = options.owner().isPresent()
                        ? Posix.userId(options.owner().get())
                        : -1;
                int gid = options.group().isPresent()
                        ? Posix.groupId(options.group().get())
                        : -1;
                chown(path, opened, uid, gid, options);
            }
            if ((status.mode() & PERMISSIONS) != options.mode()) {
                Posix.chmod(opened, options.mode());
            }
        }
    }

    private static void chown(Path path, Path opened, int uid, int gid, SocketOptions options) throws LinuxException {
        try {
            Posix.chown(opened, uid, gid);
        } catch (LinuxException e) {
            String to = options.owner().map(owner -> " user " + owner).orElse("")
                    + options.group().map(group -> " group " + group).orElse("");
            throw new LinuxException(
                    "chown",
                    "of " + path + " to" + to,
                    e.errno(),
                    e.errno() == Errno.EPERM
                            ? "Only root may give a file to another user, or to a group that this user is no member of: leave"
                                    + " owner and group out, join the group, or run as root."
                            : "");
        }
    }

    /** Removes the file if it is still the one that {@code ours} says; anything else there is somebody else's. */
    static void removeIfOurs(Path path, FileStatus ours) throws LinuxException {
        Optional<FileStatus> found = status(path);
        if (found.isPresent() && found.get().isSameFile(ours)) {
            delete(path);
        }
    }
}

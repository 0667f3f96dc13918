package io.sluice.linux;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** What listeners and connections share: the constants of AF_UNIX stream sockets, addresses, waiting. */
final class UnixSocket {
    static final int AF_UNIX = 1;
    static final int SOCK_STREAM = 1;
    static final int SOCK_DGRAM = 2;
    static final int SOCK_NONBLOCK = 0x800;
    static final int SOCK_CLOEXEC = 0x80000;
    static final int SHUT_RDWR = 2;
    static final int SOL_SOCKET = 1;
    static final int SO_PEERCRED = 17;
    static final int SO_SNDTIMEO = 21;
    static final int MSG_NOSIGNAL = 0x4000;
    static final int TIMEVAL_BYTES = 16;

    /** sun_path has 108 bytes and ends with a NUL. */
    static final int PATH_MAX_BYTES = 107;

    /** Where the path is in a struct sockaddr_un. */
    static final int SUN_PATH = 2;

    private UnixSocket() {}

    static Fd open(int flags) throws LinuxException {
        return Fd.fromResult(Syscalls.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags), "socket", "of AF_UNIX");
    }

    /** Refuses what cannot be the address of a socket, before anything is made. */
    static void requireAddressable(String call, Path path) throws LinuxException {
        int bytes = path.toString().getBytes(StandardCharsets.UTF_8).length;
        if (bytes > PATH_MAX_BYTES) {
            throw new LinuxException(
                    call,
                    "to " + path,
                    Errno.ENAMETOOLONG,
                    "The path of a socket has at most " + PATH_MAX_BYTES + " bytes; this one has " + bytes + ".");
        }
        if (bytes == 0) {
            throw new LinuxException(call, "to an empty path", Errno.EINVAL);
        }
    }

    /** Writes a struct sockaddr_un and returns its size. The path was checked by {@link #requireAddressable}. */
    static int putAddress(long memory, Path path) {
        Bytes.putShort(memory, AF_UNIX);
        Bytes.putString(memory + SUN_PATH, path.toString(), PATH_MAX_BYTES + 1);
        return SUN_PATH + path.toString().getBytes(StandardCharsets.UTF_8).length + 1;
    }

    /**
     * Waits until the descriptor is ready or in error; then the next call on it will not block.
     *
     * @param timeoutNanos negative: for ever
     * @param pollfd 8 bytes of scratch memory
     * @return whether it is; false at the end of the time
     */
    static boolean await(int fd, int events, long timeoutNanos, long pollfd) throws LinuxException {
        PollSet.put(pollfd, fd, events);
        long result = PollSet.poll(pollfd, 1, timeoutNanos);
        if (result < 0) {
            throw new LinuxException("poll", "of descriptor " + fd, (int) -result);
        }
        return result > 0;
    }
}

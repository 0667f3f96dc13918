package io.sluice.linux;

import java.nio.charset.StandardCharsets;

/** A datagram socket as a service manager has one. */
public final class NotifySocket implements AutoCloseable {
    private static final int RECEIVED = 512;
    private static final long PATIENCE_NANOS = 60_000_000_000L;

    private final Fd fd;

    private NotifySocket(Fd fd) {
        this.fd = fd;
    }

    /** Listens at a path, or, with a leading '@', at an abstract name. */
    public static NotifySocket at(String name) throws LinuxException {
        Fd fd = Fd.fromResult(
                Syscalls.socket(UnixSocket.AF_UNIX, UnixSocket.SOCK_DGRAM | UnixSocket.SOCK_CLOEXEC), "socket", "");
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        if (name.startsWith("@")) {
            bytes[0] = 0;
        }
        long memory = Scratch.memory();
        Bytes.zero(memory, 2 + UnixSocket.PATH_MAX_BYTES);
        Bytes.putShort(memory, UnixSocket.AF_UNIX);
        Bytes.copyIn(memory + 2, bytes);
        long result = Syscalls.bind(fd.number(), memory, 2 + bytes.length);
        if (result < 0) {
            fd.close();
            throw new LinuxException("bind", "to " + name, (int) -result);
        }
        return new NotifySocket(fd);
    }

    /** The next message; null if none comes for long. */
    public String next() throws LinuxException {
        long memory = Scratch.memory();
        if (!UnixSocket.await(fd.number(), PollSet.IN, PATIENCE_NANOS, memory)) {
            return null;
        }
        int bytes = (int) Syscalls.read(fd.number(), memory + RECEIVED, Scratch.BYTES - RECEIVED);
        byte[] message = new byte[bytes];
        Bytes.at(memory + RECEIVED, bytes).asByteBuffer().get(message);
        return new String(message, StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        fd.close();
    }
}

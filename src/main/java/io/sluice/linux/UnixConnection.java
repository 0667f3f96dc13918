package io.sluice.linux;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A connected AF_UNIX stream socket that carries bytes and file descriptors.
 *
 * <p>One thread receives at a time. Any thread may send: a message goes out whole before the next begins. Any thread may
 * {@link #shutdown} or {@link #close}, which ends whatever the others wait for. Direct buffers are used in place; heap
 * buffers are copied.
 */
public final class UnixConnection implements AutoCloseable {
    /** The most descriptors that one message carries. */
    public static final int MAX_FDS = Message.MAX_FDS;

    /** How long {@link #send} and {@link #connect} wait for a peer that does not read or accept, unless told otherwise. */
    public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(5);

    private static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;
    private static final int FIONREAD = 0x541B;

    /** A heap buffer is copied in pieces of this size. */
    private static final int BOUNCE_BYTES = 65536;

    private static final int UCRED_BYTES = 12;
    private static final long NANOS_PER_MILLI = 1_000_000;

    private final Fd fd;

    /** Held while one message goes out. */
    private final ReentrantLock sending = new ReentrantLock();

    private volatile long sendTimeoutNanos = DEFAULT_TIMEOUT.toNanos();

    UnixConnection(Fd fd) {
        this.fd = fd;
    }

    /**
     * Connects to the socket at a path.
     *
     * @throws LinuxException ENOENT where there is none, ECONNREFUSED where nobody listens, ETIMEDOUT where the listener
     *     does not accept within {@link #DEFAULT_TIMEOUT}
     */
    public static UnixConnection connect(Path path) throws LinuxException {
        UnixSocket.requireAddressable("connect", path);
        Fd fd = UnixSocket.open(0);
        try {
            // A listener with a full backlog blocks connect; this bounds it. Sending does not block, so it stays unused
            // later.
            long memory = Scratch.memory();
            Bytes.putLong(memory, DEFAULT_TIMEOUT.toSeconds());
            Bytes.putLong(memory + Long.BYTES, 0);
            Syscalls.setsockopt(
                    fd.number(), UnixSocket.SOL_SOCKET, UnixSocket.SO_SNDTIMEO, memory, UnixSocket.TIMEVAL_BYTES);
            int bytes = UnixSocket.putAddress(memory, path);
            long result = Syscalls.connect(fd.number(), memory, bytes);
            if (result < 0) {
                throw connectFailure(path, (int) -result);
            }
            return new UnixConnection(fd);
        } catch (LinuxException | RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    private static LinuxException connectFailure(Path path, int errno) {
        String advice = switch (errno) {
            case Errno.ENOENT -> "Is the server running, and is this its socket?";
            case Errno.ECONNREFUSED ->
                SocketFile.isSocket(path)
                        ? "Nobody listens there any more: start the server again."
                        : "It is not a socket.";
            case Errno.EPROTOTYPE ->
                "It is a socket of another kind (datagrams or packets), so no vfio-user server's: check the path.";
            case Errno.EAGAIN -> "Its server does not accept connections.";
            case Errno.EACCES -> "Connecting needs write permission on the socket and access to its directory.";
            default -> "";
        };
        return new LinuxException("connect", "to " + path, errno == Errno.EAGAIN ? Errno.ETIMEDOUT : errno, advice);
    }

    /** Two connections, each other's peer. */
    public static UnixConnection[] pair() throws LinuxException {
        long memory = Scratch.memory();
        int type = UnixSocket.SOCK_STREAM | UnixSocket.SOCK_CLOEXEC;
        long result = Syscalls.socketpair(UnixSocket.AF_UNIX, type, memory);
        if (result < 0) {
            throw new LinuxException("socketpair", "of AF_UNIX", (int) -result);
        }
        Fd one = Fd.adopt(Bytes.getInt(memory));
        Fd other = Fd.adopt(Bytes.getInt(memory + Integer.BYTES));
        return new UnixConnection[] {new UnixConnection(one), new UnixConnection(other)};
    }

    /**
     * Sets how long one {@link #send} may take altogether before the connection is given up.
     *
     * @throws IllegalArgumentException if not positive
     */
    public void sendTimeout(Duration timeout) {
        if (!timeout.isPositive()) {
            throw new IllegalArgumentException("a timeout is positive, not " + timeout);
        }
        sendTimeoutNanos = timeout.toNanos();
    }

    /**
     * Receives at least one byte, waiting for it if need be, and advances the buffer.
     *
     * @param into has room for at least one byte
     * @param fds gets the descriptors that came with these bytes, at most {@link #MAX_FDS}; the caller owns them
     * @return the number of bytes; 0 at the end of the stream
     * @throws LinuxException also ETOOMANYREFS when the peer sent more descriptors than can be taken; none are kept
     */
    public int receive(ByteBuffer into, List<Fd> fds) throws LinuxException {
        if (into.isReadOnly()) {
            throw new ReadOnlyBufferException();
        }
        if (!into.hasRemaining()) {
            throw new IllegalArgumentException(
                    "there is no room for even one byte: the result would look like the end");
        }
        if (into.isDirect()) {
            try {
                int count = receive(MemorySegment.ofBuffer(into).address(), into.remaining(), fds);
                into.position(into.position() + count);
                return count;
            } finally {
                Reference.reachabilityFence(into);
            }
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bounce = arena.allocate(Math.min(into.remaining(), BOUNCE_BYTES));
            int count = receive(bounce.address(), (int) bounce.byteSize(), fds);
            into.put(bounce.asSlice(0, count).asByteBuffer());
            return count;
        }
    }

    private int receive(long address, int bytes, List<Fd> fds) throws LinuxException {
        int number = fd.acquire("recvmsg");
        try {
            long message = Scratch.memory();
            Message.prepareToReceive(message, address, bytes);
            long result = Syscalls.recvmsg(number, message, MSG_CMSG_CLOEXEC);
            if (result == -Errno.ECONNRESET) {
                // Said once, when the peer has left without reading everything. What it sent is still there, then the
                // end.
                result = Syscalls.recvmsg(number, message, MSG_CMSG_CLOEXEC);
            }
            if (result < 0) {
                throw new LinuxException("recvmsg", "from the peer", (int) -result);
            }
            List<Fd> received = Message.takeFds(message);
            if (Message.isTruncated(message)) {
                received.forEach(Fd::close);
                throw new LinuxException(
                        "recvmsg",
                        "of " + result + " bytes with descriptors",
                        Errno.ETOOMANYREFS,
                        "The peer sent more than " + MAX_FDS + " of them, or this process may open no more.");
            }
            fds.addAll(received);
            return (int) result;
        } finally {
            fd.release();
        }
    }

    /**
     * Fills the buffer, waiting for as long as it takes.
     *
     * @param fds gets the descriptors that came with these bytes; the caller owns them. Unchanged if this throws
     * @return false if the stream ended before the first byte
     * @throws EOFException if it ended later
     * @throws LinuxException as {@link #receive}; the limit of {@link #MAX_FDS} holds for the whole
     */
    public boolean receiveFully(ByteBuffer into, List<Fd> fds) throws IOException {
        List<Fd> received = new ArrayList<>();
        boolean complete = false;
        try {
            int wanted = into.remaining();
            while (into.hasRemaining()) {
                if (receive(into, received) == 0) {
                    if (into.remaining() == wanted) {
                        return false;
                    }
                    throw new EOFException("the peer closed the connection in the middle of a message: "
                            + (wanted - into.remaining()) + " of " + wanted + " bytes had come");
                }
                if (received.size() > MAX_FDS) {
                    throw new LinuxException(
                            "recvmsg",
                            "of " + wanted + " bytes with descriptors",
                            Errno.ETOOMANYREFS,
                            "The peer sent more than " + MAX_FDS + " of them.");
                }
            }
            complete = true;
        } finally {
            if (!complete) {
                received.forEach(Fd::close);
            }
        }
        fds.addAll(received);
        return true;
    }

    /**
     * Sends a whole message, the descriptors with its first byte, and advances the buffer to its limit. The descriptors
     * stay the caller's.
     *
     * <p>Gives up when the peer has not made room within the send timeout. The connection is then shut down, since part of
     * the message may be out, and since the senders behind this one must not each wait as long.
     *
     * @param message at least one byte
     * @param fds at most {@link #MAX_FDS}
     * @throws LinuxException EPIPE when the peer is gone (there is no SIGPIPE), ETIMEDOUT when it does not read
     */
    public void send(ByteBuffer message, List<Fd> fds) throws LinuxException {
        if (!message.hasRemaining() || fds.size() > MAX_FDS) {
            throw new IllegalArgumentException("a message has at least 1 byte and at most " + MAX_FDS
                    + " descriptors; this one has " + message.remaining() + " and " + fds.size());
        }
        int acquired = 0;
        sending.lock();
        try {
            for (Fd each : fds) {
                each.acquire("sendmsg");
                acquired++;
            }
            sendAcquired(message, fds);
        } finally {
            sending.unlock();
            for (Fd each : fds.subList(0, acquired)) {
                each.release();
            }
        }
    }

    private void sendAcquired(ByteBuffer message, List<Fd> fds) throws LinuxException {
        long deadline = System.nanoTime() + sendTimeoutNanos;
        if (message.isDirect()) {
            try {
                send(MemorySegment.ofBuffer(message).address(), message.remaining(), fds, deadline);
            } finally {
                Reference.reachabilityFence(message);
            }
            message.position(message.limit());
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bounce = arena.allocate(Math.min(message.remaining(), BOUNCE_BYTES));
            List<Fd> with = fds;
            while (message.hasRemaining()) {
                int bytes = Math.min(message.remaining(), BOUNCE_BYTES);
                bounce.asByteBuffer().put(message.slice(message.position(), bytes));
                send(bounce.address(), bytes, with, deadline);
                message.position(message.position() + bytes);
                with = List.of();
            }
        }
    }

    private void send(long address, int bytes, List<Fd> fds, long deadlineNanos) throws LinuxException {
        int number = fd.acquire("sendmsg");
        try {
            long message = Scratch.memory();
            Message.prepare(message, address, bytes);
            if (!fds.isEmpty()) {
                Message.attach(message, fds);
            }
            int sent = 0;
            while (sent < bytes) {
                Message.setData(message, address + sent, bytes - sent);
                long result = Syscalls.sendmsg(number, message, MSG_DONTWAIT | UnixSocket.MSG_NOSIGNAL);
                if (result > 0) {
                    sent += (int) result;
                    Message.detach(message);
                } else if (result == -Errno.EAGAIN) {
                    awaitWritable(number, deadlineNanos, Message.pollfd(message));
                } else {
                    throw new LinuxException("sendmsg", "of " + bytes + " bytes to the peer", (int) -result);
                }
            }
        } finally {
            fd.release();
        }
    }

    private void awaitWritable(int number, long deadlineNanos, long pollfd) throws LinuxException {
        long left = deadlineNanos - System.nanoTime();
        if (left <= 0 || !UnixSocket.await(number, PollSet.OUT, left, pollfd)) {
            shutdown();
            throw new LinuxException(
                    "sendmsg", "to a peer that does not read", Errno.ETIMEDOUT, "The connection is given up.");
        }
    }

    /**
     * Waits until receiving will not block: there is a byte, or the end, or an error.
     *
     * @param timeoutMillis 0 only asks; negative waits for ever
     */
    public boolean awaitReadable(int timeoutMillis) throws LinuxException {
        int number = fd.acquire("poll");
        try {
            return UnixSocket.await(number, PollSet.IN, timeoutMillis * NANOS_PER_MILLI, Scratch.memory());
        } finally {
            fd.release();
        }
    }

    /** How many bytes can be received without waiting. */
    public int available() throws LinuxException {
        int number = fd.acquire("ioctl");
        try {
            long count = Scratch.memory();
            long result = Syscalls.ioctl(number, FIONREAD, count);
            if (result < 0) {
                throw new LinuxException("ioctl", "FIONREAD of a connection", (int) -result);
            }
            return Bytes.getInt(count);
        } finally {
            fd.release();
        }
    }

    /** Who the peer was when it connected, or when it began to listen. */
    public PeerCredentials peer() throws LinuxException {
        int number = fd.acquire("getsockopt");
        try {
            long credentials = Scratch.memory();
            long length = credentials + Long.BYTES * 2;
            Bytes.putInt(length, UCRED_BYTES);
            long result =
                    Syscalls.getsockopt(number, UnixSocket.SOL_SOCKET, UnixSocket.SO_PEERCRED, credentials, length);
            if (result < 0) {
                throw new LinuxException("getsockopt", "SO_PEERCRED of a connection", (int) -result);
            }
            return new PeerCredentials(
                    Bytes.getInt(credentials), Bytes.getInt(credentials + 4), Bytes.getInt(credentials + 8));
        } finally {
            fd.release();
        }
    }

    /** Ends both directions: a thread blocked in receive sees the end, a send fails, the peer sees the end. */
    public void shutdown() {
        if (fd.tryAcquire()) {
            Syscalls.shutdown(fd.acquired(), UnixSocket.SHUT_RDWR);
            fd.release();
        }
    }

    /** The descriptor, still owned by this object: for poll. */
    public Fd fd() {
        return fd;
    }

    /** Shuts down and closes. Idempotent, from any thread. */
    @Override
    public void close() {
        shutdown();
        fd.close();
    }
}

package io.sluice.vfiouser.client;

import io.sluice.linux.Errno;
import io.sluice.linux.Fd;
import io.sluice.linux.UnixConnection;
import io.sluice.vfiouser.Capabilities;
import io.sluice.vfiouser.Command;
import io.sluice.vfiouser.Header;
import io.sluice.vfiouser.Message;
import io.sluice.vfiouser.MessageChannel;
import io.sluice.vfiouser.VfioUserException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Requests and their replies, one at a time, over one connection. Where the server may have commands of its own, for memory that is
 * not shared with it, a thread receives all messages and answers these at any time ({@link Receiver}).
 *
 * <pre>
 *   call ──▶ send ──▶ wait ──▶ reply of this id ────▶ its reader ──▶ result
 *                      │ ▲        │ error flag ─────▶ VfioUserException; the connection is as good as before
 *                      │ └── a command of the server's: answered with an error reply
 *                      └──▶ deadline, end of stream, a reply that makes no sense ──▶ closed, for good
 * </pre>
 *
 * <p>Thread-safe. Once closed, every call fails and says what closed it.
 */
final class Exchange implements AutoCloseable {
    /** No reply to what this client asks for is longer. */
    static final int MAX_MESSAGE_BYTES = 64 * 1024;

    /** The most data that a server may ask for with one command of its own. */
    static final int MAX_DMA_BYTES = Capabilities.DEFAULT_MAX_DATA_TRANSFER_BYTES;

    /** Between two looks at a message that has come in part. */
    private static final long PART_PAUSE_NANOS = 100_000;

    private static final long NANOS_PER_MILLI = 1_000_000;
    private static final int ID_LIMIT = 1 << 16;

    private final String peer;
    private final MessageChannel channel;
    private final Duration timeout;
    private int lastId;
    private volatile IOException closedBy;

    /** Null where the server has no commands, and each call receives its own reply. */
    private final Receiver receiver;

    /** Takes a result out of a reply whose header has been checked; a {@link VfioUserException} says that it makes no sense. */
    @FunctionalInterface
    interface ReplyReader<T> {
        T read(Message reply) throws IOException;
    }

    /**
     * @param peer the socket's path, for messages
     * @param connection owned by this object from now on
     * @param timeout for each reply, and for each send
     */
    Exchange(String peer, UnixConnection connection, Duration timeout) {
        this(peer, connection, timeout, null);
    }

    /** @param answerer answers the server's commands, on a thread of this object's; null if it has none */
    Exchange(String peer, UnixConnection connection, Duration timeout, DmaAnswerer answerer) {
        this.peer = peer;
        this.channel = new MessageChannel(
                connection, answerer == null ? MAX_MESSAGE_BYTES : MAX_DMA_BYTES + MAX_MESSAGE_BYTES);
        this.timeout = timeout;
        connection.sendTimeout(timeout);
        this.receiver = answerer == null ? null : new Receiver(peer, channel, answerer);
    }

    /** The socket's path. */
    String peer() {
        return peer;
    }

    /**
     * Sends a command and waits for its reply.
     *
     * @param body writes {@code bodyBytes} bytes
     * @param fds go along; they stay the caller's
     * @throws VfioUserException if the server refused; others if the connection is of no use, now or since earlier
     */
    synchronized <T> T call(
            Command command, int bodyBytes, Consumer<ByteBuffer> body, List<Fd> fds, ReplyReader<T> reader)
            throws IOException {
        if (closedBy != null) {
            throw new IOException(
                    command + " was not sent: the connection to " + peer + " is closed: " + closedBy.getMessage(),
                    closedBy);
        }
        lastId = (lastId + 1) % ID_LIMIT;
        Header header = Header.command(lastId, command, bodyBytes);
        long deadline = System.nanoTime() + timeout.toNanos();
        try {
            channel.send(header, body, fds);
            try (Message reply = awaitReply(header, deadline)) {
                if (!reply.header().isError()) {
                    return read(reply, reader);
                }
                throw new Refusal(refusal(command, reply.header().errno()));
            } finally {
                if (receiver != null) {
                    receiver.goOn();
                }
            }
        } catch (Refusal refusal) {
            throw refusal.why;
        } catch (IOException e) {
            throw end(new IOException(command + " to " + peer + " failed: " + e.getMessage(), e));
        }
    }

    /** Carries a refusal past the handler that closes the connection for everything else. */
    private static final class Refusal extends IOException {
        private static final long serialVersionUID = 1L;
        private final VfioUserException why;

        Refusal(VfioUserException why) {
            super(why);
            this.why = why;
        }
    }

    private VfioUserException refusal(Command command, int errno) {
        String why = errno == 0 ? "no reason given" : Errno.describe(errno) + " (" + Errno.name(errno) + ")";
        return new VfioUserException(errno, command + " was refused by the server of " + peer + ": " + why);
    }

    private static <T> T read(Message reply, ReplyReader<T> reader) throws IOException {
        try {
            return reader.read(reply);
        } catch (VfioUserException e) {
            throw new IOException("the reply makes no sense: " + e.getMessage(), e);
        }
    }

    private Message awaitReply(Header request, long deadline) throws IOException {
        while (true) {
            Message message = receive(request, deadline);
            Header header = message.header();
            if (header.isReply() && header.id() == request.id() && header.command() == request.command()) {
                return message;
            }
            message.close();
            if (!header.isCommand()) {
                throw new IOException("the server answered with something else: " + header);
            }
            if (header.wantsReply()) {
                // DMA by message is not offered: all memory is mapped with its descriptor.
                channel.send(header.errorReply(Errno.EOPNOTSUPP));
            }
        }
    }

    private Message receive(Header request, long deadline) throws IOException {
        while (true) {
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                throw new IOException("no reply within " + timeout.toSeconds() + " s; " + reasonForSilence(request));
            }
            if (receiver != null) {
                Message message = receiver.take(left);
                if (message != null) {
                    return message;
                }
                continue;
            }
            UnixConnection connection = channel.connection();
            if (!connection.awaitReadable((int) Math.ceilDiv(left, NANOS_PER_MILLI))) {
                continue;
            }
            boolean ended = connection.available() == 0;
            Message message = ended ? null : channel.receiveIfReady();
            if (message != null) {
                return message;
            }
            if (ended) {
                throw new EOFException("the server closed the connection");
            }
            LockSupport.parkNanos(PART_PAUSE_NANOS);
        }
    }

    private static String reasonForSilence(Header request) {
        return request.command() == Command.VERSION.code()
                ? "the server is busy with another client (it has one at a time), or hangs"
                : "the server hangs, or has been stopped";
    }

    private IOException end(IOException why) {
        closedBy = why;
        if (receiver == null) {
            channel.close();
        } else {
            receiver.close();
        }
        return why;
    }

    /** Whether a call can still succeed. Does not wait for one that is under way. */
    boolean isOpen() {
        return closedBy == null;
    }

    @Override
    public synchronized void close() {
        if (closedBy == null) {
            end(new IOException("it was closed here"));
        }
    }
}

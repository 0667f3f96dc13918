package io.sluice.vfiouser;

import io.sluice.linux.Fd;
import io.sluice.linux.UnixConnection;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Messages over a connection: whole ones in, whole ones out.
 *
 * <p>Messages come back to back in one stream, and descriptors belong to the bytes of a header. So exactly the 16 bytes of a
 * header are received first, then exactly the body that it announces: a larger first read would give the next message's
 * descriptors to this one.
 *
 * <pre>
 *   receive():         wait for a header ──▶ check its size ──▶ wait for the body ──▶ message
 *   receiveIfReady():  header there? ─no─▶ null;  body there? ─no─▶ null, the header waits here for the next call
 * </pre>
 *
 * <p>One thread receives. Any thread may send. Any thread may {@link #close}, which ends what the others wait for.
 */
public final class MessageChannel implements AutoCloseable {
    /** Room for a body of the usual size, in bytes; grows to the largest message that has come. */
    private static final int USUAL_BODY_BYTES = 8192;

    private final UnixConnection connection;
    private final long maxMessageBytes;

    private final ByteBuffer headerBuffer = ByteBuffer.allocateDirect(Header.BYTES);
    private ByteBuffer bodyBuffer = ByteBuffer.allocateDirect(USUAL_BODY_BYTES);

    /** A header whose body has not been received yet; the receiving thread's. */
    private Header pending;

    private final List<Fd> pendingFds = new ArrayList<>();

    private final Object sending = new Object();
    private ByteBuffer outBuffer = ByteBuffer.allocateDirect(USUAL_BODY_BYTES);

    /**
     * @param connection owned by this channel from now on
     * @param maxMessageBytes a larger message ends the connection; header included
     */
    public MessageChannel(UnixConnection connection, int maxMessageBytes) {
        this.connection = connection;
        this.maxMessageBytes = maxMessageBytes;
    }

    /** The connection underneath, for its descriptor and its peer. */
    public UnixConnection connection() {
        return connection;
    }

    /**
     * The next message, waiting for it.
     *
     * @return null at the end of the stream, between two messages
     * @throws FramingException where the header makes no sense; the connection is of no use any more
     * @throws IOException where the stream ends in the middle of a message, or the connection fails
     */
    public Message receive() throws IOException {
        if (pending == null && !receiveHeader()) {
            return null;
        }
        return receiveBody();
    }

    /**
     * The next message, if all of it has arrived already; throws as {@link #receive} does.
     *
     * @return null where it has not; nothing is lost
     */
    public Message receiveIfReady() throws IOException {
        if (pending == null && (connection.available() < Header.BYTES || !receiveHeader())) {
            return null;
        }
        return connection.available() < pending.bodyBytes() ? null : receiveBody();
    }

    /** Whether {@link #receive} has a header already, so that the descriptor need not be readable for it to return. */
    public boolean hasPendingHeader() {
        return pending != null;
    }

    private boolean receiveHeader() throws IOException {
        headerBuffer.clear();
        if (!connection.receiveFully(headerBuffer, pendingFds)) {
            return false;
        }
        Header header = Header.decode(headerBuffer.flip());
        if (header.messageBytes() < Header.BYTES || header.messageBytes() > maxMessageBytes) {
            throw new FramingException("the peer sent a header (" + header + ") whose size is not " + Header.BYTES
                    + " to " + maxMessageBytes + "; where the next message begins cannot be known");
        }
        pending = header;
        return true;
    }

    private Message receiveBody() throws IOException {
        int bytes = (int) pending.bodyBytes();
        if (bytes > bodyBuffer.capacity()) {
            bodyBuffer = ByteBuffer.allocateDirect(bytes);
        }
        bodyBuffer.clear().limit(bytes);
        if (bytes > 0 && !connection.receiveFully(bodyBuffer, pendingFds)) {
            throw new FramingException(
                    "the peer closed the connection between a header (" + pending + ") and its body");
        }
        Header header = pending;
        pending = null;
        if (pendingFds.size() > UnixConnection.MAX_FDS) {
            throw new FramingException("the peer sent " + pendingFds.size() + " descriptors with one message (" + header
                    + "); " + UnixConnection.MAX_FDS + " are accepted");
        }
        Message message = new Message(header, bodyBuffer.flip(), pendingFds);
        pendingFds.clear();
        return message;
    }

    /**
     * Sends a message in one piece.
     *
     * @param header says how long the message is
     * @param body writes the bytes that follow the header, exactly as many as it says
     * @param fds go along; they stay the caller's
     * @throws IOException where the peer is gone or does not read; the connection is of no use any more
     */
    public void send(Header header, Consumer<ByteBuffer> body, List<Fd> fds) throws IOException {
        sendIf(() -> true, header, body, fds);
    }

    /**
     * Sends a message in one piece, unless it is not wanted any more when its turn has come: what is answered after it was
     * called off comes after it on the wire, or it does not go out at all.
     *
     * @param wanted asked when no other message can come before this one; if true, the message goes out
     */
    public void sendIf(BooleanSupplier wanted, Header header, Consumer<ByteBuffer> body, List<Fd> fds)
            throws IOException {
        synchronized (sending) {
            if (wanted.getAsBoolean()) {
                sendNow(header, body, fds);
            }
        }
    }

    private void sendNow(Header header, Consumer<ByteBuffer> body, List<Fd> fds) throws IOException {
        int bytes = (int) header.messageBytes();
        if (bytes > outBuffer.capacity()) {
            outBuffer = ByteBuffer.allocateDirect(bytes);
        }
        outBuffer.clear();
        header.encode(outBuffer);
        body.accept(outBuffer);
        if (outBuffer.position() != bytes) {
            throw new IllegalStateException(
                    header + " was encoded as " + outBuffer.position() + " bytes: a bug in its codec");
        }
        connection.send(outBuffer.flip(), fds);
    }

    /** Sends a message without a body. */
    public void send(Header header) throws IOException {
        send(header, out -> {}, List.of());
    }

    /** Ends whatever other threads wait for, without closing anything yet. */
    public void shutdown() {
        connection.shutdown();
    }

    /**
     * Closes the connection and the descriptors of a message that has come in half. By the receiving thread, or when it has
     * ended.
     */
    @Override
    public void close() {
        connection.close();
        pendingFds.forEach(Fd::close);
        pendingFds.clear();
    }
}

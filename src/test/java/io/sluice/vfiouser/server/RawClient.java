package io.sluice.vfiouser.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Errno;
import io.sluice.linux.Fd;
import io.sluice.linux.UnixConnection;
import io.sluice.vfiouser.Command;
import io.sluice.vfiouser.Header;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A client that sends whatever a test wants, in the pieces that it wants. */
final class RawClient implements AutoCloseable {
    /** Far beyond what any answer takes; only a hang reaches it. */
    private static final int HANG_MILLIS = 20_000;

    private final UnixConnection connection;
    private int nextId = 100;

    RawClient(Path socket) throws IOException {
        connection = UnixConnection.connect(socket);
    }

    /** A client that has agreed on a version already. */
    static RawClient ready(Path socket) throws IOException {
        RawClient client = new RawClient(socket);
        client.request(Command.VERSION, Body.version(0, 1, "")).assertDone();
        return client;
    }

    UnixConnection connection() {
        return connection;
    }

    /** What came back. */
    record Answer(Header header, ByteBuffer body, List<Fd> fds) {
        Answer assertDone() {
            assertFalse(header.isError(), () -> "an error reply: " + header + ", " + Errno.name(header.errno()));
            return this;
        }

        /** Done, with nothing but a header. */
        void assertDoneWithoutBody() {
            assertDone();
            assertEquals(0, body.remaining());
            assertEquals(List.of(), fds);
        }

        void assertRefused(int errno) {
            assertTrue(header.isError(), () -> "not an error reply: " + header);
            assertEquals(Errno.name(errno), Errno.name(header.errno()));
            assertEquals(16, header.messageBytes(), "an error reply is a header only");
            assertEquals(List.of(), fds);
        }
    }

    void sendBytes(byte[] bytes, Fd... fds) throws IOException {
        connection.send(ByteBuffer.wrap(bytes), List.of(fds));
    }

    /** Sends a message with a fresh id, which it returns. */
    int send(int command, int flags, byte[] body, Fd... fds) throws IOException {
        int id = nextId++ & 0xffff;
        sendBytes(Body.message(id, command, flags, body), fds);
        return id;
    }

    int send(Command command, byte[] body, Fd... fds) throws IOException {
        return send(command.code(), 0, body, fds);
    }

    void post(Command command, byte[] body, Fd... fds) throws IOException {
        send(command.code(), Header.NO_REPLY, body, fds);
    }

    /** Sends a command and waits for its reply. */
    Answer request(Command command, byte[] body, Fd... fds) throws IOException {
        return request(command.code(), body, fds);
    }

    Answer request(int command, byte[] body, Fd... fds) throws IOException {
        int id = send(command, 0, body, fds);
        Answer answer = receive();
        assertEquals(id, answer.header().id());
        assertEquals(command, answer.header().command());
        return answer;
    }

    /** The next reply. */
    Answer receive() throws IOException {
        Answer answer = receiveOrEnd();
        assertNotNull(answer, "the server has closed the connection");
        return answer;
    }

    /** The next reply, or null where the server has closed the connection. */
    Answer receiveOrEnd() throws IOException {
        List<Fd> fds = new ArrayList<>();
        ByteBuffer headerBytes = ByteBuffer.allocateDirect(Header.BYTES);
        assertTrue(connection.awaitReadable(HANG_MILLIS), "no reply");
        if (!connection.receiveFully(headerBytes, fds)) {
            return null;
        }
        Header header = Header.decode(headerBytes.flip());
        assertTrue(header.isReply(), header::toString);
        ByteBuffer body = ByteBuffer.allocateDirect((int) header.bodyBytes()).order(ByteOrder.LITTLE_ENDIAN);
        if (body.hasRemaining()) {
            assertTrue(connection.receiveFully(body, fds));
        }
        return new Answer(header, body.flip(), fds);
    }

    /** Makes sure that the server closes the connection, without another word. */
    void assertDisconnected() throws IOException {
        try {
            Answer answer = receiveOrEnd();
            assertNull(answer, () -> "a reply in place of the end: " + answer.header());
        } catch (IOException e) {
            // A reset is an end, too: the server had not read all that was sent.
            assertTrue(e.getMessage().contains("ECONNRESET"), e::getMessage);
        }
    }

    /** Makes sure that the connection is as good as ever. */
    void assertAlive() throws IOException {
        Answer answer = request(Command.DEVICE_GET_INFO, Body.four(16, 0, 0, 0)).assertDone();
        assertEquals(16, answer.body().remaining());
    }

    @Override
    public void close() {
        connection.close();
    }
}

package io.sluice.vfiouser.server;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.sluice.device.FunctionStalled;
import io.sluice.linux.Errno;
import io.sluice.linux.EventFd;
import io.sluice.linux.LinuxException;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.UnixConnection;
import io.sluice.linux.UnixListener;
import io.sluice.vfiouser.Command;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** The server's beginning and end, and one client after the other. */
class ServerLifeTest extends ServerFixture {
    /** Closing may take a second; more than this is a hang. */
    private void closeServerWithoutHanging() throws IOException {
        Thread closer = Thread.ofPlatform().start(server::close);
        assertDoesNotThrow(() -> closer.join(TimeUnit.SECONDS.toMillis(9)));
        assertFalse(closer.isAlive(), "close() hangs");
        assertFalse(Files.exists(socket), "the socket's file is still there");
        assertEquals(List.of(), List.copyOf(function.violations));
        server = new VfioUserServer(socket, SocketOptions.PRIVATE, function, limits());
    }

    @Test
    void shouldReportADeviceThatStallsAndGoOn() throws IOException {
        function.onWrite = () -> {
            throw new FunctionStalled("test function: it does not come round", null);
        };
        try (RawClient client = RawClient.ready(socket)) {
            client.request(Command.REGION_WRITE, Body.write(0, 0, new byte[4])).assertRefused(Errno.EIO);
            client.post(Command.REGION_WRITE, Body.write(0, 0, new byte[4]));
            client.assertAlive();
        } finally {
            function.onWrite = () -> {};
        }
    }

    @Test
    void shouldRefuseAClientThatADeviceThatStallsCannotTake() throws IOException {
        function.onAttach = () -> {
            throw new FunctionStalled("test function: it does not come round", null);
        };
        try (RawClient client = new RawClient(socket)) {
            client.request(Command.VERSION, Body.version(0, 1, "")).assertRefused(Errno.EIO);
            client.assertDisconnected();
        } finally {
            function.onAttach = () -> {};
        }
        awaitCall("detach");
    }

    @Test
    void shouldCloseWhenNobodyIsConnected() throws IOException {
        closeServerWithoutHanging();
        assertEquals(List.of(), function.calls);
    }

    @Test
    void shouldCloseWhenClientIsConnected() throws IOException {
        try (RawClient client = RawClient.ready(socket)) {
            client.assertAlive();
            closeServerWithoutHanging();
            client.assertDisconnected();
        }
        assertEquals(List.of("attach", "detach"), function.calls);
    }

    @Test
    void shouldCloseWhenClientHasSaidNothingYet() throws IOException {
        try (RawClient client = new RawClient(socket)) {
            closeServerWithoutHanging();
            client.assertDisconnected();
        }
    }

    @Test
    void shouldCloseWhenClientIsHalfWayThroughMessage() throws IOException {
        for (int sentBytes : new int[] {1, 16, 20}) {
            function.calls.clear();
            try (RawClient client = RawClient.ready(socket)) {
                byte[] message = Body.message(1, Command.DMA_MAP.code(), 0, Body.map(0, 4096));
                client.sendBytes(Arrays.copyOf(message, sentBytes));
                closeServerWithoutHanging();
                client.assertDisconnected();
            }
            assertEquals(List.of("attach", "detach"), function.calls);
        }
    }

    @Test
    void shouldCloseWhileServingUnmaskEventFd() throws IOException {
        try (RawClient client = RawClient.ready(socket);
                EventFd eventFd = EventFd.create()) {
            client.request(Command.DEVICE_SET_IRQS, Body.irqs(0x14, 0, 0, 1), eventFd.fd())
                    .assertDone();
            closeServerWithoutHanging();
            client.assertDisconnected();
        }
    }

    @Test
    void shouldCloseTwice() throws IOException {
        server.close();
        closeServerWithoutHanging();
    }

    @Test
    void shouldServeOneClientAtATimeAndThenTheNext() throws IOException {
        RawClient[] clients = new RawClient[5];
        for (int i = 0; i < clients.length; i++) {
            clients[i] = new RawClient(socket);
            clients[i].send(Command.VERSION, Body.version(0, 1, ""));
        }
        for (int i = 0; i < clients.length; i++) {
            clients[i].receive().assertDone();
            clients[i].assertAlive();
            for (int later = i + 1; later < clients.length; later++) {
                assertEquals(0, clients[later].connection().available(), "client " + later + " is served early");
            }
            assertEquals(1 + 2 * i, function.calls.size());
            clients[i].close();
        }
        await("the last detach", () -> function.calls.size() == 10);
    }

    @Test
    void shouldReplaceStaleSocketFile() throws IOException {
        server.close();
        Path stale = directory.resolve("stale.sock");
        // A server that was killed leaves its file: made here by renaming it, so that its owner does not find it.
        UnixListener killed = UnixListener.bind(stale, SocketOptions.PRIVATE);
        Files.move(stale, socket);
        killed.close();
        assertTrue(Files.exists(socket));

        server = new VfioUserServer(socket, SocketOptions.PRIVATE, function, limits());
    }

    @Test
    void shouldRefuseSocketOfLiveServer() throws IOException {
        try (RecordingFunction second = new RecordingFunction()) {
            LinuxException refusal = assertThrows(
                    LinuxException.class, () -> new VfioUserServer(socket, SocketOptions.PRIVATE, second, limits()));
            assertEquals(Errno.EADDRINUSE, refusal.errno());
            assertTrue(refusal.getMessage().contains(socket.toString()), refusal::getMessage);
        }
    }

    @Test
    void shouldMakeSocketPrivateUnlessToldOtherwise() throws IOException {
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
        server.close();
        server = new VfioUserServer(socket, SocketOptions.PRIVATE.withMode(0660), function, limits());
        assertEquals("rw-rw----", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
        assertEquals(socket, server.socket());
    }

    @Test
    void shouldLogWhoComesAndGoes() throws IOException {
        Logger logger = (Logger) LoggerFactory.getLogger(ClientConnection.class);
        ListAppender<ILoggingEvent> appender = new ListAppender<>();
        appender.start();
        logger.setLevel(Level.INFO);
        logger.setAdditive(false);
        logger.addAppender(appender);
        try {
            try (RawClient client = RawClient.ready(socket)) {
                client.assertAlive();
                client.request(Command.DEVICE_RESET, new byte[1]).assertRefused(Errno.EINVAL);
            }
            awaitCall("detach");
            server.close();
            String pid = "pid " + ProcessHandle.current().pid();
            List<String> lines = List.copyOf(appender.list).stream()
                    .map(ILoggingEvent::getFormattedMessage)
                    .toList();
            assertTrue(lines.getFirst().contains(pid), lines::toString);
            assertTrue(lines.get(1).contains("EINVAL"), lines::toString);
            assertTrue(lines.getLast().contains("3 messages, 1 of them refused"), lines::toString);
        } finally {
            logger.detachAppender(appender);
            logger.setLevel(null);
            logger.setAdditive(true);
            server = new VfioUserServer(socket, SocketOptions.PRIVATE, function, limits());
        }
    }

    @Test
    void shouldWarnOfClientWhoseFramingIsUnsound() throws IOException {
        Logger logger = (Logger) LoggerFactory.getLogger(ClientConnection.class);
        ListAppender<ILoggingEvent> appender = new ListAppender<>();
        appender.start();
        logger.setLevel(Level.WARN);
        logger.setAdditive(false);
        logger.addAppender(appender);
        try (RawClient client = RawClient.ready(socket)) {
            client.sendBytes(Body.of().u16(1).u16(4).u32(15).u32(0).u32(0).bytes());
            client.assertDisconnected();
        } finally {
            logger.detachAppender(appender);
            logger.setLevel(null);
            logger.setAdditive(true);
        }
        assertEquals(1, appender.list.size());
        assertEquals(Level.WARN, appender.list.getFirst().getLevel());
        assertTrue(appender.list.getFirst().getFormattedMessage().contains("15 bytes"));
    }

    @Test
    void shouldDisconnectClientsInQueueWhenItCloses() throws IOException {
        try (RawClient served = RawClient.ready(socket);
                UnixConnection waiting = UnixConnection.connect(socket)) {
            served.assertAlive();
            closeServerWithoutHanging();
            assertTrue(waiting.awaitReadable(20_000), "it waits for a server that is gone");
        }
    }
}

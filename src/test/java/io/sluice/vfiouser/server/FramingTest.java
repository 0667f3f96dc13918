package io.sluice.vfiouser.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Errno;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Memfd;
import io.sluice.vfiouser.Command;
import io.sluice.vfiouser.Header;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Messages as such: ids, flags, sizes, pieces, pipelines; whatever they ask for. */
class FramingTest extends ServerFixture {
    private static final byte[] INFO = Body.four(16, 0, 0, 0);

    private RawClient client;

    @BeforeEach
    void connect() throws IOException {
        client = RawClient.ready(socket);
    }

    @AfterEach
    void disconnect() {
        client.close();
    }

    private static byte[] info(int id) {
        return Body.message(id, Command.DEVICE_GET_INFO.code(), 0, INFO);
    }

    private static byte[] header(int command, int messageBytes, int flags) {
        return Body.of().u16(1).u16(command).u32(messageBytes).u32(flags).u32(0).bytes();
    }

    @Test
    void shouldRepeatWhateverIdCommandHas() throws IOException {
        for (int id : new int[] {0, 1, 1, 1, 0xffff, 0x8000, 0}) {
            client.sendBytes(info(id));
            RawClient.Answer answer = client.receive().assertDone();
            assertEquals(id, answer.header().id());
            assertEquals(Command.DEVICE_GET_INFO.code(), answer.header().command());
            assertEquals(Header.TYPE_REPLY, answer.header().flags());
        }
    }

    @Test
    void shouldAnswerPipelinedCommandsOfOneIdInOrder() throws IOException {
        Body all = Body.of();
        for (int i = 0; i < 100; i++) {
            all.raw(Body.message(7, Command.DEVICE_GET_REGION_INFO.code(), 0, Body.regionInfo(32, i % 9)));
        }
        client.sendBytes(all.bytes());
        for (int i = 0; i < 100; i++) {
            RawClient.Answer answer = client.receive().assertDone();
            assertEquals(7, answer.header().id());
            assertEquals(i % 9, answer.body().getInt(8));
        }
    }

    @Test
    void shouldUnderstandMessageThatComesByteByByte() throws IOException {
        for (byte piece : info(3)) {
            client.sendBytes(new byte[] {piece});
        }
        client.receive().assertDone();
    }

    @Test
    void shouldGiveDescriptorsToMessageWhoseHeaderTheyCameWith() throws IOException {
        try (Fd file = Memfd.create("test-guest", 8192);
                EventFd eventFd = EventFd.create()) {
            client.sendBytes(info(1));
            client.sendBytes(Body.message(2, Command.DMA_MAP.code(), 0, Body.map(0, 0x1000)), file);
            client.sendBytes(
                    Body.message(3, Command.DEVICE_SET_IRQS.code(), 0, Body.irqs(0x24, 2, 0, 1)), eventFd.fd());
            client.sendBytes(Body.message(4, Command.DMA_MAP.code(), 0, Body.map(0x1000, 0x1000)));
            client.sendBytes(info(5));
            for (int id = 1; id <= 5; id++) {
                assertEquals(id, client.receive().assertDone().header().id());
            }
        }
        assertNotNull(function.memory);
        assertTrue(function.memory.hostView().translate(0, 8, 1) > 0, "the first map has the file");
        assertEquals(-3, function.memory.hostView().translate(0x1000, 8, 1), "the second has none");
    }

    @Test
    void shouldTakeDescriptorsThatComeInTheMiddleOfMessage() throws IOException {
        byte[] map = Body.message(2, Command.DMA_MAP.code(), 0, Body.map(0, 0x1000));
        try (Fd file = Memfd.create("test-guest", 8192)) {
            client.sendBytes(Arrays.copyOf(map, 30));
            client.sendBytes(Arrays.copyOfRange(map, 30, map.length), file);
            client.receive().assertDone();
        }
        assertTrue(function.memory.hostView().translate(0, 8, 1) > 0);
    }

    @ParameterizedTest
    @ValueSource(ints = {0x10, 0x30, 0xffff_fff0})
    void shouldNotReplyWhereNoReplyIsWanted(int flags) throws IOException {
        client.send(Command.DEVICE_GET_INFO.code(), flags, INFO);
        client.send(Command.DEVICE_GET_INFO.code(), flags, new byte[3]);
        client.send(99, flags, Body.none());
        client.send(Command.DMA_MAP.code(), flags, Body.map(1, 0, 0x1000, 3));
        client.assertAlive();
    }

    @ParameterizedTest
    @ValueSource(ints = {0x1, 0x11, 0x21, 0x31})
    void shouldDiscardRepliesThatNobodyWaitsFor(int flags) throws IOException {
        client.send(Command.DMA_READ.code(), flags, new byte[16]);
        client.send(Command.DMA_MAP.code(), flags, Body.map(0, 0x1000));
        client.send(Command.VERSION.code(), flags, Body.none());
        client.send(12345, flags, Body.none());
        client.assertAlive();

        assertEquals(-1, function.memory.hostView().translate(0, 8, 1), "nothing was mapped by a reply");
    }

    @Test
    void shouldCloseDescriptorsOfDiscardedReply() throws IOException {
        try (EventFd eventFd = EventFd.create()) {
            client.send(Command.DMA_READ.code(), Header.TYPE_REPLY, new byte[16], eventFd.fd());
            client.assertAlive();
            assertEquals(1, ProcSelf.descriptors("anon_inode:[eventfd]"));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0x2, 0x7, 0xf})
    void shouldRefuseMessageThatIsNeitherCommandNorReply(int flags) throws IOException {
        client.send(Command.DEVICE_GET_INFO.code(), flags, INFO);
        client.receive().assertRefused(Errno.EINVAL);
        client.send(Command.DMA_MAP.code(), flags, Body.map(0, 0x1000));
        client.receive().assertRefused(Errno.EINVAL);
        client.assertAlive();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 15, (1 << 20) + (1 << 16) + 1, Integer.MAX_VALUE, Integer.MIN_VALUE, -1})
    void shouldDisconnectWhereSizeOfMessageIsImpossible(int messageBytes) throws IOException {
        client.sendBytes(header(Command.DEVICE_GET_INFO.code(), messageBytes, 0));
        client.assertDisconnected();
        awaitCall("detach");
    }

    @Test
    void shouldRefuseLargestMessageWithoutDisconnecting() throws IOException {
        client.request(Command.DEVICE_GET_INFO, new byte[(1 << 20) + (1 << 16) - 16])
                .assertRefused(Errno.EINVAL);
        client.assertAlive();
    }

    @Test
    void shouldDoLargestWrite() throws IOException {
        byte[] write =
                Body.of().u64(0).u32(0).u32(1 << 20).raw(new byte[1 << 20]).bytes();
        client.request(Command.REGION_WRITE, write).assertRefused(Errno.EINVAL);
        client.request(Command.REGION_WRITE, Body.write(0, 0, new byte[0x4000])).assertDone();
    }

    @Test
    void shouldDisconnectClientThatSendsTooManyDescriptors() throws IOException {
        Fd[] many = new Fd[64];
        try (EventFd eventFd = EventFd.create()) {
            Arrays.fill(many, eventFd.fd());
            byte[] message = info(1);
            client.sendBytes(Arrays.copyOf(message, 16), many);
            client.sendBytes(Arrays.copyOfRange(message, 16, 32), many);
            client.assertDisconnected();
            awaitCall("detach");
            reconnect();
            assertEquals(1, ProcSelf.descriptors("anon_inode:[eventfd]"));
        }
    }

    /** Being served, we know that all of the one before has been cleaned up. */
    private void reconnect() throws IOException {
        client.close();
        client = RawClient.ready(socket);
    }

    @ParameterizedTest
    @CsvSource({"1", "15", "16", "17", "47"})
    void shouldCleanUpAfterClientThatLeavesInTheMiddleOfMessage(int sentBytes) throws IOException {
        byte[] map = Body.message(1, Command.DMA_MAP.code(), 0, Body.map(0, 0x1000));
        try (Fd file = Memfd.create("test-half", 8192)) {
            client.request(Command.DMA_MAP, Body.map(0x10_0000, 0x1000), file).assertDone();
            client.sendBytes(Arrays.copyOf(map, sentBytes), file);
            reconnect();
            assertEquals(1, ProcSelf.descriptors("/memfd:test-half"));
            assertEquals(0, ProcSelf.mappings("/memfd:test-half"));
        }
        assertEquals(List.of("attach", "detach", "attach"), function.calls);
    }

    @Test
    void shouldServeNextClientAfterOneThatStalledInTheMiddleOfMessage() throws IOException {
        client.sendBytes(Arrays.copyOf(info(1), 20));
        try (RawClient waiting = new RawClient(socket)) {
            waiting.send(Command.VERSION, Body.version(0, 1, ""));
            client.close();
            waiting.receive().assertDone();
            waiting.assertAlive();
        }
    }

    @Test
    void shouldDisconnectClientThatDoesNotReadItsReplies() throws IOException {
        byte[] read = Body.message(1, Command.REGION_READ.code(), 0, Body.access(0, 0, 0x4000));
        client.connection().sendTimeout(Duration.ofSeconds(20));
        // Sends until the server has given up: its replies fill the socket, then our requests do.
        boolean gone = false;
        for (int i = 0; i < 1_000_000 && !gone; i++) {
            try {
                client.connection().send(ByteBuffer.wrap(read), List.of());
            } catch (LinuxException e) {
                assertTrue(e.errno() == Errno.EPIPE || e.errno() == Errno.ECONNRESET, e::getMessage);
                gone = true;
            }
        }
        assertTrue(gone, "a million replies unread, and still connected");
        awaitCall("detach");
    }

    @Test
    void shouldDisconnectOnBugInFunctionAndServeNextClient() throws IOException {
        function.onWrite = () -> {
            throw new IllegalStateException("a bug, made for this test");
        };
        client.send(Command.REGION_WRITE, Body.write(0, 0, new byte[4]));
        client.assertDisconnected();
        function.onWrite = () -> {};
        reconnect();
        client.assertAlive();

        assertEquals(List.of("attach", "write 0 0x0 4", "detach", "attach"), function.calls);
    }

    @Test
    void shouldSurviveErrorsOfFunctionWhenClientComesAndGoes() throws IOException {
        function.onDetach = () -> {
            throw new InternalError("a truncated file, as it were");
        };
        reconnect();
        function.onDetach = () -> {};
        function.onAttach = () -> {
            throw new IllegalStateException("a bug, made for this test");
        };
        client.close();
        try (RawClient unlucky = new RawClient(socket)) {
            unlucky.send(Command.VERSION, Body.version(0, 1, ""));
            unlucky.assertDisconnected();
        }
        function.onAttach = () -> {};
        reconnect();
        client.assertAlive();
    }
}

package io.sluice.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class UnixConnectionTest {
    private static final int SOCK_DGRAM = 2;

    private long descriptorsBefore;
    private UnixConnection left;
    private UnixConnection right;

    @BeforeEach
    void open() throws Exception {
        descriptorsBefore = Descriptors.count();
        UnixConnection[] pair = UnixConnection.pair();
        left = pair[0];
        right = pair[1];
    }

    @AfterEach
    void close() {
        left.close();
        right.close();
        assertEquals(descriptorsBefore, Descriptors.count(), "descriptors are left open");
    }

    private static ByteBuffer bytes(int... values) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(values.length);
        for (int value : values) {
            buffer.put((byte) value);
        }
        return buffer.flip();
    }

    private static void closeAll(List<Fd> fds) {
        fds.forEach(Fd::close);
    }

    private static List<Fd> eventFds(int count) throws LinuxException {
        List<Fd> fds = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            fds.add(EventFd.create().fd());
        }
        return fds;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void shouldCarryBytesInOrderWhenBuffersAreDirectOrNot(boolean direct) throws Exception {
        ByteBuffer out = direct ? ByteBuffer.allocateDirect(8) : ByteBuffer.allocate(8);
        out.putLong(0x0102030405060708L).flip().position(2);
        left.send(out, List.of());
        assertFalse(out.hasRemaining());
        ByteBuffer in = direct ? ByteBuffer.allocateDirect(16) : ByteBuffer.allocate(16);
        in.position(4);
        assertEquals(6, right.receive(in, new ArrayList<>()));
        assertEquals(10, in.position());
        byte[] got = new byte[6];
        in.get(4, got);
        assertArrayEquals(new byte[] {3, 4, 5, 6, 7, 8}, got);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 63, 64})
    void shouldCarryDescriptorsWhenThereAreUpTo64(int count) throws Exception {
        List<Fd> sent = eventFds(count);
        List<Fd> received = new ArrayList<>();
        left.send(bytes(1), sent);
        assertEquals(1, right.receive(ByteBuffer.allocateDirect(8), received));
        assertEquals(count, received.size());
        for (int i = 0; i < count; i++) {
            assertTrue(Descriptors.isCloseOnExec(received.get(i)));
            try (EventFd there = EventFd.adopt(sent.get(i))) {
                assertTrue(there.signal());
            }
            try (EventFd here = EventFd.adopt(received.get(i))) {
                assertEquals(1, here.drain(), "descriptor " + i + " is another one");
            }
        }
    }

    @Test
    void shouldRefuseToSendWhenThereAreMoreThan64Descriptors() throws Exception {
        List<Fd> fds = eventFds(65);
        assertThrows(IllegalArgumentException.class, () -> left.send(bytes(1), fds));
        closeAll(fds);
        assertFalse(right.awaitReadable(0));
    }

    @Test
    void shouldKeepNoneWhenThePeerSends65Descriptors() throws Exception {
        Fd event = EventFd.create().fd();
        long before = Descriptors.count();
        RawSender.send(left.fd(), event, 65);
        List<Fd> received = new ArrayList<>();
        LinuxException refused =
                assertThrows(LinuxException.class, () -> right.receive(ByteBuffer.allocateDirect(8), received));
        assertEquals(Errno.ETOOMANYREFS, refused.errno());
        assertTrue(received.isEmpty());
        assertEquals(before, Descriptors.count());
        event.close();
    }

    @Test
    void shouldKeepNoneWhenOneMessageBringsMoreThan64InPieces() throws Exception {
        Fd event = EventFd.create().fd();
        long before = Descriptors.count();
        RawSender.send(left.fd(), event, 40);
        RawSender.send(left.fd(), event, 40);
        List<Fd> received = new ArrayList<>();
        LinuxException refused =
                assertThrows(LinuxException.class, () -> right.receiveFully(ByteBuffer.allocateDirect(2), received));
        assertEquals(Errno.ETOOMANYREFS, refused.errno());
        assertTrue(received.isEmpty());
        assertEquals(before, Descriptors.count());
        event.close();
    }

    @Test
    void shouldAddUpDescriptorsWhenAMessageComesInPieces() throws Exception {
        Fd event = EventFd.create().fd();
        left.send(bytes(1, 2), List.of(event));
        left.send(bytes(3), List.of());
        left.send(bytes(4), List.of(event, event));
        List<Fd> received = new ArrayList<>();
        ByteBuffer in = ByteBuffer.allocateDirect(4);
        assertTrue(right.receiveFully(in, received));
        assertEquals(bytes(1, 2, 3, 4), in.flip());
        assertEquals(3, received.size());
        closeAll(received);
        event.close();
    }

    @Test
    void shouldKeepTheCallersDescriptorsOpenWhenSent() throws Exception {
        try (Fd event = EventFd.create().fd()) {
            left.send(bytes(1), List.of(event));
            assertTrue(event.isOpen());
            left.close();
            assertTrue(EventFd.isEventFd(event));
        }
    }

    @Test
    void shouldSendNothingWhenADescriptorIsClosed() throws Exception {
        List<Fd> fds = eventFds(2);
        fds.get(1).close();
        LinuxException refused = assertThrows(LinuxException.class, () -> left.send(bytes(1), fds));
        assertEquals(Errno.EBADF, refused.errno());
        fds.get(0).close();
        assertFalse(right.awaitReadable(0));
    }

    @Test
    void shouldReleaseUndeliveredDescriptorsWhenTheReceiverCloses() throws Exception {
        UnixConnection[] extra = UnixConnection.pair();
        left.send(bytes(1), List.of(extra[0].fd()));
        extra[0].close();
        right.close();
        assertEquals(0, extra[1].receive(ByteBuffer.allocate(1), new ArrayList<>()));
        extra[1].close();
    }

    @Test
    void shouldReportTheEndWhenThePeerClosesBetweenMessages() throws Exception {
        left.close();
        assertEquals(0, right.receive(ByteBuffer.allocateDirect(8), new ArrayList<>()));
        assertFalse(right.receiveFully(ByteBuffer.allocateDirect(8), new ArrayList<>()));
    }

    @Test
    void shouldStillGetWhatWasSentWhenThePeerLeavesWithoutReading() throws Exception {
        left.send(bytes(1, 2), List.of());
        right.send(bytes(9), List.of());
        right.close();
        ByteBuffer in = ByteBuffer.allocateDirect(8);
        assertEquals(1, left.receive(in, new ArrayList<>()));
        assertEquals(9, in.get(0));
        assertEquals(0, left.receive(in, new ArrayList<>()));
    }

    @Test
    void shouldFailAndKeepNothingWhenThePeerClosesInTheMiddle() throws Exception {
        Fd event = EventFd.create().fd();
        left.send(bytes(1, 2, 3), List.of(event));
        event.close();
        left.close();
        List<Fd> received = new ArrayList<>();
        EOFException cut =
                assertThrows(EOFException.class, () -> right.receiveFully(ByteBuffer.allocateDirect(16), received));
        assertTrue(cut.getMessage().contains("3 of 16 bytes"), cut.getMessage());
        assertTrue(received.isEmpty());
    }

    @Test
    void shouldFailWithoutASignalWhenThePeerIsGone() {
        right.close();
        LinuxException gone = assertThrows(LinuxException.class, () -> left.send(bytes(1), List.of()));
        assertEquals(Errno.EPIPE, gone.errno());
    }

    @Test
    void shouldCarryAMessageLargerThanTheSocketsBufferWhenThePeerReads() throws Exception {
        long seed = System.nanoTime();
        byte[] content = new byte[3 << 20];
        new Random(seed).nextBytes(content);
        Fd event = EventFd.create().fd();
        CompletableFuture<Void> sender = CompletableFuture.runAsync(() -> {
            try {
                left.send(ByteBuffer.wrap(content), List.of(event));
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
        List<Fd> received = new ArrayList<>();
        ByteBuffer in = ByteBuffer.allocateDirect(content.length);
        assertTrue(right.receiveFully(in, received));
        sender.join();
        assertEquals(ByteBuffer.wrap(content), in.flip(), "seed " + seed);
        assertEquals(1, received.size());
        closeAll(received);
        event.close();
    }

    @Test
    void shouldGiveTheConnectionUpWhenThePeerDoesNotRead() throws Exception {
        left.sendTimeout(Duration.ofMillis(50));
        ByteBuffer large = ByteBuffer.allocateDirect(16 << 20);
        LinuxException late = assertThrows(LinuxException.class, () -> left.send(large, List.of()));
        assertEquals(Errno.ETIMEDOUT, late.errno());
        LinuxException next = assertThrows(LinuxException.class, () -> left.send(bytes(1), List.of()));
        assertEquals(Errno.EPIPE, next.errno());
    }

    @Test
    void shouldKeepMessagesWholeWhenSeveralThreadsSend() throws Exception {
        int threads = 4;
        int messages = 200;
        int size = 10_000;
        List<CompletableFuture<Void>> senders = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
            byte mark = (byte) (t + 1);
            senders.add(CompletableFuture.runAsync(() -> sendMarked(mark, messages, size)));
        }
        ByteBuffer in = ByteBuffer.allocate(size);
        for (int i = 0; i < threads * messages; i++) {
            assertTrue(right.receiveFully(in.clear(), new ArrayList<>()));
            byte[] whole = new byte[size];
            Arrays.fill(whole, in.get(0));
            assertNotEquals(0, in.get(0));
            assertArrayEquals(whole, in.array(), "message " + i + " is mixed up with another");
        }
        senders.forEach(CompletableFuture::join);
    }

    private void sendMarked(byte mark, int messages, int size) {
        ByteBuffer message = ByteBuffer.allocateDirect(size);
        for (int i = 0; i < size; i++) {
            message.put(i, mark);
        }
        try {
            for (int i = 0; i < messages; i++) {
                left.send(message.rewind(), List.of());
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void shouldWakeABlockedReaderWhenShutDown() throws Exception {
        CompletableFuture<Integer> reader = receiveInBackground();
        right.shutdown();
        assertEquals(0, reader.join());
    }

    @Test
    void shouldWakeABlockedReaderWhenClosed() throws Exception {
        CompletableFuture<Integer> reader = receiveInBackground();
        right.close();
        assertEquals(0, reader.join());
    }

    private CompletableFuture<Integer> receiveInBackground() throws Exception {
        CompletableFuture<Thread> started = new CompletableFuture<>();
        CompletableFuture<Integer> result = CompletableFuture.supplyAsync(() -> {
            started.complete(Thread.currentThread());
            try {
                return right.receive(ByteBuffer.allocateDirect(8), new ArrayList<>());
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
        started.join();
        // Long enough for the reader to be in the call, usually; the outcome is the same if it is not.
        Thread.sleep(20);
        return result;
    }

    @Test
    void shouldTellWhenThereIsSomethingToRead() throws Exception {
        assertFalse(right.awaitReadable(0));
        assertFalse(right.awaitReadable(1));
        assertEquals(0, right.available());
        left.send(bytes(1, 2, 3), List.of());
        assertTrue(right.awaitReadable(-1));
        assertEquals(3, right.available());
        left.close();
        assertTrue(right.awaitReadable(0));
    }

    @Test
    void shouldNeverReachAStrangersFileWhenClosedUnderACall() throws Exception {
        for (int round = 0; round < 200; round++) {
            UnixConnection[] pair = UnixConnection.pair();
            CompletableFuture<Integer> user = CompletableFuture.supplyAsync(() -> errnoOfEndlessUse(pair[0]));
            pair[0].close();
            // The kernel gives the lowest free number to the next file: a call on the old number would see these bytes.
            try (Fd stranger = Memfd.create("stranger", 4096)) {
                assertEquals(Errno.EBADF, user.join(), "round " + round);
                assertTrue(stranger.isOpen());
            }
            pair[1].close();
        }
    }

    /** Why it ends; a count other than 0 belongs to somebody else. */
    private static int errnoOfEndlessUse(UnixConnection connection) {
        while (true) {
            try {
                if (connection.available() != 0) {
                    return 0;
                }
            } catch (LinuxException e) {
                return e.errno();
            }
        }
    }

    @Test
    void shouldKnowThePeerWhenItIsThisProcess() throws Exception {
        PeerCredentials peer = right.peer();
        assertEquals(ProcessHandle.current().pid(), peer.pid());
        assertEquals(Posix.uid(), peer.uid());
        assertTrue(peer.toString().startsWith("pid " + peer.pid() + ", uid "), peer.toString());
    }

    @Test
    void shouldRefuseBuffersThatCannotTakeAByte() {
        ByteBuffer full = ByteBuffer.allocateDirect(0);
        assertThrows(IllegalArgumentException.class, () -> right.receive(full, new ArrayList<>()));
        ByteBuffer readOnly = ByteBuffer.allocateDirect(8).asReadOnlyBuffer();
        assertThrows(ReadOnlyBufferException.class, () -> right.receive(readOnly, new ArrayList<>()));
        assertThrows(IllegalArgumentException.class, () -> left.send(ByteBuffer.allocate(0), List.of()));
        assertThrows(IllegalArgumentException.class, () -> left.sendTimeout(Duration.ZERO));
    }

    @Test
    void shouldRefuseEveryCallWhenClosed() {
        right.close();
        assertThrows(LinuxException.class, () -> right.receive(ByteBuffer.allocate(1), new ArrayList<>()));
        assertThrows(LinuxException.class, () -> right.send(ByteBuffer.allocate(1), Collections.emptyList()));
        assertThrows(LinuxException.class, () -> right.awaitReadable(0));
        assertThrows(LinuxException.class, right::available);
        assertThrows(LinuxException.class, right::peer);
    }

    @Test
    void shouldSayThatAPathIsNoStreamSocket(@TempDir Path directory) throws Exception {
        Path file = Files.createFile(directory.resolve("file"));
        for (Path path : new Path[] {file, directory}) {
            LinuxException refused = assertThrows(LinuxException.class, () -> UnixConnection.connect(path));
            assertTrue(refused.getMessage().endsWith("It is not a socket."), refused.getMessage());
        }
        Path datagrams = directory.resolve("datagrams");
        try (Fd fd = Fd.fromResult(Syscalls.socket(UnixSocket.AF_UNIX, SOCK_DGRAM), "socket", "")) {
            long memory = Scratch.memory();
            int bytes = UnixSocket.putAddress(memory, datagrams);
            assertEquals(0, Syscalls.bind(fd.number(), memory, bytes));
            LinuxException refused = assertThrows(LinuxException.class, () -> UnixConnection.connect(datagrams));
            assertTrue(refused.getMessage().contains("a socket of another kind"), refused.getMessage());
        }
    }
}

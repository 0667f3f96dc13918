package io.sluice.vfiouser.server;

import io.sluice.controller.ControllerConfig;
import io.sluice.controller.Namespace;
import io.sluice.controller.NvmeController;
import io.sluice.fuzz.Input;
import io.sluice.fuzz.LoggedBugs;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.FileIo;
import io.sluice.linux.HalfClose;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.linux.Pipe;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.UnixConnection;
import io.sluice.linux.UnixListener;
import io.sluice.mem.Memory;
import io.sluice.poll.CommandQueue;
import io.sluice.storage.MemoryStorage;
import io.sluice.vfiouser.Command;
import io.sluice.vfiouser.Header;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * What a client may send, with descriptors, to the server of a real controller: over a real socket, but all on one thread, which sends
 * everything, then serves it, then reads what came back. Each good frame has its reply, in order; nothing is left behind.
 *
 * <pre>
 *   byte:    bits 2:0 a descriptor each, bit 3 a size that is not the message's, bit 4 a command of two bytes, bits 7:5 which descriptors
 *   then     command, flags, bytes of the body (a byte each), [size, 4 bytes], the body
 * </pre>
 */
public final class MessageFuzz {
    /** As many as a socket's buffer has room for the answers of. */
    private static final int MOST_MESSAGES = 64;

    private static final int NO_VERSION = 0xff;
    private static final int FILE_BYTES = 1 << 16;
    private static final String[] NAMES = {"/memfd:", "anon_inode:[eventfd]", "pipe:", "socket:"};
    private static final int CYCLES = 4;
    /** Others in this process may open and close some too. */
    private static final long LEAK_NANOS = 10_000_000_000L;

    private static final ServerLimits LIMITS = ServerLimits.DEFAULT.withSendTimeout(Duration.ofSeconds(30));

    private static MessageFuzz target;

    private final LoggedBugs bugs = LoggedBugs.capture();
    private final Path folder = Files.createTempDirectory("sluice");
    private final UnixListener listener = UnixListener.bind(folder.resolve("s"), SocketOptions.PRIVATE);
    private final Thread thread = Thread.currentThread();
    private final NvmeController controller;
    private final List<Fd> fds = new ArrayList<>();
    private final Mapping file;
    private final ArrayDeque<Integer> expected = new ArrayDeque<>();
    private final long descriptors;
    private int allDescriptors;
    private boolean followed;
    private int nextId;

    private MessageFuzz() throws IOException {
        controller = new NvmeController(
                ControllerConfig.of("fuzz", "SN1").withMaxQueuePairs(4),
                new MemoryStorage(new Namespace(1, 64, 512, 0, 0, 0, false)),
                CommandQueue.direct(),
                this::step,
                System::nanoTime);
        Fd memfd = Memfd.create("test-fuzz", FILE_BYTES);
        file = Mapping.shared(memfd, 0, FILE_BYTES, Mapping.PROT_READ | Mapping.PROT_WRITE);
        fds.add(memfd);
        fds.add(Memfd.create("test-fuzz-too", 4096));
        fds.add(FileIo.open(Path.of("/proc/self/fd/" + memfd.number()), FileIo.O_RDONLY));
        fds.add(EventFd.create().fd());
        fds.addAll(Pipe.open());
        fds.add(FileIo.open(folder, FileIo.O_RDONLY));
        descriptors = ProcSelf.descriptors(NAMES);
    }

    /** Begins; what the product logs is looked at and not printed, until {@link #end}. */
    public static void fuzzerInitialize() throws IOException {
        target = new MessageFuzz();
    }

    public static void fuzzerTestOneInput(byte[] bytes) throws IOException {
        target.run(new Input(bytes));
    }

    public static void end() throws IOException {
        target.close();
    }

    private void close() throws IOException {
        controller.close();
        listener.close();
        file.close();
        fds.forEach(Fd::close);
        Files.delete(folder);
        bugs.release();
    }

    /** The poller, here by hand: wherever one would be woken. */
    private void step() {
        if (Thread.currentThread() == thread) {
            for (int i = 0; i < CYCLES; i++) {
                controller.doWork();
            }
        }
    }

    private void run(Input input) throws IOException {
        putAdminQueue();
        try (UnixConnection client = UnixConnection.connect(listener.path())) {
            ClientConnection served =
                    new ClientConnection(listener.accept(), new Stepped(controller, this::step), LIMITS);
            send(client, input);
            HalfClose.writing(client);
            served.serve();
            readAnswers(client);
        }
        bugs.check();
        checkDescriptors();
    }

    /** Those by their names only when there are more or less than there were: the JVM has others, and looking at each takes long. */
    private void checkDescriptors() throws IOException {
        int now = Path.of("/proc/self/fd").toFile().list().length;
        long start = System.nanoTime();
        while (now != allDescriptors && ProcSelf.descriptors(NAMES) != descriptors) {
            require(System.nanoTime() - start < LEAK_NANOS, "descriptors are left behind");
            LockSupport.parkNanos(1_000_000);
        }
        allDescriptors = now;
    }

    /** At the file's beginning: Identify, Get Features and Create I/O Completion Queue, for whoever finds out how to start them. */
    private void putAdminQueue() {
        Memory.fill(file.address(), FILE_BYTES, (byte) 0);
        int[] opcodes = {0x06, 0x0a, 0x05, 0x0c};
        for (int i = 0; i < opcodes.length; i++) {
            long sqe = file.address() + 64L * i;
            Memory.putInt(sqe, opcodes[i] | i << 16);
            Memory.putLong(sqe + 24, 0x2000 + 0x1000L * i);
            Memory.putInt(sqe + 40, i == 0 ? 1 : 0xf_0001);
            Memory.putInt(sqe + 44, 1);
        }
    }

    // ---- messages

    private void send(UnixConnection client, Input input) throws IOException {
        expected.clear();
        followed = true;
        nextId = 0;
        int first = input.u8();
        if (first != NO_VERSION) {
            send(client, Command.VERSION.code(), 0, -1, Body.version(0, 1, ""), List.of());
        }
        for (int i = 0; i < MOST_MESSAGES && input.hasMore(); i++) {
            int what = input.u8();
            int command = (what & 0x10) != 0 ? input.u16() : input.u8();
            int flags = input.u8();
            int bytes = input.u8();
            int size = (what & 8) != 0 ? input.u32() : -1;
            send(client, command, flags, size, input.take(bytes), descriptors(what));
        }
        followed &= first != NO_VERSION;
    }

    private List<Fd> descriptors(int what) {
        List<Fd> some = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            if ((what >> i & 1) != 0) {
                some.add(fds.get((what >> 5) % fds.size()));
            }
        }
        return some;
    }

    private void send(UnixConnection client, int command, int flags, int size, byte[] body, List<Fd> with)
            throws IOException {
        int id = nextId++;
        byte[] message = Body.message(id, command, flags, body);
        if (size != -1) {
            ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN).putInt(4, size);
            followed &= size == message.length;
        }
        client.send(ByteBuffer.wrap(message), with);
        boolean isCommand = (flags & 0xf) != Header.TYPE_REPLY;
        if (isCommand && (flags & Header.NO_REPLY) == 0) {
            expected.add(id);
        }
    }

    /** What is sent after a frame that makes no sense is lost with it. */
    private void readAnswers(UnixConnection client) throws IOException {
        List<Fd> received = new ArrayList<>();
        ByteBuffer header = ByteBuffer.allocate(Header.BYTES);
        try {
            while (client.receiveFully(header.clear(), received)) {
                Header answer = Header.decode(header.flip());
                require(answer.messageBytes() >= Header.BYTES && answer.messageBytes() < 1 << 21, "sent " + answer);
                ByteBuffer body = ByteBuffer.allocate((int) answer.bodyBytes());
                require(!body.hasRemaining() || client.receiveFully(body, received), "half of " + answer);
                if (followed && answer.isReply()) {
                    require(!expected.isEmpty() && expected.remove() == answer.id(), "not the next reply: " + answer);
                }
            }
        } finally {
            received.forEach(Fd::close);
        }
        require(!followed || expected.isEmpty(), "no reply to " + expected);
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}

package io.sluice.vfiouser.server;

import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.FileIo;
import io.sluice.linux.Memfd;
import io.sluice.linux.Pipe;
import io.sluice.vfiouser.Command;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** A client that sends random messages, most of them almost right, with all sorts of descriptors. */
final class MutatingClient implements AutoCloseable {
    /** What {@link #descriptors} counts. */
    static final String[] NAMES = {"/memfd:test-fuzz", "anon_inode:[eventfd]", "pipe:"};

    /** Numbers at which things break. */
    private static final long[] EDGES = {
        0,
        1,
        2,
        3,
        4,
        7,
        8,
        9,
        15,
        16,
        20,
        24,
        31,
        32,
        33,
        63,
        64,
        0xfff,
        0x1000,
        0x1001,
        0x3fff,
        0x4000,
        0xf_ffff,
        0x10_0000,
        0x7fff_ffff,
        0x8000_0000L,
        0xffff_ffffL,
        0xffff_f000L,
        0x1_0000_0000L,
        0x2000_0000_0000L,
        0xffff_ffff_f000L,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        -4096,
        -1
    };

    /** CAP, CC, CSTS, AQA, ASQ, ACQ and some doorbells of a controller; BARs, COMMAND and capabilities of any function. */
    private static final long[] REGISTERS = {
        0, 4, 0x14, 0x14, 0x14, 0x1c, 0x24, 0x28, 0x30, 0x10, 0x18, 0x40, 0x44, 0x48, 0x50, 0x1000, 0x1004, 0x1008,
        0x100c, 0x2000
    };

    /** CC: EN, with the entry sizes that there are. */
    private static final int ENABLE = 0x0046_0001;

    private final Random random;
    private final List<Fd> fds = new ArrayList<>();
    private final List<byte[]> seen = new ArrayList<>();

    MutatingClient(long seed, Path directory) throws IOException {
        random = new Random(seed);
        Fd file = Memfd.create("test-fuzz", 1 << 20);
        fds.add(file);
        fds.add(Memfd.create("test-fuzz-too", 4096));
        fds.add(FileIo.open(Path.of("/proc/self/fd/" + file.number()), FileIo.O_RDONLY));
        fds.add(EventFd.create().fd());
        fds.addAll(Pipe.open());
        fds.add(FileIo.open(directory, FileIo.O_RDONLY));
    }

    /** How many descriptors like those that it sends are open in this process. */
    static long descriptors() throws IOException {
        return ProcSelf.descriptors(NAMES);
    }

    /** Has several conversations, until so many messages are sent. */
    void send(Path socket, int messages) throws IOException {
        for (int sent = 0; sent < messages; ) {
            sent += converse(socket, 1 + random.nextInt(200));
        }
    }

    @Override
    public void close() {
        fds.forEach(Fd::close);
    }

    /** One client, until it has sent enough or is thrown out. Returns how many messages it sent. */
    private int converse(Path socket, int most) throws IOException {
        int sent = 0;
        try (RawClient client = random.nextInt(10) == 0 ? new RawClient(socket) : RawClient.ready(socket)) {
            for (; sent < most; sent++) {
                byte[] message = message();
                if (random.nextInt(4) != 0) {
                    message = mutate(message);
                }
                client.connection().send(ByteBuffer.wrap(message), someDescriptors());
                drain(client);
            }
        } catch (IOException e) {
            // Disconnected, as most nonsense deserves.
            sent++;
        }
        return sent;
    }

    /** Reads what has come so far, so that the server never waits for us. */
    private static void drain(RawClient client) throws IOException {
        List<Fd> received = new ArrayList<>();
        ByteBuffer bytes = ByteBuffer.allocate(65536);
        while (client.connection().awaitReadable(0)) {
            bytes.clear();
            int count = client.connection().receive(bytes, received);
            received.forEach(Fd::close);
            received.clear();
            if (count == 0) {
                throw new IOException("disconnected");
            }
        }
    }

    private List<Fd> someDescriptors() {
        int count = random.nextInt(3) == 0 ? 1 + random.nextInt(random.nextInt(20) == 0 ? 64 : 3) : 0;
        List<Fd> some = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            some.add(fds.get(random.nextInt(3) == 0 ? random.nextInt(fds.size()) : 0));
        }
        return some;
    }

    private long edge() {
        return EDGES[random.nextInt(EDGES.length)] + (random.nextInt(8) == 0 ? random.nextInt(9) - 4 : 0);
    }

    private int small(int bound) {
        return random.nextInt(10) == 0 ? (int) edge() : random.nextInt(bound);
    }

    private long pages(int bound) {
        return random.nextInt(10) == 0 ? edge() : random.nextInt(bound) * 4096L;
    }

    /** In a region: anywhere, or where a controller has registers and doorbells. */
    private long offset() {
        return random.nextInt(3) == 0 ? edge() : REGISTERS[random.nextInt(REGISTERS.length)];
    }

    /** Mostly 4 or 8 bytes, as registers have: few bits, an edge, or anything. */
    private byte[] data() {
        byte[] data = new byte[random.nextInt(4) == 0 ? random.nextInt(20) : 4 + 4 * random.nextInt(2)];
        if (random.nextBoolean()) {
            putInt(data, 0, random.nextBoolean() ? (int) edge() : ENABLE);
        } else {
            random.nextBytes(data);
        }
        return data;
    }

    private byte[] message() {
        int flags = random.nextInt(4) == 0 ? 0x10 : 0;
        int command = 1 + random.nextInt(18);
        return Body.message(random.nextInt(4), command, flags, body(Command.ofCode(command)));
    }

    private byte[] body(Command command) {
        return switch (command) {
            case VERSION -> Body.version(0, random.nextInt(3), "{\"capabilities\":{\"max_msg_fds\":8}}\0");
            case DMA_MAP -> Body.map(random.nextInt(5), pages(4), pages(256), pages(64));
            case DMA_UNMAP ->
                random.nextInt(4) == 0 ? Body.unmap(2, 0, 0) : Body.unmap(random.nextInt(3), pages(256), pages(64));
            case DEVICE_GET_INFO, DEVICE_GET_IRQ_INFO, DEVICE_GET_REGION_IO_FDS ->
                Body.four(16 + small(64), 0, small(9), 0);
            case DEVICE_GET_REGION_INFO -> Body.regionInfo(32 + small(64), small(9));
            case DEVICE_SET_IRQS ->
                Body.irqs((1 << random.nextInt(3)) | (8 << random.nextInt(3)), small(5), small(8), small(8));
            case REGION_READ -> Body.access(offset(), small(9), small(4096));
            case REGION_WRITE -> Body.write(offset(), small(9), data());
            case REGION_WRITE_MULTI ->
                Body.of()
                        .u64(1)
                        .u64(offset())
                        .u32(small(9))
                        .u32(small(9))
                        .u64(edge())
                        .bytes();
            default -> new byte[random.nextInt(64)];
        };
    }

    private byte[] mutate(byte[] original) {
        byte[] message = original.clone();
        switch (random.nextInt(8)) {
            case 0 -> message[random.nextInt(message.length)] ^= (byte) (1 << random.nextInt(8));
            case 1 -> putInt(message, 4 * random.nextInt(message.length / 4), (int) edge());
            case 2 -> message = fitted(Arrays.copyOf(message, random.nextInt(message.length + 1)));
            case 3 -> message = fitted(Arrays.copyOf(message, message.length + 1 + random.nextInt(100)));
            // Without its end; its size is then another message's beginning.
            case 4 -> message = Arrays.copyOf(message, 1 + random.nextInt(message.length));
            case 5 -> random.nextBytes(message);
            case 6 -> message = seen.isEmpty() ? message : join(seen.get(random.nextInt(seen.size())), message);
            default -> putInt(message, 2, 1 + random.nextInt(20) | message.length << 16);
        }
        if (seen.size() < 64) {
            seen.add(original);
        }
        return message.length == 0 ? original : message;
    }

    /** With the size in its header that it has. */
    private static byte[] fitted(byte[] message) {
        if (message.length >= 8) {
            putInt(message, 4, message.length);
        }
        return message;
    }

    private static void putInt(byte[] message, int at, int value) {
        for (int i = 0; i < Integer.BYTES && at + i < message.length; i++) {
            message[at + i] = (byte) (value >>> (8 * i));
        }
    }

    private static byte[] join(byte[] one, byte[] other) {
        byte[] both = Arrays.copyOf(one, one.length + other.length);
        System.arraycopy(other, 0, both, one.length, other.length);
        return both;
    }
}

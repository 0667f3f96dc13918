package io.sluice.vfiouser.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.dma.DmaLimits;
import io.sluice.dma.DmaReader;
import io.sluice.linux.Errno;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.FileIo;
import io.sluice.linux.Memfd;
import io.sluice.linux.Pipe;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.UnixConnection;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.vfiouser.Command;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** DMA_MAP and DMA_UNMAP. */
class MemoryMessageTest extends ServerFixture {
    private static final long FILE_BYTES = 1 << 20;
    private static final int ALL = 2;
    private static final int DIRTY_BITMAP = 1;

    private Fd file;
    private RawClient client;

    @BeforeEach
    void connect() throws IOException {
        file = Memfd.create("test-guest", FILE_BYTES);
        client = RawClient.ready(socket);
    }

    @AfterEach
    void disconnect() {
        client.close();
        file.close();
    }

    private long translate(long gpa, int access) {
        return function.memory.hostView().translate(gpa, 8, access);
    }

    @ParameterizedTest
    @ValueSource(
            longs = {0, 0x1000, 0x1_0000_0000L, 0x2000_0000_0000L, 0xffff_ffff_f000L, 0x7fff_ffff_ffff_f000L, -4096})
    void shouldMapFileWhereverClientWants(long address) throws IOException {
        client.request(Command.DMA_MAP, Body.map(3, 0x3000, address, 0x1000), file)
                .assertDoneWithoutBody();

        long hva = translate(address + 0xff8, Translator.WRITE);
        assertTrue(hva > 0, "translated to " + hva);
        Memory.putLong(hva, 0x1122_3344_5566_7788L);
        client.request(Command.DMA_MAP, Body.map(1, 0x3000, 0x10_0000, 0x1000), file)
                .assertDoneWithoutBody();
        assertEquals(0x1122_3344_5566_7788L, Memory.getLong(translate(0x10_0ff8, Translator.READ)));
        assertEquals(Translator.NO_ACCESS, translate(0x10_0ff8, Translator.WRITE));
    }

    @Test
    void shouldMapWithoutFile() throws IOException {
        client.request(Command.DMA_MAP, Body.map(1, 0, 0xf_0000, 0x1_0000)).assertDoneWithoutBody();

        assertEquals(Translator.NOT_LOCAL, translate(0xf_0000, Translator.READ));
    }

    @Test
    void shouldAnswerUnmapWithItsEntryOnceItIsGone() throws IOException {
        client.request(Command.DMA_MAP, Body.map(0x4000, 0x2000), file).assertDone();

        RawClient.Answer answer =
                client.request(Command.DMA_UNMAP, Body.unmap(0, 0x4000, 0x2000)).assertDone();

        assertEquals(24, answer.body().remaining());
        assertEquals(24, answer.body().getInt(0));
        assertEquals(0, answer.body().getInt(4));
        assertEquals(0x4000, answer.body().getLong(8));
        assertEquals(0x2000, answer.body().getLong(16));
        assertEquals(Translator.NOT_MAPPED, translate(0x4000, Translator.READ));
    }

    @Test
    void shouldUnmapAll() throws IOException {
        client.request(Command.DMA_MAP, Body.map(0, 0x1000), file).assertDone();
        client.request(Command.DMA_MAP, Body.map(0x2000_0000_0000L, 0x1000), file)
                .assertDone();
        client.request(Command.DMA_MAP, Body.map(0x10_0000, 0x1000)).assertDone();

        client.request(Command.DMA_UNMAP, Body.unmap(ALL, 0, 0)).assertDone();

        assertEquals(Translator.NOT_MAPPED, translate(0, Translator.READ));
        assertEquals(Translator.NOT_MAPPED, translate(0x2000_0000_0000L, Translator.READ));
        assertEquals(Translator.NOT_MAPPED, translate(0x10_0000, Translator.READ));
        client.request(Command.DMA_UNMAP, Body.unmap(ALL, 0, 0)).assertDone();
    }

    @Test
    void shouldCloseDescriptorThatComesWithUnmap() throws IOException {
        client.request(Command.DMA_MAP, Body.map(0, 0x1000), file).assertDone();
        client.request(Command.DMA_UNMAP, Body.unmap(0, 0, 0x1000), file).assertDone();

        assertEquals(1, descriptorsOfGuest(), "only the test's own is left");
    }

    private static long descriptorsOfGuest() throws IOException {
        return ProcSelf.descriptors("/memfd:test-guest");
    }

    @ParameterizedTest
    @CsvSource({
        // Empty, unaligned address, unaligned size, unaligned offset, past the end of the file.
        "0, 0x1000, 0",
        "0, 0x1800, 0x1000",
        "0, 0x1000, 0x1001",
        "0x800, 0x1000, 0x1000",
        "0x100000, 0x1000, 0x1000",
        "0, 0x1000, 0x101000",
        // Wrapping, enormous, and an offset that wraps.
        "0, 0xfffffffffffff000, 0x2000",
        "0, 0x1000, 0xfffffffffffff000",
        "0, 0x0, 0x8000000000000000",
        "0xfffffffffffff000, 0x1000, 0x2000",
        "0x7ffffffffffff000, 0x1000, 0x1000"
    })
    void shouldRefuseMapOfBadRange(String offset, String address, String size) throws IOException {
        byte[] map = Body.map(3, Long.decode(signed(offset)), Long.decode(signed(address)), Long.decode(signed(size)));

        client.request(Command.DMA_MAP, map, file).assertRefused(Errno.EINVAL);
        assertEquals(1, descriptorsOfGuest(), "only the test's own is left");
        client.assertAlive();
    }

    private static String signed(String unsigned) {
        return unsigned.startsWith("0x") ? Long.toString(Long.parseUnsignedLong(unsigned.substring(2), 16)) : unsigned;
    }

    @ParameterizedTest
    @CsvSource({"0x1000, 0x3000", "0x0, 0x2000", "0x3000, 0x2000", "0x2000, 0x1000", "0x0, 0x10000"})
    void shouldRefuseOverlappingMapWithExist(String address, String size) throws IOException {
        client.request(Command.DMA_MAP, Body.map(0x1000, 0x3000), file).assertDone();

        client.request(Command.DMA_MAP, Body.map(Long.decode(address), Long.decode(size)), file)
                .assertRefused(Errno.EEXIST);
        assertTrue(translate(0x1000, Translator.READ) > 0, "the first region is as it was");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0x1000, 0, EINVAL",
        "0, 0x1000, 0x1000, EINVAL",
        "0, 0x2000, 0x2000, EINVAL",
        "0, 0x1001, 0x3000, EINVAL",
        "0, 0x1000, 0x3001, EINVAL",
        "0, 0x2000, -4096, EINVAL",
        "1, 0x1000, 0x3000, EOPNOTSUPP",
        "3, 0, 0, EOPNOTSUPP",
        "4, 0x1000, 0x3000, EINVAL",
        "2, 0x1000, 0x3000, EINVAL",
        "2, 0, 0x1000, EINVAL"
    })
    void shouldRefuseUnmapThatIsNotOfOneRegion(int flags, String address, String size, String errno)
            throws IOException {
        client.request(Command.DMA_MAP, Body.map(0x1000, 0x3000), file).assertDone();

        RawClient.Answer answer =
                client.request(Command.DMA_UNMAP, Body.unmap(flags, Long.decode(address), Long.decode(size)));

        assertEquals(errno, Errno.name(answer.header().errno()));
        answer.assertRefused(answer.header().errno());
        assertTrue(translate(0x1000, Translator.READ) > 0, "the region is as it was");
    }

    @ParameterizedTest
    @CsvSource({"0x8000, 0x1000", "0xf0000000, 0x8000000", "0xfffffffffffff000, 0x1000"})
    void shouldAnswerThatNothingWasUnmappedWhereNothingIs(String address, String size) throws IOException {
        client.request(Command.DMA_MAP, Body.map(0x1000, 0x3000), file).assertDone();

        client.request(
                        Command.DMA_UNMAP,
                        Body.unmap(0, Long.parseUnsignedLong(address.substring(2), 16), Long.decode(size)))
                .assertDone();

        assertTrue(translate(0x1000, Translator.READ) > 0, "the region is as it was");
    }

    @Test
    void shouldRefuseDirtyBitmapWithItsDescription() throws IOException {
        byte[] body = Body.of()
                .u32(40)
                .u32(DIRTY_BITMAP)
                .u64(0)
                .u64(0x1000)
                .u64(4096)
                .u64(8)
                .bytes();

        client.request(Command.DMA_UNMAP, body).assertRefused(Errno.EOPNOTSUPP);
    }

    @Test
    void shouldRefuseMessagesOfWrongSize() throws IOException {
        for (byte[] body : List.of(Body.map(0, 0x1000), Body.unmap(0, 0, 0x1000))) {
            Command command = body.length == 32 ? Command.DMA_MAP : Command.DMA_UNMAP;
            for (int length : new int[] {0, 1, 4, body.length - 1, body.length + 1, 4096, 1 << 20}) {
                client.request(command, Arrays.copyOf(body, length), file).assertRefused(Errno.EINVAL);
            }
            byte[] smallArgsz = body.clone();
            smallArgsz[0]--;
            client.request(command, smallArgsz, file).assertRefused(Errno.EINVAL);
        }
        assertEquals(1, descriptorsOfGuest(), "only the test's own is left");
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 8, 7, 0x8000_0000, -1})
    void shouldRefuseUnknownMapFlags(int flags) throws IOException {
        client.request(Command.DMA_MAP, Body.map(flags, 0, 0, 0x1000), file).assertRefused(Errno.EINVAL);
        assertEquals(Translator.NOT_MAPPED, translate(0, Translator.READ));
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 64})
    void shouldRefuseMoreThanOneDescriptor(int count) throws IOException {
        Fd[] fds = new Fd[count];
        Arrays.fill(fds, file);

        client.request(Command.DMA_MAP, Body.map(0, 0x1000), fds).assertRefused(Errno.EINVAL);
        assertEquals(1, descriptorsOfGuest(), "only the test's own is left");
        client.assertAlive();
    }

    @Test
    void shouldRefuseDescriptorsThatAreNotMemory() throws IOException {
        List<Fd> wrong = new ArrayList<>(Pipe.open());
        wrong.add(FileIo.open(directory, FileIo.O_RDONLY));
        wrong.add(FileIo.open(Path.of("/dev/null"), FileIo.O_RDWR));
        wrong.add(EventFd.create().fd());
        UnixConnection[] pair = UnixConnection.pair();
        wrong.add(pair[0].fd());
        for (Fd fd : wrong) {
            RawClient.Answer answer = client.request(Command.DMA_MAP, Body.map(0, 0x1000), fd);

            assertTrue(answer.header().isError(), () -> "accepted " + fd.describe());
            assertEquals(Translator.NOT_MAPPED, translate(0, Translator.READ));
        }
        wrong.forEach(Fd::close);
        pair[1].close();
    }

    @Test
    void shouldMapReadOnlyFileOnlyToBeRead() throws IOException {
        try (Fd readOnly = FileIo.open(Path.of("/proc/self/fd/" + file.number()), FileIo.O_RDONLY)) {
            client.request(Command.DMA_MAP, Body.map(3, 0, 0, 0x1000), readOnly).assertRefused(Errno.EACCES);
            client.request(Command.DMA_MAP, Body.map(2, 0, 0, 0x1000), readOnly).assertRefused(Errno.EACCES);
            client.request(Command.DMA_MAP, Body.map(1, 0, 0, 0x1000), readOnly).assertDone();
        }
        assertTrue(translate(0, Translator.READ) > 0);
        assertEquals(Translator.NO_ACCESS, translate(0, Translator.WRITE));
    }

    @Test
    void shouldAnswerPipelinedMessagesInOrderEachWithItsOwnResult() throws IOException {
        int good = client.send(Command.DMA_MAP, Body.map(0, 0x1000), file);
        int overlapping = client.send(Command.DMA_MAP, Body.map(0, 0x1000), file);
        client.post(Command.DMA_MAP, Body.map(0x1000, 0x1000), file);
        int tooShort = client.send(Command.DMA_UNMAP, new byte[3]);
        int unmap = client.send(Command.DMA_UNMAP, Body.unmap(0, 0x1000, 0x1000));
        int info = client.send(Command.DEVICE_GET_INFO, Body.four(16, 0, 0, 0));

        assertAnswers(good, 0);
        assertAnswers(overlapping, Errno.EEXIST);
        assertAnswers(tooShort, Errno.EINVAL);
        assertAnswers(unmap, 0);
        assertAnswers(info, 0);
    }

    private void assertAnswers(int id, int errno) throws IOException {
        RawClient.Answer answer = client.receive();
        assertEquals(id, answer.header().id());
        assertEquals(errno, answer.header().errno());
    }

    /** Holds the server in a register write until the test has sent all that it wants to arrive together. */
    private CountDownLatch holdServer() throws IOException {
        CountDownLatch held = new CountDownLatch(1);
        CountDownLatch inside = new CountDownLatch(1);
        function.onWrite = () -> {
            inside.countDown();
            awaitLatch(held);
        };
        client.post(Command.REGION_WRITE, Body.write(0x1000, 0, (byte) 0));
        awaitLatch(inside);
        function.onWrite = () -> {};
        return held;
    }

    private static void awaitLatch(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void shouldApplyPipelinedUnmapAndMapOfSameMemoryAsOneTransaction() throws IOException {
        client.request(Command.DMA_MAP, Body.map(0, FILE_BYTES), file).assertDone();
        DmaReader[] reader = new DmaReader[1];
        List<Long> statesSeen = new ArrayList<>();
        reader[0] = function.memory.register("test", () -> {
            statesSeen.add(translate(0x8000, Translator.READ));
            reader[0].acknowledge(reader[0].current());
        });
        reader[0].acknowledge(reader[0].current());
        long epoch = reader[0].current();
        long hva = translate(0x8000, Translator.READ);

        CountDownLatch held = holdServer();
        int first = client.send(Command.DMA_UNMAP, Body.unmap(0, 0, FILE_BYTES));
        for (int i = 0; i < 16; i++) {
            client.send(Command.DMA_MAP, Body.map(3, i * 0x1_0000L, i * 0x1_0000L, 0x1_0000), file);
        }
        held.countDown();

        for (int i = 0; i < 17; i++) {
            assertAnswers(first + i, 0);
        }
        assertEquals(epoch + 1, reader[0].current(), "one change for all seventeen messages");
        assertEquals(List.of(hva), statesSeen, "no reader ever saw the memory gone or elsewhere");
        assertEquals(hva, translate(0x8000, Translator.READ));
        reader[0].close();
    }

    @Test
    void shouldAnswerMoreMessagesThanOneTransactionTakes() throws IOException {
        CountDownLatch held = holdServer();
        int count = ServerLimits.DEFAULT.maxBatchedMessages() + 10;
        int first = client.send(Command.DMA_MAP, Body.map(0, 0x1000));
        for (int i = 1; i < count; i++) {
            client.send(Command.DMA_MAP, Body.map(i * 0x1000L, 0x1000));
        }
        held.countDown();

        for (int i = 0; i < count; i++) {
            assertAnswers(first + i, 0);
        }
    }

    @Test
    void shouldEndTransactionBeforeMessageWhoseBodyHasNotArrived() throws IOException {
        byte[] second = Body.message(7, Command.DMA_MAP.code(), 0, Body.map(0x1000, 0x1000));
        CountDownLatch held = holdServer();
        int first = client.send(Command.DMA_MAP, Body.map(0, 0x1000), file);
        client.sendBytes(Arrays.copyOf(second, 20), file);
        held.countDown();

        assertAnswers(first, 0);
        client.sendBytes(Arrays.copyOfRange(second, 20, second.length));
        assertAnswers(7, 0);
        assertTrue(translate(0x1000, Translator.READ) > 0);
    }

    @Test
    void shouldRefuseMapBeyondLimitAndGoOn() throws IOException {
        client.close();
        server.close();
        server = new VfioUserServer(
                socket, SocketOptions.PRIVATE, function, limits().withDma(new DmaLimits(2, 2, 2, 1 << 30)));
        client = RawClient.ready(socket);

        client.request(Command.DMA_MAP, Body.map(0, 0x1000)).assertDone();
        client.request(Command.DMA_MAP, Body.map(0x1000, 0x1000)).assertDone();
        client.request(Command.DMA_MAP, Body.map(0x2000, 0x1000)).assertRefused(Errno.ENOSPC);
        client.request(Command.DMA_UNMAP, Body.unmap(0, 0, 0x1000)).assertDone();
        client.request(Command.DMA_MAP, Body.map(0x2000, 0x1000)).assertDone();
    }
}

package io.sluice.vfiouser.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Fd;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.vfiouser.Command;
import io.sluice.vfiouser.RegionInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Habits of clients other than QEMU, one test each. */
class OtherClientsTest extends ServerFixture {
    private static final long HUGE = 2 << 20;

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void shouldSpeakProtocolOfClient(int minor) throws IOException {
        try (RawClient client = new RawClient(socket)) {
            RawClient.Answer answer = client.request(Command.VERSION, Body.version(0, minor, "{}\0"))
                    .assertDone();
            assertEquals(minor, answer.body().getShort(2));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\0", "{}\0"})
    void shouldDoWithoutJson(String json) throws IOException {
        try (RawClient client = new RawClient(socket)) {
            client.request(Command.VERSION, Body.version(0, 0, json)).assertDone();
            client.assertAlive();
        }
    }

    @Test
    void shouldServeClientWhoseMessagesAllHaveIdZero() throws IOException {
        try (RawClient client = new RawClient(socket)) {
            for (byte[] message : List.of(
                    Body.message(0, 1, 0, Body.version(0, 0, "")),
                    Body.message(0, 4, 0, Body.four(16, 0, 0, 0)),
                    Body.message(0, 4, 0, Body.four(16, 0, 0, 0)))) {
                client.sendBytes(message);
                assertEquals(0, client.receive().assertDone().header().id());
            }
        }
    }

    /** SPDK sends its whole buffer of 4 KiB less a header as the request, and reads the reply's body by one read. */
    @Test
    void shouldAnswerRegionInfoWhoseBufferIsMuchLargerThanNeeded() throws IOException {
        try (RawClient client = RawClient.ready(socket)) {
            int argsz = 4096 - 32;
            byte[] request = Arrays.copyOf(Body.regionInfo(argsz, 0), argsz);
            Arrays.fill(request, 32, argsz, (byte) 0xee);
            RawClient.Answer answer =
                    client.request(Command.DEVICE_GET_REGION_INFO, request).assertDone();

            assertEquals(64, answer.body().remaining());
            assertEquals(1, answer.fds().size());
            answer.fds().getFirst().close();
        }
    }

    @Test
    void shouldDescribeEveryRegionBelowNumRegions() throws IOException {
        try (RawClient client = RawClient.ready(socket)) {
            RawClient.Answer info = client.request(Command.DEVICE_GET_INFO, Body.four(16, 0, 0, 0));
            for (int index = 0; index < info.body().getInt(8); index++) {
                RawClient.Answer answer = client.request(Command.DEVICE_GET_REGION_INFO, Body.regionInfo(4096, index))
                        .assertDone();
                answer.fds().forEach(Fd::close);
            }
        }
    }

    @Test
    void shouldCloseDescriptorThatComesWithUnmap() throws IOException {
        try (RawClient client = RawClient.ready(socket);
                Fd file = Memfd.create("test-spdk", HUGE)) {
            for (int i = 0; i < 10; i++) {
                client.request(Command.DMA_MAP, Body.map(0x2000_0000_0000L, HUGE), file)
                        .assertDone();
                client.request(Command.DMA_UNMAP, Body.unmap(0, 0x2000_0000_0000L, HUGE), file)
                        .assertDone();
            }
            assertEquals(1, ProcSelf.descriptors("/memfd:test-spdk"));
            assertEquals(0, ProcSelf.mappings("/memfd:test-spdk"));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0x2000_0000_0000L, 0xffff_ffff_f000L, 0})
    void shouldTakeMemoryInPagesOf4KiBAtAnyAddress(long iova) throws IOException {
        try (RawClient client = RawClient.ready(socket);
                Fd file = Memfd.create("test-4k", 64 * 4096);
                Mapping memory = Mapping.shared(file, 0, 64 * 4096, 3)) {
            for (int page = 0; page < 64; page++) {
                Memory.putLong(memory.address() + page * 4096L, page);
                client.request(Command.DMA_MAP, Body.map(3, page * 4096L, iova + page * 4096L, 4096), file)
                        .assertDone();
            }
            for (int page = 0; page < 64; page++) {
                long hva = function.memory.hostView().translate(iova + page * 4096L, 4096, Translator.READ);
                assertTrue(hva > 0, "page " + page + ": " + hva);
                assertEquals(page, Memory.getLong(hva));
            }
            for (int page = 63; page >= 0; page--) {
                client.request(Command.DMA_UNMAP, Body.unmap(0, iova + page * 4096L, 4096))
                        .assertDone();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0x2000_0000_0000L, 0xffff_ffff_f000L, 0})
    void shouldTakeMemoryInManyPiecesOf2MiB(long iova) throws IOException {
        int pieces = 64;
        try (RawClient client = RawClient.ready(socket);
                Fd file = Memfd.create("test-2m", pieces * HUGE)) {
            List<Integer> ids = new ArrayList<>();
            for (int piece = 0; piece < pieces; piece++) {
                ids.add(client.send(Command.DMA_MAP, Body.map(3, piece * HUGE, iova + piece * HUGE, HUGE), file));
            }
            for (int id : ids) {
                assertEquals(id, client.receive().assertDone().header().id());
            }
            long last = iova + pieces * HUGE - 4096;
            assertTrue(function.memory.hostView().translate(last, 4096, Translator.WRITE) > 0);
            client.request(Command.DMA_UNMAP, Body.unmap(2, 0, 0)).assertDone();
            assertEquals(0, ProcSelf.mappings("/memfd:test-2m"));
        }
    }

    @Test
    void shouldTakeDoorbellsByMessageAsWellAsThroughMappedPage() throws IOException {
        try (RawClient client = RawClient.ready(socket)) {
            RawClient.Answer answer = client.request(Command.DEVICE_GET_REGION_INFO, Body.regionInfo(64, 0))
                    .assertDone();
            RegionInfo.Area area = RegionInfo.decodeReply(answer.body()).areas().getFirst();
            try (Fd fd = answer.fds().getFirst();
                    Mapping page = Mapping.shared(fd, area.offset(), area.size(), 3)) {
                Memory.putIntRelease(page.address(), 1);
                client.post(Command.REGION_WRITE, Body.write(0x1000, 0, (byte) 2, (byte) 0, (byte) 0, (byte) 0));
                client.assertAlive();
            }
        }
        assertTrue(function.calls.contains("write 0 0x1000 4"));
    }

    @Test
    void shouldServeClientThatNeverSetsInterrupts() throws IOException {
        try (RawClient client = RawClient.ready(socket);
                Fd file = Memfd.create("test-polled", HUGE)) {
            client.request(Command.DMA_MAP, Body.map(0x2000_0000_0000L, HUGE), file)
                    .assertDone();
            client.request(Command.REGION_WRITE, Body.write(0x14, 0, new byte[4]))
                    .assertDone();
            client.request(Command.DMA_UNMAP, Body.unmap(0, 0x2000_0000_0000L, HUGE))
                    .assertDone();
        }
        awaitCall("detach");
        assertEquals(List.of("attach", "write 0 0x14 4", "detach"), function.calls);
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 8})
    void shouldAccessRegistersOfFourAndEightBytes(int bytes) throws IOException {
        try (RawClient client = RawClient.ready(socket)) {
            byte[] value = new byte[bytes];
            Arrays.fill(value, (byte) 0x77);
            client.request(Command.REGION_WRITE, Body.write(0x28, 0, value)).assertDone();
            RawClient.Answer answer = client.request(Command.REGION_READ, Body.access(0x28, 0, bytes))
                    .assertDone();
            byte[] read = new byte[bytes];
            answer.body().get(16, read);
            assertEquals(ByteBuffer.wrap(value), ByteBuffer.wrap(read));
        }
    }

    /** Some clients take whatever one read returns for the whole message. */
    @Test
    void shouldSendReplyInOnePiece() throws IOException {
        try (RawClient client = RawClient.ready(socket)) {
            client.send(Command.REGION_READ, Body.access(0, 7, 4096));
            assertTrue(client.connection().awaitReadable(20_000));
            assertEquals(16 + 16 + 4096, client.connection().available());
            client.receive().assertDone();
        }
    }
}

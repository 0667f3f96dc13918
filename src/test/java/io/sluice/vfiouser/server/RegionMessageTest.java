package io.sluice.vfiouser.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.device.Region;
import io.sluice.linux.Errno;
import io.sluice.linux.EventFd;
import io.sluice.vfiouser.Command;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** REGION_READ, REGION_WRITE, REGION_WRITE_MULTI. */
class RegionMessageTest extends ServerFixture {
    private RawClient client;

    @BeforeEach
    void connect() throws IOException {
        client = new RawClient(socket);
        client.request(Command.VERSION, Body.version(0, 1, "{\"capabilities\":{\"write_multiple\":true}}\0"))
                .assertDone();
    }

    @AfterEach
    void disconnect() {
        client.close();
    }

    private List<String> calls() {
        return function.calls.stream().skip(1).toList(); // a copy: the server adds to it meanwhile
    }

    private static byte[] rest(RawClient.Answer answer, int from) {
        byte[] bytes = new byte[answer.body().limit() - from];
        answer.body().get(from, bytes);
        return bytes;
    }

    @ParameterizedTest
    @CsvSource({"0, 0x14, 4", "0, 0x3ff8, 8", "4, 0xfff, 1", "7, 0, 4096", "7, 0xffe, 2", "6, 0x7fc, 4"})
    void shouldReadWhatFunctionHas(int region, String at, int count) throws IOException {
        int offset = Integer.decode(at);
        for (int i = 0; i < count; i++) {
            function.contents(region)[offset + i] = (byte) (i + 1);
        }

        RawClient.Answer answer = client.request(Command.REGION_READ, Body.access(offset, region, count))
                .assertDone();

        assertArrayEquals(Body.access(offset, region, count), Arrays.copyOf(rest(answer, 0), 16));
        assertArrayEquals(Arrays.copyOfRange(function.contents(region), offset, offset + count), rest(answer, 16));
    }

    @ParameterizedTest
    @CsvSource({"0, 0x14, 4", "0, 0x1000, 8", "4, 0xfff, 1", "7, 0, 4096", "7, 0xffe, 2"})
    void shouldWriteAndAnswerWithoutData(int region, String at, int count) throws IOException {
        int offset = Integer.decode(at);
        byte[] data = new byte[count];
        Arrays.fill(data, (byte) 0x5a);

        RawClient.Answer answer = client.request(Command.REGION_WRITE, Body.write(offset, region, data))
                .assertDone();

        assertArrayEquals(Body.access(offset, region, count), rest(answer, 0));
        assertArrayEquals(data, Arrays.copyOfRange(function.contents(region), offset, offset + count));
    }

    @Test
    void shouldDoPostedWritesInOrderWithoutReply() throws IOException {
        client.post(Command.REGION_WRITE, Body.write(0x1000, 0, (byte) 1, (byte) 0, (byte) 0, (byte) 0));
        client.post(Command.REGION_WRITE, Body.write(0x1000, 0, (byte) 2, (byte) 0, (byte) 0, (byte) 0));
        client.post(Command.REGION_WRITE, Body.write(0x4000, 0, (byte) 3));
        RawClient.Answer read = client.request(Command.REGION_READ, Body.access(0x1000, 0, 4));

        assertArrayEquals(new byte[] {2, 0, 0, 0}, rest(read.assertDone(), 16));
        assertEquals(List.of("write 0 0x1000 4", "write 0 0x1000 4", "read 0 0x1000 4"), calls());
    }

    @ParameterizedTest
    @CsvSource({
        // Past the end, at the end, wrapping, enormous, nothing at all; absent, out of range.
        "0x4000, 0, 1",
        "0x3ffd, 0, 4",
        "-4, 0, 8",
        "-1, 0, 1",
        "0x7fffffffffffffff, 0, 4",
        "0, 0, 0",
        "0, 0, 0x4001",
        "0, 0, 0x100001",
        "0, 0, -1",
        "0x3000, 0, -0x1000",
        "0, 1, 4",
        "0, 8, 4",
        "0, 9, 4",
        "0, -1, 4",
        "0, 0x7fffffff, 4"
    })
    void shouldRefuseAccessOutsideOfRegions(String offset, String region, String count) throws IOException {
        int bytes = Long.decode(count).intValue();
        byte[] access = Body.access(Long.decode(offset), Integer.decode(region), bytes);

        client.request(Command.REGION_READ, access).assertRefused(Errno.EINVAL);
        int sent = bytes < 0 ? 8 : Math.min(bytes, 0x10_0001);
        client.request(Command.REGION_WRITE, Arrays.copyOf(access, 16 + sent)).assertRefused(Errno.EINVAL);
        client.post(Command.REGION_WRITE, Arrays.copyOf(access, 16 + sent));
        client.assertAlive();

        assertEquals(List.of(), calls());
    }

    @Test
    void shouldRefuseMessagesOfWrongSize() throws IOException {
        byte[] read = Body.access(0, 0, 4);
        for (int length : new int[] {0, 1, 15, 17, 20, 4096}) {
            client.request(Command.REGION_READ, Arrays.copyOf(read, length)).assertRefused(Errno.EINVAL);
        }
        byte[] write = Body.write(0, 0, new byte[4]);
        for (int length : new int[] {0, 1, 15, 16, 19, 21, 4096, 1 << 20}) {
            client.request(Command.REGION_WRITE, Arrays.copyOf(write, length)).assertRefused(Errno.EINVAL);
        }

        assertEquals(List.of(), calls());
    }

    @Test
    void shouldRefuseDescriptors() throws IOException {
        try (EventFd eventFd = EventFd.create()) {
            client.request(Command.REGION_READ, Body.access(0, 0, 4), eventFd.fd())
                    .assertRefused(Errno.EINVAL);
            client.request(Command.REGION_WRITE, Body.write(0, 0, new byte[4]), eventFd.fd())
                    .assertRefused(Errno.EINVAL);
            client.request(Command.REGION_WRITE_MULTI, multi(1, one(0, 0, 4)), eventFd.fd())
                    .assertRefused(Errno.EINVAL);
            assertEquals(1, ProcSelf.descriptors("anon_inode:[eventfd]"));
        }
        assertEquals(List.of(), calls());
    }

    @Test
    void shouldPassOnRefusalOfFunction() throws IOException {
        client.request(Command.REGION_READ, Body.access(0, 0, 3)).assertRefused(Errno.EINVAL);
        client.request(Command.REGION_WRITE, Body.write(0, 0, new byte[3])).assertRefused(Errno.EINVAL);
        client.assertAlive();
    }

    @Test
    void shouldRefuseWriteToExpansionRom() throws IOException {
        client.request(Command.REGION_WRITE, Body.write(0, Region.ROM, new byte[4]))
                .assertRefused(Errno.EINVAL);
        assertEquals(List.of(), calls());
    }

    private static byte[] multi(long count, byte[]... writes) {
        Body body = Body.of().u64(count);
        for (byte[] write : writes) {
            body.raw(write);
        }
        return body.bytes();
    }

    private static byte[] one(long offset, int region, int count) {
        return Body.of()
                .u64(offset)
                .u32(region)
                .u32(count)
                .u64(0x0807_0605_0403_0201L)
                .bytes();
    }

    @Test
    void shouldDoSeveralWritesOfOneMessage() throws IOException {
        RawClient.Answer answer = client.request(
                        Command.REGION_WRITE_MULTI, multi(3, one(0x1000, 0, 4), one(0x1008, 0, 8), one(0x10, 7, 1)))
                .assertDone();

        assertEquals(8, answer.body().remaining());
        assertEquals(3, answer.body().getLong(0));
        assertEquals(List.of("write 0 0x1000 4", "write 0 0x1008 8", "write 7 0x10 1"), calls());
        assertArrayEquals(
                new byte[] {1, 2, 3, 4, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8},
                Arrays.copyOfRange(function.contents(0), 0x1000, 0x1010));
    }

    @Test
    void shouldDoOtherWritesWhereOneIsRefused() throws IOException {
        RawClient.Answer answer = client.request(
                        Command.REGION_WRITE_MULTI,
                        multi(5, one(0x4000, 0, 4), one(0x1000, 0, 4), one(0, 0, 9), one(0, 0, 3), one(0x1004, 0, 4)))
                .assertDone();

        assertEquals(2, answer.body().getLong(0));
        assertEquals(List.of("write 0 0x1000 4", "write 0 0x0 3", "write 0 0x1004 4"), calls());
    }

    @Test
    void shouldDoTwoHundredPostedWritesAsQemuCollectsThem() throws IOException {
        byte[][] writes = new byte[200][];
        for (int i = 0; i < writes.length; i++) {
            writes[i] = one(0x1000, 0, 4);
        }
        client.post(Command.REGION_WRITE_MULTI, multi(200, writes));
        client.assertAlive();

        assertEquals(200, calls().size());
    }

    @Test
    void shouldAnswerNoWritesWithZero() throws IOException {
        RawClient.Answer answer =
                client.request(Command.REGION_WRITE_MULTI, multi(0)).assertDone();

        assertEquals(0, answer.body().getLong(0));
    }

    @Test
    void shouldRefuseSeveralWritesThatAreAllWrong() throws IOException {
        client.request(Command.REGION_WRITE_MULTI, multi(2, one(-1, 0, 4), one(0, 99, 4)))
                .assertRefused(Errno.EINVAL);
        client.request(Command.REGION_WRITE_MULTI, multi(1, one(0, 0, 0))).assertRefused(Errno.EINVAL);
        client.request(Command.REGION_WRITE_MULTI, multi(1, one(0, 0, -1))).assertRefused(Errno.EINVAL);
        assertEquals(List.of(), calls());
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 2, 3, -1, Long.MAX_VALUE, Long.MIN_VALUE, 0x0aaa_aaaa_aaaa_aaabL})
    void shouldRefuseCountThatDoesNotFitWrites(long count) throws IOException {
        client.request(Command.REGION_WRITE_MULTI, multi(count, one(0, 0, 4))).assertRefused(Errno.EINVAL);
        assertEquals(List.of(), calls());
    }

    @Test
    void shouldRefuseSeveralWritesOfWrongSize() throws IOException {
        byte[] body = multi(1, one(0, 0, 4));
        for (int length : new int[] {0, 1, 7, 8, 31, 33, 4096}) {
            client.request(Command.REGION_WRITE_MULTI, Arrays.copyOf(body, length))
                    .assertRefused(Errno.EINVAL);
        }
        assertEquals(List.of(), calls());
    }

    @Test
    void shouldRefuseSeveralWritesWhereTheyWereNotAgreedOn() throws IOException {
        client.close();
        client = RawClient.ready(socket);

        client.request(Command.REGION_WRITE_MULTI, multi(1, one(0, 0, 4))).assertRefused(Errno.EOPNOTSUPP);
    }
}

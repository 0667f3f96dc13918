package io.sluice.vfiouser.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Errno;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.FileStatus;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.vfiouser.Command;
import io.sluice.vfiouser.RegionInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** DEVICE_GET_INFO, DEVICE_GET_REGION_INFO, DEVICE_GET_REGION_IO_FDS, DEVICE_GET_IRQ_INFO, DEVICE_RESET. */
class DeviceMessageTest extends ServerFixture {
    private static final int READ_WRITE = RegionInfo.READ | RegionInfo.WRITE;

    private RawClient client;

    @BeforeEach
    void connect() throws IOException {
        client = RawClient.ready(socket);
    }

    @AfterEach
    void disconnect() {
        client.close();
    }

    private static void assertInts(ByteBuffer body, int... expected) {
        int[] actual = new int[body.remaining() / Integer.BYTES];
        for (int i = 0; i < actual.length; i++) {
            actual[i] = body.getInt(i * Integer.BYTES);
        }
        assertEquals(Arrays.toString(expected), Arrays.toString(actual));
    }

    @ParameterizedTest
    @ValueSource(ints = {16, 32, 4096, -1})
    void shouldTellThatItIsResettablePciDevice(int argsz) throws IOException {
        RawClient.Answer answer = client.request(Command.DEVICE_GET_INFO, Body.four(argsz, 0, 0, 0))
                .assertDone();

        assertInts(answer.body(), 16, 3, 9, 5);
    }

    @Test
    void shouldRefuseGetInfoOfWrongSize() throws IOException {
        assertWrongSizesRefused(Command.DEVICE_GET_INFO, Body.four(16, 0, 0, 0));
    }

    /** Too short; longer than its argsz; an argsz below the fixed part; with a descriptor. */
    private void assertWrongSizesRefused(Command command, byte[] body) throws IOException {
        for (int length : new int[] {0, 1, body.length - 1, body.length + 1, 65536}) {
            client.request(command, Arrays.copyOf(body, length)).assertRefused(Errno.EINVAL);
        }
        byte[] smallArgsz = body.clone();
        smallArgsz[0]--;
        client.request(command, smallArgsz).assertRefused(Errno.EINVAL);
        try (EventFd eventFd = EventFd.create()) {
            client.request(command, body, eventFd.fd()).assertRefused(Errno.EINVAL);
        }
        client.request(command, body).assertDone();
    }

    @Test
    void shouldDescribeEveryRegion() throws IOException {
        Map<Integer, long[]> expected = Map.of(
                0, new long[] {READ_WRITE, 0x4000},
                4, new long[] {READ_WRITE, 0x1000},
                6, new long[] {RegionInfo.READ, 0x800},
                7, new long[] {READ_WRITE, 0x1000});
        for (int index = 0; index < 9; index++) {
            RawClient.Answer answer = client.request(Command.DEVICE_GET_REGION_INFO, Body.regionInfo(32, index))
                    .assertDone();
            RegionInfo info = RegionInfo.decodeReply(answer.body());
            long[] flagsAndSize = expected.getOrDefault(index, new long[2]);

            assertEquals(flagsAndSize[0], info.flags(), "flags of region " + index);
            assertEquals(flagsAndSize[1], info.size(), "size of region " + index);
            assertEquals(index, info.index());
            assertEquals(index == 0 ? 64 : 32, info.argsz());
            assertEquals(0, info.offset());
            assertEquals(List.of(), answer.fds());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {32, 33, 63})
    void shouldTellNeededSizeWhereThereIsNoRoomForCapability(int argsz) throws IOException {
        RawClient.Answer answer = client.request(Command.DEVICE_GET_REGION_INFO, Body.regionInfo(argsz, 0))
                .assertDone();

        assertInts(answer.body(), 64, READ_WRITE, 0, 0, 0x4000, 0, 0, 0);
        assertEquals(List.of(), answer.fds());
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 65, 4096, 1 << 30, -1})
    void shouldOfferOneAreaWithOneDescriptorWhereThereIsRoom(int argsz) throws IOException {
        RawClient.Answer answer = client.request(Command.DEVICE_GET_REGION_INFO, Body.regionInfo(argsz, 0))
                .assertDone();

        assertInts(answer.body(), 64, 0xf, 0, 32, 0x4000, 0, 0, 0, 0x0001_0001, 0, 1, 0, 0x1000, 0, 0x1000, 0);
        assertEquals(1, answer.fds().size());
        answer.fds().getFirst().close();
    }

    @Test
    void shouldShareMemoryByOfferedDescriptor() throws IOException {
        RawClient.Answer answer = client.request(Command.DEVICE_GET_REGION_INFO, Body.regionInfo(64, 0))
                .assertDone();
        RegionInfo info = RegionInfo.decodeReply(answer.body());
        RegionInfo.Area area = info.areas().getFirst();
        try (Fd fd = answer.fds().getFirst();
                Mapping theirs = Mapping.shared(fd, info.offset() + area.offset(), area.size(), 3);
                Mapping ours = Mapping.shared(function.bar0(), 0x1000, 0x1000, 3)) {
            assertTrue(FileStatus.of(fd).size() >= info.offset() + area.offset() + area.size(), "no SIGBUS in QEMU");
            Memory.putInt(theirs.address() + 8, 42);
            assertEquals(42, Memory.getInt(ours.address() + 8));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {9, 10, 255, Integer.MAX_VALUE, Integer.MIN_VALUE, -1})
    void shouldRefuseRegionThatIsNone(int index) throws IOException {
        client.request(Command.DEVICE_GET_REGION_INFO, Body.regionInfo(32, index))
                .assertRefused(Errno.EINVAL);
        client.request(Command.DEVICE_GET_REGION_IO_FDS, Body.four(16, 0, index, 0))
                .assertRefused(Errno.EINVAL);
    }

    @Test
    void shouldRefuseRegionInfoOfWrongSize() throws IOException {
        assertWrongSizesRefused(Command.DEVICE_GET_REGION_INFO, Body.regionInfo(32, 7));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 4, 7, 8})
    void shouldOfferNoDescriptorsForRegionIo(int index) throws IOException {
        RawClient.Answer answer = client.request(Command.DEVICE_GET_REGION_IO_FDS, Body.four(4096, 0, index, 0))
                .assertDone();

        assertInts(answer.body(), 16, 0, index, 0);
        assertEquals(List.of(), answer.fds());
    }

    @Test
    void shouldRefuseRegionIoFdsThatAreNotAsSpecified() throws IOException {
        assertWrongSizesRefused(Command.DEVICE_GET_REGION_IO_FDS, Body.four(16, 0, 0, 0));
        client.request(Command.DEVICE_GET_REGION_IO_FDS, Body.four(16, 1, 0, 0)).assertRefused(Errno.EINVAL);
        client.request(Command.DEVICE_GET_REGION_IO_FDS, Body.four(16, 0, 0, 1)).assertRefused(Errno.EINVAL);
    }

    @ParameterizedTest
    @CsvSource({"0, 7, 1", "1, 0, 0", "2, 3, 8", "3, 1, 1", "4, 1, 1"})
    void shouldDescribeEveryInterruptKind(int index, int flags, int count) throws IOException {
        RawClient.Answer answer = client.request(Command.DEVICE_GET_IRQ_INFO, Body.four(16, 0, index, 0))
                .assertDone();

        assertInts(answer.body(), 16, flags, index, count);
    }

    @ParameterizedTest
    @ValueSource(ints = {5, 6, Integer.MAX_VALUE, Integer.MIN_VALUE, -1})
    void shouldRefuseInterruptKindThatIsNone(int index) throws IOException {
        client.request(Command.DEVICE_GET_IRQ_INFO, Body.four(16, 0, index, 0)).assertRefused(Errno.EINVAL);
    }

    @Test
    void shouldRefuseIrqInfoOfWrongSize() throws IOException {
        assertWrongSizesRefused(Command.DEVICE_GET_IRQ_INFO, Body.four(16, 0, 2, 0));
    }

    @Test
    void shouldResetFunction() throws IOException {
        client.request(Command.DEVICE_RESET, Body.none()).assertDoneWithoutBody();
        client.post(Command.DEVICE_RESET, Body.none());
        client.assertAlive();

        assertEquals(List.of("attach", "reset", "reset"), function.calls);
    }

    @Test
    void shouldRefuseResetWithBodyOrDescriptor() throws IOException {
        client.request(Command.DEVICE_RESET, new byte[1]).assertRefused(Errno.EINVAL);
        client.request(Command.DEVICE_RESET, new byte[4096]).assertRefused(Errno.EINVAL);
        try (EventFd eventFd = EventFd.create()) {
            client.request(Command.DEVICE_RESET, Body.none(), eventFd.fd()).assertRefused(Errno.EINVAL);
        }
        assertFalse(function.calls.contains("reset"));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 11, 12, 14, 15, 16, 17, 18, 19, 20, 65535})
    void shouldRefuseCommandsThatItDoesNotHave(int command) throws IOException {
        client.request(command, Body.none()).assertRefused(Errno.EOPNOTSUPP);
        client.request(command, new byte[64]).assertRefused(Errno.EOPNOTSUPP);
        try (EventFd eventFd = EventFd.create()) {
            client.request(command, new byte[64], eventFd.fd()).assertRefused(Errno.EOPNOTSUPP);
        }
        client.assertAlive();
    }
}

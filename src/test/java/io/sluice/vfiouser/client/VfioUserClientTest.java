package io.sluice.vfiouser.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.device.InterruptKind;
import io.sluice.device.PciDevice.Bar;
import io.sluice.linux.Errno;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.vfiouser.Command;
import io.sluice.vfiouser.DeviceInfo;
import io.sluice.vfiouser.DmaMap;
import io.sluice.vfiouser.Header;
import io.sluice.vfiouser.IrqInfo;
import io.sluice.vfiouser.MessageChannel;
import io.sluice.vfiouser.RegionAccess;
import io.sluice.vfiouser.RegionInfo;
import io.sluice.vfiouser.Version;
import io.sluice.vfiouser.VfioUserException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class VfioUserClientTest {
    private static final Duration PATIENT = Duration.ofSeconds(30);
    private static final Duration SHORT = Duration.ofMillis(50);
    private static final int BAR_BYTES = 0x4000;

    private ScriptedServer server;

    @BeforeEach
    void open() throws IOException {
        server = new ScriptedServer();
    }

    @AfterEach
    void close() {
        server.close();
    }

    private VfioUserClient connect(Duration timeout) throws IOException {
        return VfioUserClient.over("/test.sock", server.start().clientEnd(), timeout);
    }

    private VfioUserClient connect() throws IOException {
        return connect(PATIENT);
    }

    private static ScriptedServer.Answer dword(int value) {
        return (request, body, channel) -> channel.send(
                request.reply(RegionAccess.BYTES + 4),
                out -> {
                    new RegionAccess(body.getLong(0), body.getInt(8), 4).encode(out);
                    out.putInt(value);
                },
                List.of());
    }

    // ---- greeting

    @Test
    void shouldOfferVersion01WhenConnecting() throws Exception {
        try (VfioUserClient client = connect()) {
            ScriptedServer.Received request = server.next(Command.VERSION);
            Version version = Version.decode(request.body());
            assertEquals(0, version.major());
            assertEquals(1, version.minor());
            assertTrue(version.json().contains("\"max_msg_fds\":64"), version.json());
            assertEquals("/test.sock", client.name());
        }
    }

    @Test
    void shouldAcceptMinor0WhenServerIsOlder() throws Exception {
        server.on(Command.VERSION, ScriptedServer.reply(4, new Version(0, 0, "")::encode));
        connect().close();
    }

    @Test
    void shouldRefuseWhenServerSpeaksAnotherMajor() {
        server.on(Command.VERSION, ScriptedServer.reply(4, new Version(1, 0, "")::encode));
        IOException e = assertThrows(IOException.class, this::connect);
        assertTrue(e.getMessage().contains("speaks vfio-user 1.0; this client speaks 0.0 to 0.1"), e.getMessage());
    }

    @Test
    void shouldRefuseWhenDeviceIsNotPci() {
        server.on(
                Command.DEVICE_GET_INFO,
                ScriptedServer.reply(DeviceInfo.BYTES, new DeviceInfo(16, DeviceInfo.RESET, 9, 5)::encode));
        IOException e = assertThrows(IOException.class, this::connect);
        assertTrue(e.getMessage().contains("does not serve a PCI device"), e.getMessage());
    }

    @Test
    void shouldSayWhatToDoWhenNobodyListens() {
        Path nowhere = Path.of("/tmp/no-such-directory/x.sock");
        IOException e = assertThrows(IOException.class, () -> VfioUserClient.connect(nowhere));
        assertTrue(e.getMessage().contains(nowhere.toString()), e.getMessage());
        assertTrue(e.getMessage().contains("ENOENT"), e.getMessage());
    }

    // ---- errors and hostile replies

    @Test
    void shouldThrowErrnoAndStayUsableWhenServerRefuses() throws Exception {
        server.on(Command.DEVICE_RESET, ScriptedServer.error(Errno.EBUSY));
        server.on(Command.REGION_READ, dword(0x1234_5678));
        try (VfioUserClient client = connect()) {
            VfioUserException e = assertThrows(VfioUserException.class, client::reset);
            assertEquals(Errno.EBUSY, e.errno());
            assertTrue(e.getMessage().contains("DEVICE_RESET was refused"), e.getMessage());
            assertTrue(e.getMessage().contains("EBUSY"), e.getMessage());
            assertEquals(0x1234_5678, client.readConfig(0, 4));
        }
    }

    @Test
    void shouldNameCommandSocketAndTimeWhenNoReplyComes() throws Exception {
        server.on(Command.REGION_READ, (request, body, channel) -> {});
        try (VfioUserClient client = connect(Duration.ofSeconds(1))) {
            IOException e = assertThrows(IOException.class, () -> client.readConfig(0, 4));
            assertTrue(e.getMessage().contains("REGION_READ"), e.getMessage());
            assertTrue(e.getMessage().contains("/test.sock"), e.getMessage());
            assertTrue(e.getMessage().contains("no reply within 1 s"), e.getMessage());
        }
    }

    @Test
    void shouldFailEveryLaterCallWithTheReasonWhenOneTimedOut() throws Exception {
        server.on(Command.DEVICE_RESET, (request, body, channel) -> {});
        server.on(Command.REGION_READ, dword(1));
        try (VfioUserClient client = connect(SHORT)) {
            assertThrows(IOException.class, client::reset);
            IOException later = assertThrows(IOException.class, () -> client.readConfig(0, 4));
            assertTrue(later.getMessage().contains("REGION_READ was not sent"), later.getMessage());
            assertTrue(later.getMessage().contains("no reply"), later.getMessage());
        }
    }

    @Test
    void shouldFailWhenServerGoesAway() throws Exception {
        server.on(Command.DEVICE_RESET, (request, body, channel) -> channel.shutdown());
        try (VfioUserClient client = connect()) {
            IOException e = assertThrows(IOException.class, client::reset);
            assertTrue(e.getMessage().contains("the server closed the connection"), e.getMessage());
            assertThrows(IOException.class, client::reset);
        }
    }

    @Test
    void shouldCloseWhenReplyHasAnotherId() throws Exception {
        server.on(
                Command.DEVICE_RESET,
                (request, body, channel) -> channel.send(
                        new Header(request.id() ^ 1, request.command(), Header.BYTES, Header.TYPE_REPLY, 0)));
        assertConnectionLost("the server answered with something else");
    }

    @Test
    void shouldCloseWhenReplyIsToAnotherCommand() throws Exception {
        server.on(
                Command.DEVICE_RESET,
                (request, body, channel) -> channel.send(
                        new Header(request.id(), Command.VERSION.code(), Header.BYTES, Header.TYPE_REPLY, 0)));
        assertConnectionLost("the server answered with something else");
    }

    @Test
    void shouldCloseWhenMessageIsOfNoKnownType() throws Exception {
        server.on(
                Command.DEVICE_RESET,
                (request, body, channel) ->
                        channel.send(new Header(request.id(), request.command(), Header.BYTES, 0x7, 0)));
        assertConnectionLost("the server answered with something else");
    }

    @Test
    void shouldCloseWhenReplyClaimsAnAbsurdSize() throws Exception {
        server.on(
                Command.DEVICE_RESET,
                (request, body, channel) ->
                        channel.connection().send(hex("0300 0d00 ffffff7f 01000000 00000000"), List.of()));
        assertConnectionLost("size is not 16 to 65536");
    }

    @Test
    void shouldTimeOutWhenOnlyHalfAHeaderComes() throws Exception {
        server.on(
                Command.DEVICE_RESET,
                (request, body, channel) -> channel.connection().send(hex("0300 0d00"), List.of()));
        try (VfioUserClient client = connect(SHORT)) {
            IOException e = assertThrows(IOException.class, client::reset);
            assertTrue(e.getMessage().contains("no reply within"), e.getMessage());
        }
    }

    private static ByteBuffer hex(String bytes) {
        return ByteBuffer.wrap(HexFormat.of().parseHex(bytes.replace(" ", "")));
    }

    private void assertConnectionLost(String why) throws IOException {
        try (VfioUserClient client = connect()) {
            IOException e = assertThrows(IOException.class, client::reset);
            assertTrue(e.getMessage().contains(why), e.getMessage());
            IOException later = assertThrows(IOException.class, client::reset);
            assertTrue(later.getMessage().contains("was not sent"), later.getMessage());
        }
    }

    @Test
    void shouldCloseWhenReadReplyHasAnotherCount() throws Exception {
        server.on(
                Command.REGION_READ,
                (request, body, channel) -> channel.send(
                        request.reply(RegionAccess.BYTES + 8),
                        out -> {
                            new RegionAccess(0, 7, 8).encode(out);
                            out.putLong(0);
                        },
                        List.of()));
        try (VfioUserClient client = connect()) {
            IOException e = assertThrows(IOException.class, () -> client.readConfig(0, 4));
            assertTrue(e.getMessage().contains("answered an access of 4 bytes"), e.getMessage());
            assertThrows(IOException.class, client::reset);
        }
    }

    @Test
    void shouldCloseWhenReadReplyIsTooShort() throws Exception {
        server.on(Command.REGION_READ, ScriptedServer.replyBytes(new byte[3]));
        try (VfioUserClient client = connect()) {
            IOException e = assertThrows(IOException.class, () -> client.readConfig(0, 4));
            assertTrue(e.getMessage().contains("the reply makes no sense"), e.getMessage());
        }
    }

    @Test
    void shouldCloseDescriptorsWhenServerSendsThemUnasked() throws Exception {
        try (Fd unasked = Memfd.create("unasked", 4096)) {
            server.on(Command.DEVICE_RESET, ScriptedServer.replyBytes(new byte[0], unasked, unasked, unasked));
            try (VfioUserClient client = connect()) {
                client.reset();
                long before = descriptors();
                for (int i = 0; i < 20; i++) {
                    client.reset();
                }
                assertEquals(before, descriptors());
            }
        }
    }

    private static long descriptors() throws IOException {
        try (var entries = Files.list(Path.of("/proc/self/fd"))) {
            return entries.count();
        }
    }

    @Test
    void shouldAnswerDmaReadWithAnErrorWhenServerAsksForIt() throws Exception {
        Header dmaRead = Header.command(77, Command.DMA_READ, 16);
        server.on(Command.DEVICE_RESET, (request, body, channel) -> {
            channel.send(dmaRead, out -> out.putLong(0x1000).putLong(4), List.of());
            channel.send(request.reply(0));
        });
        try (VfioUserClient client = connect()) {
            client.reset();
            Header answer = server.next(Command.DMA_READ).header();
            assertTrue(answer.isReply() && answer.isError());
            assertEquals(77, answer.id());
            assertEquals(Errno.EOPNOTSUPP, answer.errno());
        }
    }

    @Test
    void shouldTimeOutWhenServerOnlyEverAsks() throws Exception {
        server.on(Command.DEVICE_RESET, (request, body, channel) -> askForDma(channel));
        server.on(Command.DMA_READ, (request, body, channel) -> askForDma(channel));
        try (VfioUserClient client = connect(SHORT)) {
            IOException e = assertThrows(IOException.class, client::reset);
            assertTrue(e.getMessage().contains("no reply within"), e.getMessage());
        }
    }

    private static void askForDma(MessageChannel channel) throws IOException {
        channel.send(
                Header.command(1, Command.DMA_READ, 16), out -> out.putLong(0).putLong(0), List.of());
    }

    // ---- configuration space and BARs

    @Test
    void shouldReadAndWriteEachWidthWhenAccessingConfiguration() throws Exception {
        server.on(Command.REGION_READ, (request, body, channel) -> {
            int count = body.getInt(12);
            channel.send(
                    request.reply(RegionAccess.BYTES + count),
                    out -> {
                        new RegionAccess(body.getLong(0), body.getInt(8), count).encode(out);
                        out.put(new byte[] {(byte) 0xf1, (byte) 0xf2, (byte) 0xf3, (byte) 0xf4}, 0, count);
                    },
                    List.of());
        });
        server.on(
                Command.REGION_WRITE,
                (request, body, channel) -> channel.send(
                        request.reply(RegionAccess.BYTES),
                        new RegionAccess(body.getLong(0), body.getInt(8), body.getInt(12))::encode,
                        List.of()));
        try (VfioUserClient client = connect()) {
            assertEquals(0xf1, client.readConfig(0, 1));
            assertEquals(0xf2f1, client.readConfig(0, 2));
            assertEquals(0xf4f3_f2f1, client.readConfig(0, 4));
            client.writeConfig(4, 2, 0x0406);
            ScriptedServer.Received write = server.next(Command.REGION_WRITE);
            assertEquals(
                    "0400000000000000" + "07000000" + "02000000" + "0604",
                    HexFormat.of().formatHex(write.body().array()));
        }
    }

    private static ScriptedServer.Answer barInfo(List<RegionInfo.Area> areas, Fd... fds) {
        RegionInfo full = new RegionInfo(
                RegionInfo.bytesWith(areas.size()),
                RegionInfo.READ | RegionInfo.WRITE | RegionInfo.MMAP | (areas.isEmpty() ? 0 : RegionInfo.CAPS),
                0,
                BAR_BYTES,
                0,
                areas);
        return (request, body, channel) -> {
            boolean fits = Integer.toUnsignedLong(body.getInt(0)) >= full.bytes();
            RegionInfo shown = fits ? full : new RegionInfo(full.argsz(), full.flags(), 0, BAR_BYTES, 0, List.of());
            channel.send(request.reply(shown.bytes()), shown::encode, List.of(fds));
        };
    }

    @Test
    void shouldMapAreaAndSendMessagesElsewhereWhenRegionIsSparse() throws Exception {
        try (Fd memory = Memfd.create("bar", BAR_BYTES);
                Mapping mapping = Mapping.shared(memory, 0, BAR_BYTES, 3)) {
            server.on(Command.DEVICE_GET_REGION_INFO, barInfo(List.of(new RegionInfo.Area(0x1000, 0x1000)), memory));
            server.on(Command.REGION_READ, dword(0xcafe));
            try (VfioUserClient client = connect()) {
                Bar bar = client.openBar(0);
                assertEquals(BAR_BYTES, bar.bytes());
                assertEquals(0xcafe, bar.readInt(0xffc));
                assertEquals(0, bar.mappedAddress(0xffc, 4));
                assertNotEquals(0, bar.mappedAddress(0x1000, 0x1000));
                assertEquals(0, bar.mappedAddress(0x1000, 0x1001));
                assertEquals(0, bar.mappedAddress(0x2000, 4));
                bar.writeInt(0x1008, 42);
                assertEquals(42, Memory.getInt(mapping.address() + 0x1008));
                bar.writeLong(0x1010, -2);
                assertEquals(-2, bar.readLong(0x1010));
            }
        }
    }

    @Test
    void shouldMapEachAreaFromItsOwnDescriptorWhenServerSendsOneEach() throws Exception {
        try (Fd one = Memfd.create("one", BAR_BYTES);
                Fd two = Memfd.create("two", BAR_BYTES);
                Mapping second = Mapping.shared(two, 0, BAR_BYTES, 3)) {
            List<RegionInfo.Area> areas =
                    List.of(new RegionInfo.Area(0x1000, 0x1000), new RegionInfo.Area(0x3000, 0x1000));
            server.on(Command.DEVICE_GET_REGION_INFO, barInfo(areas, one, two));
            try (VfioUserClient client = connect()) {
                client.openBar(0).writeInt(0x3000, 7);
                assertEquals(7, Memory.getInt(second.address() + 0x3000));
            }
        }
    }

    @Test
    void shouldRefuseBarWhenAreaIsOutsideOfItsRegion() throws Exception {
        assertBarRefused(new RegionInfo.Area(0x3000, 0x2000), "inside of its region");
        assertBarRefused(new RegionInfo.Area(-0x1000, 0x1000), "inside of its region");
        assertBarRefused(new RegionInfo.Area(0x1000, Long.MAX_VALUE), "inside of its region");
        assertBarRefused(new RegionInfo.Area(0x800, 0x1000), "inside of its region");
        assertBarRefused(new RegionInfo.Area(0x1000, 0), "inside of its region");
    }

    private void assertBarRefused(RegionInfo.Area area, String why) throws Exception {
        try (ScriptedServer other = new ScriptedServer();
                Fd memory = Memfd.create("bar", BAR_BYTES)) {
            other.on(Command.DEVICE_GET_REGION_INFO, barInfo(List.of(area), memory));
            try (VfioUserClient client = VfioUserClient.over("/t", other.start().clientEnd(), PATIENT)) {
                IOException e = assertThrows(IOException.class, () -> client.openBar(0));
                assertTrue(e.getMessage().contains(why), e.getMessage());
            }
        }
    }

    @Test
    void shouldRefuseBarWhenItsFileIsTooShort() throws Exception {
        try (Fd memory = Memfd.create("short", 0x1000)) {
            server.on(Command.DEVICE_GET_REGION_INFO, barInfo(List.of(new RegionInfo.Area(0x1000, 0x1000)), memory));
            try (VfioUserClient client = connect()) {
                IOException e = assertThrows(IOException.class, () -> client.openBar(0));
                assertTrue(e.getMessage().contains("mmap"), e.getMessage());
            }
        }
    }

    @Test
    void shouldRefuseAccessWhenItIsOutsideOrMisaligned() throws Exception {
        server.on(Command.DEVICE_GET_REGION_INFO, barInfo(List.of()));
        try (VfioUserClient client = connect()) {
            Bar bar = client.openBar(0);
            assertThrows(IllegalArgumentException.class, () -> bar.readInt(BAR_BYTES));
            assertThrows(IllegalArgumentException.class, () -> bar.readLong(BAR_BYTES - 4));
            assertThrows(IllegalArgumentException.class, () -> bar.readInt(2));
            assertThrows(IllegalArgumentException.class, () -> bar.writeInt(-4, 0));
        }
    }

    // ---- interrupts

    private static final ScriptedServer.Answer DONE = ScriptedServer.replyBytes(new byte[0]);

    @Test
    void shouldSplitByTheServersLimitWhenSettingManyEventfds() throws Exception {
        server.on(
                Command.VERSION,
                ScriptedServer.reply(
                        new Version(0, 1, "{\"capabilities\":{\"max_msg_fds\":2}}").bytes(),
                        new Version(0, 1, "{\"capabilities\":{\"max_msg_fds\":2}}")::encode));
        server.on(Command.DEVICE_SET_IRQS, DONE);
        try (VfioUserClient client = connect();
                EventFd event = EventFd.create()) {
            client.setInterruptTargets(InterruptKind.MSIX, 4, List.of(event, event, event));
            assertSetIrqs("14000000" + "24000000" + "02000000" + "04000000" + "02000000", 2);
            assertSetIrqs("14000000" + "24000000" + "02000000" + "06000000" + "01000000", 1);
        }
    }

    @Test
    void shouldSendNoDescriptorWhenTargetIsTakenAway() throws Exception {
        server.on(Command.DEVICE_SET_IRQS, DONE);
        try (VfioUserClient client = connect();
                EventFd event = EventFd.create()) {
            client.setInterruptTargets(InterruptKind.MSIX, 0, Arrays.asList(event, null, null));
            assertSetIrqs("14000000" + "24000000" + "02000000" + "00000000" + "01000000", 1);
            assertSetIrqs("14000000" + "24000000" + "02000000" + "01000000" + "02000000", 0);
        }
    }

    @Test
    void shouldSendVfioFlagsWhenDisablingAndUnmasking() throws Exception {
        server.on(Command.DEVICE_SET_IRQS, DONE);
        try (VfioUserClient client = connect()) {
            client.disableInterrupts(InterruptKind.MSIX);
            assertSetIrqs("14000000" + "21000000" + "02000000" + "00000000" + "00000000", 0);
            client.unmaskInterrupts(InterruptKind.INTX, 0, 1);
            assertSetIrqs("14000000" + "11000000" + "00000000" + "00000000" + "01000000", 0);
        }
    }

    private void assertSetIrqs(String hexBody, int fds) throws InterruptedException {
        ScriptedServer.Received request = server.next(Command.DEVICE_SET_IRQS);
        assertEquals(hexBody, HexFormat.of().formatHex(request.body().array()));
        assertEquals(fds, request.fds());
    }

    @Test
    void shouldRefuseWhenServerClaimsTooManyInterrupts() throws Exception {
        server.on(
                Command.DEVICE_GET_IRQ_INFO,
                ScriptedServer.reply(IrqInfo.BYTES, new IrqInfo(16, 1, 2, 0xffff_ffffL)::encode));
        try (VfioUserClient client = connect()) {
            IOException e = assertThrows(IOException.class, () -> client.interruptCount(InterruptKind.MSIX));
            assertTrue(e.getMessage().contains("4294967295 interrupts"), e.getMessage());
        }
    }

    // ---- DMA

    @Test
    void shouldSendDescriptorAndRightsWhenMappingMemory() throws Exception {
        server.on(Command.DMA_MAP, DONE).on(Command.DMA_UNMAP, DONE);
        try (VfioUserClient client = connect();
                Fd memory = Memfd.create("m", 0x4000)) {
            client.mapDma(memory, 0x1000, 0x2000, 0xffff_ffff_f000L, Translator.READ);
            ScriptedServer.Received request = server.next(Command.DMA_MAP);
            DmaMap map = DmaMap.decode(request.body());
            assertEquals(new DmaMap(32, DmaMap.READABLE, 0x1000, 0xffff_ffff_f000L, 0x2000), map);
            assertEquals(1, request.fds());
            client.unmapDma(0xffff_ffff_f000L, 0x2000);
            assertEquals(
                    "18000000" + "00000000" + "00f0ffffffff0000" + "0020000000000000",
                    HexFormat.of()
                            .formatHex(server.next(Command.DMA_UNMAP).body().array()));
        }
    }

    @Test
    void shouldUnmapWhatIsLeftWhenClosed() throws Exception {
        server.on(Command.DMA_MAP, DONE).on(Command.DMA_UNMAP, DONE);
        VfioUserClient client = connect();
        try (Fd memory = Memfd.create("m", 0x4000)) {
            client.mapDma(memory, 0, 0x1000, 0x10000, 3);
            client.mapDma(memory, 0x1000, 0x1000, 0x20000, 3);
            client.unmapDma(0x10000, 0x1000);
            server.next(Command.DMA_UNMAP);
        }
        client.close();
        client.close();
        assertEquals(0x20000, server.next(Command.DMA_UNMAP).body().getLong(8));
    }

    @Test
    void shouldFailWhenUsedAfterClose() throws Exception {
        VfioUserClient client = connect();
        client.close();
        IOException e = assertThrows(IOException.class, client::reset);
        assertTrue(e.getMessage().contains("it was closed here"), e.getMessage());
    }
}

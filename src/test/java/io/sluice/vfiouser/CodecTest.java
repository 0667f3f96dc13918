package io.sluice.vfiouser;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Errno;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Layouts against bytes written by hand from the specification's tables. */
class CodecTest {
    private interface Decoder {
        Object decode(ByteBuffer body) throws VfioUserException;
    }

    private static void assertRefused(Decoder decoder, String hex) {
        VfioUserException refusal = assertThrows(VfioUserException.class, () -> decoder.decode(Hex.bytes(hex)));
        assertEquals(Errno.EINVAL, refusal.errno(), refusal.getMessage());
    }

    @Test
    void shouldDecodeEveryFieldOfHeader() {
        Header header = Header.decode(Hex.bytes("3412 0200 30000000 10000000 00000000"));

        assertEquals(new Header(0x1234, 2, 48, Header.NO_REPLY, 0), header);
        assertTrue(header.isCommand());
        assertFalse(header.wantsReply());
        assertEquals(32, header.bodyBytes());
    }

    @Test
    void shouldDecodeErrorReply() {
        Header header = Header.decode(Hex.bytes("ffff 0300 10000000 21000000 11000000"));

        assertTrue(header.isReply());
        assertTrue(header.isError());
        assertEquals(Errno.EEXIST, header.errno());
        assertEquals(0xffff, header.id());
    }

    @Test
    void shouldTakeHeaderNumbersAsUnsigned() {
        Header header = Header.decode(Hex.bytes("ffff ffff ffffffff 00000000 00000000"));

        assertEquals(0xffff_ffffL, header.messageBytes());
        assertEquals(0xffff, header.command());
        assertEquals("command 65535", Command.describe(header.command()));
    }

    @Test
    void shouldEncodeHeadersOfCommandAndItsReplies() {
        Header command = Header.command(0x1234, Command.DMA_MAP, 32);

        assertEquals(Hex.plain("3412 0200 30000000 00000000 00000000"), Hex.encoded(16, command::encode));
        assertEquals(Hex.plain("3412 0200 10000000 01000000 00000000"), Hex.encoded(16, command.reply(0)::encode));
        assertEquals(
                Hex.plain("3412 0200 10000000 21000000 16000000"),
                Hex.encoded(16, command.errorReply(Errno.EINVAL)::encode));
        assertEquals(
                Hex.plain("0100 0a00 28000000 10000000 00000000"),
                Hex.encoded(16, Header.posted(1, Command.REGION_WRITE, 24)::encode));
    }

    @ParameterizedTest
    @CsvSource({
        "1, VERSION",
        "2, DMA_MAP",
        "3, DMA_UNMAP",
        "4, DEVICE_GET_INFO",
        "5, DEVICE_GET_REGION_INFO",
        "6, DEVICE_GET_REGION_IO_FDS",
        "7, DEVICE_GET_IRQ_INFO",
        "8, DEVICE_SET_IRQS",
        "9, REGION_READ",
        "10, REGION_WRITE",
        "11, DMA_READ",
        "12, DMA_WRITE",
        "13, DEVICE_RESET",
        "14, DIRTY_PAGES",
        "15, REGION_WRITE_MULTI",
        "16, DEVICE_FEATURE",
        "17, MIG_DATA_READ",
        "18, MIG_DATA_WRITE"
    })
    void shouldNumberCommandsAsSpecified(int code, Command command) {
        assertEquals(command, Command.ofCode(code));
        assertEquals(code, command.code());
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 19, 65535})
    void shouldKnowNoOtherCommand(int code) {
        assertNull(Command.ofCode(code));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0000 0100 7b7d00", "0000 0100 7b7d", "0000 0100 7b7d00ff7b"})
    void shouldDecodeVersionWithAndWithoutNul(String hex) throws VfioUserException {
        assertEquals(new Version(0, 1, "{}"), Version.decode(Hex.bytes(hex)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0200 0300", "0200 0300 00"})
    void shouldDecodeVersionWithoutJson(String hex) throws VfioUserException {
        assertEquals(new Version(2, 3, ""), Version.decode(Hex.bytes(hex)));
    }

    @Test
    void shouldEncodeVersionWithNulOnlyWhereJsonIs() {
        assertEquals(Hex.plain("0000 0100 7b7d00"), Hex.encoded(64, new Version(0, 1, "{}")::encode));
        assertEquals(7, new Version(0, 1, "{}").bytes());
        assertEquals(Hex.plain("0000 0000"), Hex.encoded(64, new Version(0, 0, "")::encode));
        assertEquals(4, new Version(0, 0, "").bytes());
    }

    @Test
    void shouldRefuseVersionThatIsTooShortOrTooLong() {
        assertRefused(Version::decode, "000001");
        assertRefused(Version::decode, "00000100" + "20".repeat(Version.MAX_JSON_BYTES + 1));
    }

    @Test
    void shouldDecodeAndEncodeDmaMap() throws VfioUserException {
        String hex = "20000000 03000000 0000100000000000 00f0ffffffffffff 0010000000000000";
        DmaMap map = new DmaMap(32, DmaMap.READABLE | DmaMap.WRITABLE, 0x10_0000, 0xffff_ffff_ffff_f000L, 0x1000);

        assertEquals(map, DmaMap.decode(Hex.bytes(hex)));
        assertEquals(Hex.plain(hex), Hex.encoded(32, map::encode));
        assertTrue(map.readable());
        assertTrue(map.writable());
        assertRefused(DmaMap::decode, hex.substring(2));
        assertRefused(DmaMap::decode, hex + "00");
        assertRefused(DmaMap::decode, hex.replaceFirst("20", "1f"));
    }

    @Test
    void shouldDecodeAndEncodeDmaUnmap() throws VfioUserException {
        String hex = "18000000 02000000 0000000000200000 0000200000000000";
        DmaUnmap unmap = new DmaUnmap(24, DmaUnmap.ALL, 0x2000_0000_0000L, 0x20_0000);

        assertEquals(unmap, DmaUnmap.decode(Hex.bytes(hex)));
        assertEquals(Hex.plain(hex), Hex.encoded(24, unmap::encode));
        assertTrue(unmap.isAll());
        assertRefused(DmaUnmap::decode, hex.substring(2));
        assertRefused(DmaUnmap::decode, hex + "00");
        assertRefused(DmaUnmap::decode, hex.replaceFirst("18", "17"));
    }

    @Test
    void shouldDecodeAndEncodeDeviceInfo() throws VfioUserException {
        String hex = "10000000 03000000 09000000 05000000";
        DeviceInfo info = new DeviceInfo(16, DeviceInfo.RESET | DeviceInfo.PCI, 9, 5);

        assertEquals(info, DeviceInfo.decode(Hex.bytes(hex)));
        assertEquals(Hex.plain(hex), Hex.encoded(16, info::encode));
        assertRefused(DeviceInfo::decode, hex.substring(2));
        assertRefused(DeviceInfo::decode, hex + "00");
        assertRefused(DeviceInfo::decode, hex.replaceFirst("10", "0f"));
    }

    @Test
    void shouldDecodeRegionInfoRequestOfAnyRoom() throws VfioUserException {
        String fixed = "00000000 00000000 03000000 00000000 0000000000000000 0000000000000000";

        assertEquals(RegionInfo.request(32, 3), RegionInfo.decodeRequest(Hex.bytes(fixed.replaceFirst("00", "20"))));
        // SPDK sends the whole buffer that it wants filled.
        String large = fixed.replaceFirst("0000", "e00f") + "ff".repeat(0xfe0 - 32);
        assertEquals(RegionInfo.request(0xfe0, 3), RegionInfo.decodeRequest(Hex.bytes(large)));
        assertRefused(RegionInfo::decodeRequest, fixed.replaceFirst("00", "1f"));
        assertRefused(RegionInfo::decodeRequest, fixed.replaceFirst("00", "20") + "00");
        assertRefused(RegionInfo::decodeRequest, fixed.substring(2));
    }

    private static final String SPARSE = "40000000 0f000000 00000000 20000000 0040000000000000 0000000000000000"
            + "0100 0100 00000000 01000000 00000000 0010000000000000 0010000000000000";

    @Test
    void shouldEncodeAndDecodeRegionInfoWithOneArea() throws VfioUserException {
        RegionInfo info = new RegionInfo(
                64,
                RegionInfo.READ | RegionInfo.WRITE | RegionInfo.MMAP | RegionInfo.CAPS,
                0,
                0x4000,
                0,
                List.of(new RegionInfo.Area(0x1000, 0x1000)));

        assertEquals(Hex.plain(SPARSE), Hex.encoded(64, info::encode));
        assertEquals(64, info.bytes());
        assertEquals(info, RegionInfo.decodeReply(Hex.bytes(SPARSE)));
    }

    @Test
    void shouldEncodeRegionInfoWithoutCapabilities() throws VfioUserException {
        String hex = "20000000 03000000 07000000 00000000 0010000000000000 0000000000000000";
        RegionInfo info = new RegionInfo(32, RegionInfo.READ | RegionInfo.WRITE, 7, 0x1000, 0, List.of());

        assertEquals(Hex.plain(hex), Hex.encoded(64, info::encode));
        assertEquals(info, RegionInfo.decodeReply(Hex.bytes(hex)));
    }

    @Test
    void shouldDecodeCutOffRegionInfoAsOneWithoutAreas() throws VfioUserException {
        RegionInfo info = RegionInfo.decodeReply(Hex.bytes(Hex.plain(SPARSE).substring(0, 64)));

        assertEquals(64, info.argsz());
        assertEquals(List.of(), info.areas());
    }

    @ParameterizedTest
    @CsvSource({
        // The first capability inside the fixed part, past the end, and one that is its own successor.
        "'00000000 20000000', '00000000 18000000'",
        "'00000000 20000000', '00000000 40000000'",
        "'00000000 20000000', '00000000 ffffffff'",
        "'0100 0100 00000000', '0100 0100 20000000'",
        // More areas than there is room for.
        "'00000000 01000000 00000000', '00000000 02000000 00000000'",
        "'00000000 01000000 00000000', '00000000 ffffffff 00000000'"
    })
    void shouldRefuseRegionInfoWhoseCapabilitiesAreNonsense(String good, String bad) {
        assertTrue(SPARSE.contains(good), good);
        assertRefused(RegionInfo::decodeReply, SPARSE.replace(good, bad));
    }

    @Test
    void shouldDecodeAndEncodeRegionIoFds() throws VfioUserException {
        String hex = "10000000 00000000 02000000 00000000";
        RegionIoFds fds = new RegionIoFds(16, 0, 2, 0);

        assertEquals(fds, RegionIoFds.decode(Hex.bytes(hex)));
        assertEquals(Hex.plain(hex), Hex.encoded(16, fds::encode));
        assertRefused(RegionIoFds::decode, hex.substring(2));
        assertRefused(RegionIoFds::decode, hex + "00");
    }

    @Test
    void shouldDecodeAndEncodeIrqInfo() throws VfioUserException {
        String hex = "10000000 07000000 02000000 41000000";
        IrqInfo info = new IrqInfo(16, IrqInfo.EVENTFD | IrqInfo.MASKABLE | IrqInfo.AUTOMASKED, 2, 65);

        assertEquals(info, IrqInfo.decode(Hex.bytes(hex)));
        assertEquals(Hex.plain(hex), Hex.encoded(16, info::encode));
        assertRefused(IrqInfo::decode, hex.substring(2));
        assertRefused(IrqInfo::decode, hex + "00");
    }

    @Test
    void shouldDecodeAndEncodeIrqSet() throws VfioUserException {
        String hex = "14000000 24000000 02000000 01000000 03000000";
        IrqSet set = IrqSet.decode(Hex.bytes(hex));

        assertEquals(IrqSet.DATA_EVENTFD, set.data());
        assertEquals(IrqSet.ACTION_TRIGGER, set.action());
        assertEquals(0, set.unknownFlags());
        assertEquals(2, set.index());
        assertEquals(1, set.start());
        assertEquals(3, set.count());
        assertEquals(
                Hex.plain(hex),
                Hex.encoded(20, IrqSet.of(IrqSet.DATA_EVENTFD | IrqSet.ACTION_TRIGGER, 2, 1, 3)::encode));
        assertRefused(IrqSet::decode, hex.substring(2));
        assertRefused(IrqSet::decode, hex + "00");
        assertRefused(IrqSet::decode, hex.replaceFirst("14", "15"));
    }

    @Test
    void shouldDecodeIrqSetWithBooleans() throws VfioUserException {
        String hex = "17000000 0a000000 02000000 00000000 03000000 010001";
        IrqSet set = IrqSet.decode(Hex.bytes(hex));

        assertEquals(IrqSet.DATA_BOOL, set.data());
        assertEquals(IrqSet.ACTION_MASK, set.action());
        assertArrayEquals(new byte[] {1, 0, 1}, set.booleans());
        assertEquals(Hex.plain(hex), Hex.encoded(23, set::encode));
        assertRefused(IrqSet::decode, hex + "01");
        assertRefused(IrqSet::decode, hex.substring(0, hex.length() - 2));
        // A count that an int cannot hold must not become a small or negative one.
        assertRefused(IrqSet::decode, "17000000 0a000000 02000000 00000000 ffffffff 010001");
    }

    @Test
    void shouldReportUnknownIrqSetFlags() throws VfioUserException {
        assertEquals(
                0x40,
                IrqSet.decode(Hex.bytes("14000000 61000000 00000000 00000000 00000000"))
                        .unknownFlags());
    }

    @Test
    void shouldDecodeAndEncodeRegionAccesses() throws VfioUserException {
        String hex = "0810000000000000 00000000 04000000";
        RegionAccess access = new RegionAccess(0x1008, 0, 4);

        assertEquals(access, RegionAccess.decodeRead(Hex.bytes(hex)));
        assertEquals(access, RegionAccess.decodeWriteReply(Hex.bytes(hex)));
        assertEquals(Hex.plain(hex), Hex.encoded(16, access::encode));
        ByteBuffer write = Hex.bytes(hex + "aabbccdd");
        assertEquals(access, RegionAccess.decodeWithData(write, "REGION_WRITE"));
        assertEquals("aabbccdd", Hex.of(write));
        assertRefused(RegionAccess::decodeRead, hex.substring(2));
        assertRefused(RegionAccess::decodeRead, hex + "00");
        assertRefused(body -> RegionAccess.decodeWithData(body, "REGION_WRITE"), hex + "aabbcc");
        assertRefused(body -> RegionAccess.decodeWithData(body, "REGION_WRITE"), hex + "aabbccddee");
        assertRefused(body -> RegionAccess.decodeWithData(body, "REGION_WRITE"), hex.substring(2));
        assertRefused(
                body -> RegionAccess.decodeWithData(body, "REGION_WRITE"),
                "0000000000000000 00000000 ffffffff aabbccdd");
    }

    @Test
    void shouldDecodeAndEncodeMultipleWrites() throws VfioUserException {
        String first = "0010000000000000 00000000 04000000 0100000000000000";
        String second = "0410000000000000 01000000 08000000 0807060504030201";
        String hex = "0200000000000000" + first + second;
        RegionWrites writes = RegionWrites.decode(Hex.bytes(hex));

        assertEquals(2, writes.writes().size());
        assertEquals(new RegionAccess(0x1000, 0, 4), writes.writes().getFirst().access());
        assertEquals(new RegionAccess(0x1004, 1, 8), writes.writes().getLast().access());
        assertArrayEquals(
                new byte[] {8, 7, 6, 5, 4, 3, 2, 1}, writes.writes().getLast().data());
        assertEquals(56, writes.bytes());
        assertEquals(Hex.plain(hex), Hex.encoded(56, writes::encode));
        assertRefused(RegionWrites::decode, hex.substring(0, hex.length() - 2));
        assertRefused(RegionWrites::decode, hex + "00");
        assertRefused(RegionWrites::decode, "0300000000000000" + first + second);
        assertRefused(RegionWrites::decode, "0200000000000080" + first + second);
        assertRefused(RegionWrites::decode, "abababababababab");
        assertRefused(RegionWrites::decode, "ab");
    }
}

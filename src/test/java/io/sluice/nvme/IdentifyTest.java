package io.sluice.nvme;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IdentifyTest {
    private final Scratch scratch = Scratch.of(4096);
    private final long page = scratch.address();

    @Test
    void shouldBuildTheBytesOfAController() {
        IdentifyController.VID.set(page, 0x1b36);
        IdentifyController.SN.set(page, "SLUICE1");
        IdentifyController.MDTS.set(page, 5);
        IdentifyController.VER.set(page, Vs.NVME_1_4);
        IdentifyController.SQES.set(page, IdentifyController.SQES_64);
        IdentifyController.CQES.set(page, IdentifyController.CQES_16);
        IdentifyController.ONCS.set(
                page, IdentifyController.ONCS_DATASET_MANAGEMENT | IdentifyController.ONCS_WRITE_ZEROES);
        IdentifyController.VWC.set(page, IdentifyController.VWC_PRESENT | IdentifyController.VWC_FLUSH_ALL_SUPPORTED);
        IdentifyController.SUBNQN.set(page, "nqn.2026-01.io.sluice:1");
        assertEquals("361b0000" + "534c5549434531" + "20".repeat(13), scratch.hex(0, 24));
        assertEquals("05", scratch.hex(77, 1));
        assertEquals("00040100", scratch.hex(80, 4));
        assertEquals("6644", scratch.hex(512, 2));
        assertEquals("0c00", scratch.hex(520, 2));
        assertEquals("07", scratch.hex(525, 1));
        assertEquals("6e716e2e", scratch.hex(768, 4));
    }

    @ParameterizedTest
    @CsvSource({"0, 9223372036854775807", "1, 8192", "5, 131072", "50, 4611686018427387904", "51, 9223372036854775807"})
    void shouldDecodeTheLongestTransfer(int mdts, long bytes) {
        IdentifyController.MDTS.set(page, mdts);
        assertEquals(bytes, IdentifyController.maxTransferBytes(page, 4096));
    }

    @Test
    void shouldPlacePowerStates() {
        PowerState.MP.set(IdentifyController.powerState(page, 0), 2500);
        PowerState.FLAGS.set(IdentifyController.powerState(page, 31), PowerState.FLAGS_NON_OPERATIONAL);
        assertEquals("c409", scratch.hex(2048, 2));
        assertEquals("02", scratch.hex(2048 + 31 * 32 + 3, 1));
        assertEquals(3072, IdentifyController.VENDOR_OFFSET);
        assertThrows(IllegalArgumentException.class, () -> IdentifyController.powerState(page, 32));
        assertThrows(IllegalArgumentException.class, () -> IdentifyController.powerState(page, -1));
    }

    @Test
    void shouldBuildTheBytesOfANamespace() {
        IdentifyNamespace.NSZE.set(page, 0x10_0000);
        IdentifyNamespace.NLBAF.set(page, 1);
        IdentifyNamespace.FLBAS.set(page, 1);
        IdentifyNamespace.setLbaFormat(page, 0, LbaFormat.ofBlockBytes(512));
        IdentifyNamespace.setLbaFormat(page, 1, LbaFormat.ofBlockBytes(4096));
        IdentifyNamespace.setLbaFormat(page, 15, new LbaFormat(8, 12, 3));
        IdentifyNamespace.NGUID.set(page, HexFormat.of().parseHex("00112233445566778899aabbccddeeff"));
        assertEquals("0000100000000000", scratch.hex(0, 8));
        assertEquals("00112233445566778899aabbccddeeff", scratch.hex(104, 16));
        assertEquals("00000900" + "00000c00", scratch.hex(128, 8));
        assertEquals("08000c03" + "00000000", scratch.hex(188, 8));
        assertEquals(4096, IdentifyNamespace.currentLbaFormat(page).blockBytes());
        assertEquals(new LbaFormat(8, 12, 3), IdentifyNamespace.lbaFormat(page, 15));
        assertThrows(IllegalArgumentException.class, () -> IdentifyNamespace.lbaFormat(page, 16));
    }

    @Test
    void shouldDecodeFormatBits() {
        IdentifyNamespace.FLBAS.set(page, 0x1f);
        assertEquals(15, IdentifyNamespace.currentLbaFormatIndex(page));
        assertTrue(IdentifyNamespace.isMetadataExtended(page));
        IdentifyNamespace.FLBAS.set(page, 0xe0);
        assertEquals(0, IdentifyNamespace.currentLbaFormatIndex(page));
        assertFalse(IdentifyNamespace.isMetadataExtended(page));
        IdentifyNamespace.DPS.set(page, 0xfb);
        assertEquals(3, IdentifyNamespace.protectionType(page));
    }

    @Test
    void shouldSeeEachBitOfAnLbaFormatInItsFieldAlone() {
        for (int bit = 0; bit < 32; bit++) {
            LbaFormat format = LbaFormat.decode(1 << bit);
            assertEquals(bit < 16 ? 1 << bit : 0, format.metadataBytes());
            assertEquals(bit >= 16 && bit < 24 ? 1 << (bit - 16) : 0, format.lbads());
            assertEquals(bit >= 24 && bit < 26 ? 1 << (bit - 24) : 0, format.relativePerformance());
            assertEquals(bit < 26 ? 1 << bit : 0, format.encode());
        }
    }

    @Test
    void shouldNotGiveABlockSizeWhenTheFormatHasNone() {
        assertFalse(LbaFormat.decode(0).isValid());
        assertFalse(new LbaFormat(0, 31, 0).isValid());
        assertFalse(new LbaFormat(0, 255, 0).isValid());
        assertThrows(IllegalStateException.class, () -> new LbaFormat(0, 8, 0).blockBytes());
        assertThrows(IllegalArgumentException.class, () -> LbaFormat.ofBlockBytes(256));
        assertThrows(IllegalArgumentException.class, () -> LbaFormat.ofBlockBytes(520));
        assertThrows(IllegalArgumentException.class, () -> LbaFormat.ofBlockBytes(0));
        assertEquals(1 << 30, new LbaFormat(0, 30, 0).blockBytes());
    }

    @Test
    void shouldListNamespaces() {
        assertEquals(0, NamespaceList.count(page));
        NamespaceList.setNsid(page, 0, 1);
        NamespaceList.setNsid(page, 1, 0xfedc_ba98);
        assertEquals("01000000" + "98badcfe" + "00000000", scratch.hex(0, 12));
        assertEquals(2, NamespaceList.count(page));
        assertEquals(0xfedc_ba98, NamespaceList.nsid(page, 1));
        scratch.fill(1);
        assertEquals(1024, NamespaceList.count(page));
        assertThrows(IllegalArgumentException.class, () -> NamespaceList.nsid(page, 1024));
        assertEquals(4096, NamespaceList.BYTES);
    }

    @Test
    void shouldBuildAndReadDescriptors() {
        byte[] eui64 = HexFormat.of().parseHex("0011223344556677");
        byte[] uuid = HexFormat.of().parseHex("000102030405060708090a0b0c0d0e0f");
        NamespaceDescriptors.add(page, NamespaceDescriptors.TYPE_EUI64, eui64);
        NamespaceDescriptors.add(page, NamespaceDescriptors.TYPE_UUID, uuid);
        assertEquals(
                "01080000" + "0011223344556677" + "03100000" + "000102030405060708090a0b0c0d0e0f" + "0000",
                scratch.hex(0, 34));
        assertArrayEquals(eui64, NamespaceDescriptors.find(page, NamespaceDescriptors.TYPE_EUI64));
        assertArrayEquals(uuid, NamespaceDescriptors.find(page, NamespaceDescriptors.TYPE_UUID));
        assertNull(NamespaceDescriptors.find(page, NamespaceDescriptors.TYPE_NGUID));
        assertThrows(IllegalArgumentException.class, () -> NamespaceDescriptors.add(page, 1, new byte[0]));
        assertThrows(IllegalArgumentException.class, () -> NamespaceDescriptors.add(page, 1, new byte[256]));
    }

    @Test
    void shouldStayInThePageWhenDescriptorsAreBroken() {
        scratch.fill(0xff); // each descriptor 259 bytes: the last one would run over
        assertNull(NamespaceDescriptors.find(page, 1));
        for (int i = 0; i < 4096; i += 2) {
            Memory.putShort(page + i, (short) 0x0202); // two bytes each: a new one every six
        }
        assertNull(NamespaceDescriptors.find(page, 1));
        assertThrows(IllegalArgumentException.class, () -> NamespaceDescriptors.add(page, 1, new byte[16]));
    }
}

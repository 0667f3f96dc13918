package io.sluice.pci;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

/** Reading other people's configuration spaces, broken ones among them. */
class CapabilitiesTest {
    private final ByteBuffer space = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
    private int reads;

    private int read(int offset, int bytes) {
        reads++;
        return switch (bytes) {
            case 1 -> Byte.toUnsignedInt(space.get(offset));
            case 2 -> Short.toUnsignedInt(space.getShort(offset));
            default -> space.getInt(offset);
        };
    }

    private void capability(int at, int id, int next) {
        space.put(at, (byte) id).put(at + 1, (byte) next);
    }

    private void firstCapability(int at) {
        space.putShort(6, (short) 0x10).put(0x34, (byte) at);
    }

    @Test
    void shouldFollowTheList() {
        firstCapability(0x80);
        capability(0x80, 0x05, 0x43); // low bits are reserved and to be masked
        capability(0x40, 0x11, 0xfc);
        capability(0xfc, 0x09, 0);
        assertEquals(0x80, Capabilities.find(this::read, CapabilityId.MSI));
        assertEquals(0x40, Capabilities.find(this::read, CapabilityId.MSIX));
        assertEquals(0xfc, Capabilities.find(this::read, 9));
        assertEquals(-1, Capabilities.find(this::read, CapabilityId.PCI_EXPRESS));
    }

    @Test
    void shouldFindNothingWhenStatusSaysThatThereIsNoList() {
        firstCapability(0x40);
        capability(0x40, 0x11, 0);
        space.putShort(6, (short) 0);
        assertEquals(-1, Capabilities.find(this::read, CapabilityId.MSIX));
        assertNull(MsixCapability.of(this::read));
    }

    @Test
    void shouldEndWhenTheListLoopsOrLeavesItsPlace() {
        firstCapability(0x40);
        capability(0x40, 0x01, 0x50);
        capability(0x50, 0x05, 0x40);
        assertEquals(-1, Capabilities.find(this::read, CapabilityId.MSIX));
        assertTrue(reads <= 2 * 48 + 2, reads + " reads");
        capability(0x50, 0x05, 0x10); // into the header
        assertEquals(-1, Capabilities.find(this::read, CapabilityId.MSIX));
    }

    @Test
    void shouldEndWhenTheDeviceIsGone() {
        ConfigReader gone = (offset, bytes) -> bytes == 4 ? -1 : (1 << (bytes * 8)) - 1;
        assertEquals(-1, Capabilities.find(gone, CapabilityId.MSIX));
        assertEquals(-1, Capabilities.findExtended(gone, 1));
        assertEquals(PciHeader.NO_VENDOR, PciHeader.vendorId(gone));
    }

    @Test
    void shouldFollowExtendedCapabilities() {
        space.putInt(0x100, 0x1501_0001);
        space.putInt(0x150, 0x1001_0003); // loops
        assertEquals(0x100, Capabilities.findExtended(this::read, 1));
        assertEquals(0x150, Capabilities.findExtended(this::read, 3));
        reads = 0;
        assertEquals(-1, Capabilities.findExtended(this::read, 0x23));
        assertTrue(reads <= 960, reads + " reads");
    }

    @Test
    void shouldDecodeMsix() {
        firstCapability(0x50);
        capability(0x50, 0x11, 0);
        space.putShort(0x52, (short) 0xc7ff).putInt(0x54, 0xffff_fffd).putInt(0x58, 0x0000_3002);
        assertEquals(
                new MsixCapability(0x50, 2048, true, true, 5, 0xffff_fff8L, 2, 0x3000), MsixCapability.of(this::read));
        assertEquals(12, MsixCapability.BYTES);
    }

    @Test
    void shouldSeeEachBitOfMsixInItsFieldAlone() {
        firstCapability(0x50);
        for (int bit = 0; bit < 80; bit++) {
            space.position(0x50).put(new byte[12]);
            capability(0x50, 0x11, 0);
            int at = 0x52 + bit / 8;
            space.put(at, (byte) (1 << (bit % 8)));
            MsixCapability found = MsixCapability.of(this::read);
            assertEquals(walked(bit, 0, 10), found.vectors() - 1L);
            assertEquals(bit == 14, found.functionMasked());
            assertEquals(bit == 15, found.enabled());
            assertEquals(walked(bit, 16, 18), found.tableBar());
            assertEquals(walked(bit, 19, 47) * 8, found.tableOffset());
            assertEquals(walked(bit, 48, 50), found.pbaBar());
            assertEquals(walked(bit, 51, 79) * 8, found.pbaOffset());
        }
    }

    private static long walked(int bit, int low, int high) {
        return bit >= low && bit <= high ? 1L << (bit - low) : 0;
    }

    @Test
    void shouldReadBarsOfOtherDevices() {
        space.putInt(0x10, 0xfebd_0004)
                .putInt(0x14, 0x7f)
                .putInt(0x18, 0xfea0_0008)
                .putInt(0x24, 0x0000_0004);
        assertEquals(0x7f_febd_0000L, PciHeader.barAddress(this::read, 0));
        assertEquals(0xfea0_0000L, PciHeader.barAddress(this::read, 2), "32 bits");
        assertEquals(0, PciHeader.barAddress(this::read, 5), "a 64-bit BAR that has no upper half");
    }
}

package io.sluice.pci;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigSpaceTest {
    private static final int PM = 0x40;
    private static final int MSIX = 0x48;
    private static final int EXPRESS = 0x54;
    private static final int PMCSR = PM + 4;
    private static final int MSIX_CONTROL = MSIX + 2;
    private static final int DEVICE_CONTROL = EXPRESS + 8;

    private final ConfigSpace config = nvme();

    static ConfigSpace nvme() {
        return ConfigSpace.builder()
                .identity(0x1b36, 0x0010, 2)
                .subsystem(0x1af4, 0x1100)
                .classCode(PciHeader.CLASS_NVM_EXPRESS)
                .interruptPin(1)
                .memoryBar64(0, 0x4000, false)
                .memoryBar64(4, 0x2000, true)
                .powerManagement()
                .msix(65, 4, 0, 4, 0x1000)
                .pciExpress()
                .build();
    }

    private String hex(int offset, int bytes) {
        byte[] copy = new byte[bytes];
        config.read(offset, copy, 0, bytes);
        return HexFormat.of().formatHex(copy);
    }

    @Test
    void shouldShowTheHeaderByteForByte() {
        assertEquals(
                "361b1000" + "00001000" + "02020801" + "00000000" // identity, status: capability list, class
                        + "0400000000000000" // BAR0: 64 bits
                        + "0000000000000000" // BAR2
                        + "0c00000000000000" // BAR4: 64 bits, prefetchable
                        + "00000000" + "f41a0011" + "00000000" + "40000000" + "00000000" + "00010000",
                hex(0, 64));
    }

    @Test
    void shouldLinkTheCapabilitiesInOrder() {
        assertEquals("0148" + "0300" + "0800" + "0000", hex(PM, 8));
        assertEquals("1154" + "4000" + "04000000" + "04100000", hex(MSIX, 12));
        assertEquals(
                "1000" + "0200" + "e18f0010" + "1028" + "0000" + "43004000" + "0000" + "4310" + "00".repeat(16)
                        + "1f000000" + "0000" + "0000" + "0e000000" + "0300" + "0000" + "00".repeat(8),
                hex(EXPRESS, 0x3c));
    }

    @Test
    void shouldBeEmptyBehindTheCapabilities() {
        assertEquals("00".repeat(ConfigSpace.BYTES - EXPRESS - 0x3c), hex(EXPRESS + 0x3c, 4096 - EXPRESS - 0x3c));
    }

    @Test
    void shouldFindItsOwnCapabilitiesThroughTheReader() {
        assertEquals(PM, Capabilities.find(config, CapabilityId.POWER_MANAGEMENT));
        assertEquals(MSIX, Capabilities.find(config, CapabilityId.MSIX));
        assertEquals(EXPRESS, Capabilities.find(config, CapabilityId.PCI_EXPRESS));
        assertEquals(-1, Capabilities.find(config, CapabilityId.MSI));
        assertEquals(-1, Capabilities.findExtended(config, 1));
        assertEquals(new MsixCapability(MSIX, 65, false, false, 4, 0, 4, 0x1000), MsixCapability.of(config));
        assertEquals(PciHeader.CLASS_NVM_EXPRESS, PciHeader.classCode(config));
        assertEquals(0x1b36, PciHeader.vendorId(config));
        assertEquals(0x0010, PciHeader.deviceId(config));
        assertEquals(2, PciHeader.revision(config));
        assertEquals(0x1af4, PciHeader.subsystemVendorId(config));
        assertEquals(0x1100, PciHeader.subsystemId(config));
        assertEquals(1, PciHeader.interruptPin(config));
        assertEquals(0, PciHeader.headerType(config));
    }

    @Test
    void shouldTellABarsSizeWhenAllOnesAreWritten() {
        assertEquals(0, config.write(0x10, 4, 0xffff_ffffL));
        assertEquals(0xffff_c004, config.read(0x10, 4));
        config.write(0x14, 4, 0xffff_ffffL);
        assertEquals(0xffff_ffff, config.read(0x14, 4));
        config.write(0x18, 4, 0xffff_ffffL);
        assertEquals(0, config.read(0x18, 4), "BAR2 is not there");
        config.write(0x20, 8, -1L);
        assertEquals("0ce0ffffffffffff", hex(0x20, 8));
        config.write(0x30, 4, -1L);
        assertEquals(0, config.read(0x30, 4), "no expansion ROM");
    }

    @Test
    void shouldHoldABarsAddress() {
        config.write(0x10, 4, 0x8765_4321L);
        config.write(0x14, 4, 0x12L);
        assertEquals(0x12_8765_4000L, config.barAddress(0));
        assertEquals(0x4000, config.barBytes(0));
        assertEquals(0, config.barBytes(1));
        assertEquals(0, config.barAddress(2));
        assertEquals(0x2000, config.barBytes(4));
        assertTrue(PciHeader.isBar64(config, 0));
        assertFalse(PciHeader.isBar64(config, 2));
    }

    @Test
    void shouldSizeABarOfMoreThanFourGigabytes() {
        ConfigSpace large = ConfigSpace.builder().memoryBar64(2, 1L << 34, true).build();
        large.write(0x18, 8, -1L);
        assertEquals(0x0000_000c, large.read(0x18, 4));
        assertEquals(0xffff_fffc, large.read(0x1c, 4));
        assertEquals(-(1L << 34), large.barAddress(2));
    }

    @Test
    void shouldTakeOnlyTheCommandBitsThatItHas() {
        assertEquals(ConfigSpace.COMMAND_CHANGED, config.write(4, 2, 0xffff));
        assertEquals(0x0546, config.read(4, 2));
        assertTrue(config.memoryEnabled());
        assertTrue(config.busMasterEnabled());
        assertTrue(config.intxDisabled());
        assertEquals(0, config.write(4, 2, 0xffff), "nothing changed");
        assertEquals(ConfigSpace.COMMAND_CHANGED, config.write(4, 2, 2));
        assertTrue(config.memoryEnabled());
        assertFalse(config.busMasterEnabled());
        assertFalse(config.intxDisabled());
        assertEquals(ConfigSpace.COMMAND_CHANGED, config.write(5, 1, 4), "the upper byte alone");
        assertTrue(config.intxDisabled());
    }

    @Test
    void shouldShowAPendingInterruptInStatusOnly() {
        config.setInterruptStatus(true);
        assertEquals(0x0018, config.read(6, 2));
        config.write(6, 2, 0xffff);
        assertEquals(0x0018, config.read(6, 2), "read-only to software");
        config.setInterruptStatus(false);
        assertEquals(0x0010, config.read(6, 2));
    }

    @Test
    void shouldReportMsixChanges() {
        assertFalse(config.msixEnabled());
        assertEquals(ConfigSpace.MSIX_CHANGED, config.write(MSIX_CONTROL, 2, 0xffff));
        assertEquals(0xc040, config.read(MSIX_CONTROL, 2), "the table's size is read-only");
        assertTrue(config.msixEnabled());
        assertTrue(config.msixFunctionMasked());
        assertEquals(ConfigSpace.MSIX_CHANGED, config.write(MSIX_CONTROL, 2, 0x8000));
        assertFalse(config.msixFunctionMasked());
        assertEquals(0, config.write(MSIX_CONTROL, 2, 0x8007));
        config.write(MSIX + 4, 8, -1L);
        assertEquals("0400000004100000", hex(MSIX + 4, 8));
    }

    @ParameterizedTest
    @CsvSource({"0, 3, 3", "0, 1, 0", "0, 2, 0", "3, 1, 3", "3, 2, 3", "3, 0, 0"})
    void shouldGoOnlyToPowerStatesThatItHas(int from, int written, int reached) {
        config.write(PMCSR, 2, from);
        int effects = config.write(PMCSR, 2, written);
        assertEquals(reached, config.powerState());
        assertEquals(reached | PowerManagement.PMCSR_NO_SOFT_RESET, config.read(PMCSR, 2));
        assertEquals(from == reached ? 0 : ConfigSpace.POWER_STATE_CHANGED, effects);
    }

    @ParameterizedTest
    @CsvSource({"0, 2, a810", "1, 1, a8", "0, 4, 0000a810"})
    void shouldAskForAFunctionLevelResetWhenTheBitIsWritten(int at, int bytes, String hex) {
        long value = Long.parseLong(hex, 16);
        assertEquals(ConfigSpace.FUNCTION_LEVEL_RESET, config.write(DEVICE_CONTROL + at, bytes, value));
        assertEquals(0x2810, config.read(DEVICE_CONTROL, 2), "Initiate FLR reads as 0");
    }

    @Test
    void shouldNotResetWhenAnotherByteIsWritten() {
        assertEquals(0, config.write(DEVICE_CONTROL, 1, 0xff));
        assertEquals(0, config.write(DEVICE_CONTROL + 1, 1, 0x7f));
        assertEquals(0x79ff, config.read(DEVICE_CONTROL, 2));
        assertEquals(0, config.write(DEVICE_CONTROL + 2, 2, 0xffff));
        assertEquals(0, config.read(DEVICE_CONTROL + 2, 2), "no error to clear");
        assertEquals(0, ConfigSpace.builder().build().write(DEVICE_CONTROL, 2, 0x8000), "no such capability");
    }

    @Test
    void shouldReportEveryEffectWhenOneWriteSpansManyRegisters() {
        byte[] ones = new byte[ConfigSpace.BYTES];
        Arrays.fill(ones, (byte) 0xff);
        int all = ConfigSpace.COMMAND_CHANGED
                | ConfigSpace.MSIX_CHANGED
                | ConfigSpace.POWER_STATE_CHANGED
                | ConfigSpace.FUNCTION_LEVEL_RESET;
        assertEquals(all, config.write(0, ones, 0, ones.length));
        assertEquals(0x0010_1b36, config.read(0, 4));
        config.reset();
        assertEquals(hexOf(nvme()), hexOf(config));
        assertEquals(PowerManagement.D0, config.powerState());
        assertFalse(config.msixEnabled());
    }

    private static String hexOf(ConfigSpace space) {
        byte[] copy = new byte[ConfigSpace.BYTES];
        space.read(0, copy, 0, copy.length);
        return HexFormat.of().formatHex(copy);
    }

    @Test
    void shouldBehaveTheSameWhateverTheWidthOfAnAccess() {
        long seed = System.nanoTime();
        System.out.println("ConfigSpaceTest widths, seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 500; round++) {
            int bytes = 1 + random.nextInt(300);
            int offset = random.nextInt(0x110);
            byte[] data = new byte[bytes];
            random.nextBytes(data);
            byte[] before = new byte[ConfigSpace.BYTES];
            config.read(0, before, 0, before.length);
            ConfigSpace bytewise = nvme();
            bytewise.write(0, before, 0, before.length);
            config.write(offset, data, 0, bytes);
            for (int i = 0; i < bytes; i++) {
                bytewise.write(offset + i, 1, data[i]);
            }
            assertEquals(hexOf(bytewise), hexOf(config));
        }
    }

    @Test
    void shouldLetOneBitWalkThroughEveryRegister() {
        for (int offset = 0; offset < 0x100; offset++) {
            for (int bit = 0; bit < 8; bit++) {
                ConfigSpace fresh = nvme();
                int before = fresh.read(offset, 1);
                fresh.write(offset, 1, before ^ (1 << bit));
                int changed = fresh.read(offset, 1) ^ before;
                assertTrue(changed == 0 || changed == 1 << bit, "bit " + bit + " of " + Integer.toHexString(offset));
                assertEquals(
                        isWritable(offset, bit), changed != 0, "bit " + bit + " of " + Integer.toHexString(offset));
            }
        }
    }

    /** Written from the specifications' tables: every bit that software can change, one at a time, from reset. */
    private static boolean isWritable(int offset, int bit) {
        int mask = switch (offset) {
            case 0x04 -> 0x46;
            case 0x05 -> 0x05;
            case 0x0c, 0x3c -> 0xff;
            case 0x11 -> 0xc0;
            case 0x12, 0x13, 0x14, 0x15, 0x16, 0x17 -> 0xff;
            case 0x21 -> 0xe0;
            case 0x22, 0x23, 0x24, 0x25, 0x26, 0x27 -> 0xff;
            case MSIX_CONTROL + 1 -> 0xc0;
            case DEVICE_CONTROL -> 0xff;
            case DEVICE_CONTROL + 1 -> 0x79;
            case EXPRESS + 0x10 -> 0xcb;
            case EXPRESS + 0x28 -> 0x1f;
            case EXPRESS + 0x30 -> 0x0f;
            default -> 0; // PMCSR too: one bit alone would be D1 or D2
        };
        return (mask & (1 << bit)) != 0;
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 4093, 4096, Integer.MAX_VALUE, Integer.MIN_VALUE})
    void shouldRefuseWhenAnAccessLeavesTheSpace(int offset) {
        assertThrows(IllegalArgumentException.class, () -> config.read(offset, 4));
        assertThrows(IllegalArgumentException.class, () -> config.write(offset, 4, 0));
        assertThrows(IllegalArgumentException.class, () -> config.read(offset, new byte[4], 0, 4));
        assertThrows(IllegalArgumentException.class, () -> config.read(0, new byte[4], 0, -1));
        assertThrows(IllegalArgumentException.class, () -> config.read(0, 5));
        assertThrows(IllegalArgumentException.class, () -> config.write(0, 9, 0));
        assertThrows(IllegalArgumentException.class, () -> config.write(0, 0, 0));
    }

    @Test
    void shouldRefuseDescriptionsThatCannotBe() {
        ConfigSpaceBuilder builder = ConfigSpace.builder();
        assertThrows(IllegalArgumentException.class, () -> builder.memoryBar64(5, 4096, false));
        assertThrows(IllegalArgumentException.class, () -> builder.memoryBar64(0, 4097, false));
        assertThrows(IllegalArgumentException.class, () -> builder.memoryBar64(0, 8, false));
        assertThrows(IllegalArgumentException.class, () -> builder.msix(2049, 4, 0, 4, 0));
        assertThrows(IllegalArgumentException.class, () -> builder.msix(0, 4, 0, 4, 0));
        assertThrows(IllegalArgumentException.class, () -> builder.msix(1, 4, 4, 4, 0));
        assertThrows(IllegalArgumentException.class, () -> builder.msix(1, 6, 0, 4, 0));
        assertThrows(IllegalArgumentException.class, () -> builder.identity(0x1_0000, 0, 0));
        builder.pciExpress().pciExpress().pciExpress();
        assertThrows(IllegalStateException.class, builder::pciExpress);
    }
}

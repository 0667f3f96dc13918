package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.device.AccessRefused;
import io.sluice.device.Region;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.Cns;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Registers;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.pci.CapabilityId;
import io.sluice.pci.PciExpress;
import io.sluice.pci.PciHeader;
import io.sluice.pci.PowerManagement;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The controller as a PCI function: configuration space, BARs, power, function level reset. */
class PciSideTest {
    private ControllerRig rig;

    @BeforeEach
    void open() throws Exception {
        rig = new ControllerRig();
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private int capability(int id) throws Exception {
        int at = rig.readConfig(PciHeader.CAPABILITIES_POINTER, 1);
        for (int i = 0; i < 48 && at != 0; i++) {
            if (rig.readConfig(at, 1) == id) {
                return at;
            }
            at = rig.readConfig(at + 1, 1);
        }
        throw new AssertionError("no capability " + id);
    }

    private void setPowerState(int state) throws Exception {
        rig.writeConfig(capability(CapabilityId.POWER_MANAGEMENT) + PowerManagement.PMCSR, 2, state);
    }

    @Test
    void shouldBeAnNvmeController() throws Exception {
        assertEquals(0x10f0_1af4, rig.readConfig(PciHeader.VENDOR_ID, 4));
        assertEquals(0x0108_0201, rig.readConfig(PciHeader.REVISION, 4));
        assertEquals(1, rig.readConfig(PciHeader.INTERRUPT_PIN, 1));
    }

    @Test
    void shouldHaveALargeEnoughBarWithAMappableDoorbellPage() throws Exception {
        rig.writeConfig(PciHeader.BAR0, 4, -1);
        rig.writeConfig(PciHeader.BAR0 + 4, 4, -1);
        assertEquals(0xffff_c004, rig.readConfig(PciHeader.BAR0, 4), "16 KiB, 64 bits");
        assertEquals(0xffff_ffff, rig.readConfig(PciHeader.BAR0 + 4, 4));

        Region bar0 = rig.controller.region(Region.BAR0);
        assertEquals(16 << 10, bar0.bytes());
        assertEquals(0x1000, bar0.mappable().orElseThrow().offset());
        assertEquals(0x1000, bar0.mappable().orElseThrow().bytes());
    }

    @Test
    void shouldHaveTheRegionsThatItShowsAndNoOthers() {
        long[] sizes = {16 << 10, 0, 0, 0, 4096, 0, 0, 4096, 0};
        for (int index = 0; index < Region.COUNT; index++) {
            assertEquals(sizes[index], rig.controller.region(index).bytes(), "region " + index);
        }
    }

    @Test
    void shouldReadAllOfConfigurationSpaceAtOnce() throws Exception {
        byte[] all = new byte[4096];
        rig.controller.read(Region.CONFIG, 0, all);

        assertEquals(
                rig.readConfig(0x2c, 4),
                (all[0x2d] & 0xff) * 256
                        + (all[0x2c] & 0xff)
                        + (((all[0x2f] & 0xff) * 256 + (all[0x2e] & 0xff)) << 16));
    }

    // ---- BAR4

    @Test
    void shouldKeepMsixTableEntries() throws Exception {
        writeMsix(0x10, 8, 0x1234_5678_fee0_1003L);
        writeMsix(0x18, 4, 0x4142);
        writeMsix(0x1c, 4, 0xffff_fffe);

        assertEquals(0x1234_5678_fee0_1000L, readMsix(0x10, 8), "address bits 1:0 are 0");
        assertEquals(0x4142, readMsix(0x18, 8), "vector control has one bit");
        assertEquals(1, readMsix(0x0c, 4), "after reset, masked");
    }

    @Test
    void shouldIgnoreWritesToPendingBitsAndReservedSpace() throws Exception {
        writeMsix(0x800, 8, -1);
        writeMsix(65 * 16, 8, -1);
        writeMsix(0xff8, 8, -1);

        assertEquals(0, readMsix(0x800, 8));
        assertEquals(0, readMsix(65 * 16, 8));
        assertEquals(0, readMsix(0xff8, 8));
    }

    @ParameterizedTest
    @CsvSource({"0,1", "0,2", "2,4", "4,8", "0,16"})
    void shouldRefuseMsixAccessOfAnotherWidthOrAlignment(long offset, int bytes) {
        assertThrows(AccessRefused.class, () -> rig.controller.read(PciSide.MSIX_BAR, offset, new byte[bytes]));
        assertThrows(AccessRefused.class, () -> rig.controller.write(PciSide.MSIX_BAR, offset, new byte[bytes]));
    }

    @Test
    void shouldResetTheMsixTableWithTheFunction() throws Exception {
        writeMsix(0, 8, 0xfee0_0000L);
        writeMsix(12, 4, 0);
        rig.controller.reset();

        assertEquals(0, readMsix(0, 8));
        assertEquals(1, readMsix(12, 4));
    }

    private long readMsix(long offset, int bytes) throws AccessRefused {
        byte[] value = new byte[bytes];
        rig.controller.read(PciSide.MSIX_BAR, offset, value);
        return LittleEndian.get(value);
    }

    private void writeMsix(long offset, int bytes, long value) throws AccessRefused {
        byte[] source = new byte[bytes];
        LittleEndian.put(value, source);
        rig.controller.write(PciSide.MSIX_BAR, offset, source);
    }

    // ---- power and reset

    @Test
    void shouldBeSilentInD3hotAndGoOnAfterIt() throws Exception {
        rig.enable(16);
        setPowerState(PowerManagement.D3_HOT);
        int cid = rig.submit(AdminOpcode.IDENTIFY, sqe -> {
            AdminSqe.setIdentify(sqe, Cns.CONTROLLER, 0);
            Sqe.setPrp1(sqe, ControllerRig.DATA);
        });
        assertNull(rig.next());
        assertEquals(-1, rig.read(Registers.CSTS));
        rig.write(Registers.CC, 0);
        rig.writeBar0(Doorbells.sqTailDoorbell(9), 4, 9);
        setPowerState(PowerManagement.D0);

        assertEquals(1, rig.csts(), "ready still: No Soft Reset is 1");
        assertEquals(cid, rig.next().cid());
    }

    @Test
    void shouldResetWhenAskedByTheExpressCapability() throws Exception {
        rig.enable(16);
        rig.writeConfig(
                capability(CapabilityId.PCI_EXPRESS) + PciExpress.DEVICE_CONTROL,
                2,
                PciExpress.DEVICE_CONTROL_INITIATE_FLR);

        assertEquals(0, rig.csts());
        assertEquals(0, rig.read(Registers.CC));
        assertEquals(0, rig.readConfig(PciHeader.COMMAND, 2));
        rig.setBusMaster(true);
        rig.enable(16);
        assertEquals(Status.OK, rig.identify(Cns.CONTROLLER, 0).status());
    }

    @Test
    void shouldServeRegistersWithMemorySpaceOff() throws Exception {
        assertEquals(0, rig.readConfig(PciHeader.COMMAND, 2) & PciHeader.COMMAND_MEMORY_SPACE);
        rig.enable(16);

        assertTrue(rig.identify(Cns.CONTROLLER, 0).status() == Status.OK);
    }
}

package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.device.AccessRefused;
import io.sluice.device.Region;
import io.sluice.nvme.Cap;
import io.sluice.nvme.Cc;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Registers;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The register file through BAR0: NVMe 1.4, 3.1. */
class RegisterAccessTest {
    private static final long ONES = -1L;

    private ControllerRig rig;

    @BeforeEach
    void open() throws Exception {
        rig = new ControllerRig();
    }

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void shouldTellItsCapabilities() throws Exception {
        long cap = LittleEndian.get(rig.readBar0(Registers.CAP.offset(), 8));

        assertEquals(4096, Cap.maxQueueEntries(cap));
        assertTrue(Cap.contiguousQueuesRequired(cap));
        assertEquals(0, Cap.ams(cap));
        assertEquals(0, Cap.dstrd(cap));
        assertEquals(Cap.CSS_NVM, Cap.css(cap));
        assertEquals(0, Cap.mpsMin(cap));
        assertEquals(4, Cap.mpsMax(cap));
        assertFalse(Cap.subsystemResetSupported(cap));
        assertFalse(Cap.bootPartitionsSupported(cap));
        assertFalse(Cap.controllerMemoryBufferSupported(cap));
        assertFalse(Cap.persistentMemoryRegionSupported(cap));
        assertTrue(Cap.timeoutMillis(cap) > 0);
    }

    @Test
    void shouldTellVersionOnePointFour() throws Exception {
        assertEquals(0x0001_0400, rig.read(Registers.VS));
    }

    @ParameterizedTest
    @EnumSource(Registers.class)
    void shouldBeAfterPowerOnAsTheSpecificationSays(Registers register) throws Exception {
        if (register != Registers.CAP && register != Registers.VS) {
            assertEquals(0, rig.read(register), register + " after power-on");
        }
    }

    @ParameterizedTest
    @EnumSource(Registers.class)
    void shouldReadAnEightByteRegisterByItsHalves(Registers register) throws Exception {
        rig.write(Registers.ASQ, 0x1234_5678_9abc_d000L);
        rig.write(Registers.ACQ, 0x0fed_cba9_8765_4000L);
        if (register.bytes() == 8) {
            byte[] whole = rig.readBar0(register.offset(), 8);
            long low = LittleEndian.get(rig.readBar0(register.offset(), 4));
            long high = LittleEndian.get(rig.readBar0(register.offset() + 4L, 4));

            assertEquals(LittleEndian.get(whole), (high << 32) | low);
        }
    }

    @Test
    void shouldWriteAnEightByteRegisterByItsHalves() throws Exception {
        rig.writeBar0(Registers.ASQ.offset(), 4, 0x9abc_d000L);
        rig.writeBar0(Registers.ASQ.offset() + 4, 4, 0x1234_5678L);
        rig.writeBar0(Registers.ACQ.offset() + 4, 4, 0x0000_0001L);

        assertEquals(0x1234_5678_9abc_d000L, LittleEndian.get(rig.readBar0(Registers.ASQ.offset(), 8)));
        assertEquals(0x1_0000_0000L, LittleEndian.get(rig.readBar0(Registers.ACQ.offset(), 8)));
    }

    @Test
    void shouldReadTwoNeighboursByOneEightByteAccess() throws Exception {
        rig.write(Registers.AQA, 0x001f_001f);

        assertEquals(0x001f_001f_0000_0000L, LittleEndian.get(rig.readBar0(Registers.NSSR.offset(), 8)));
    }

    @ParameterizedTest
    @CsvSource({
        "0,1",
        "0,2",
        "0,3",
        "0,16",
        "0,4096",
        "2,4",
        "4,8",
        "1,1",
        "0x14,2",
        "0x15,4",
        "0x24,8",
        "0x1001,4",
        "0x1000,2"
    })
    void shouldRefuseAReadOfAnotherWidthOrAlignment(String offset, int bytes) {
        // 0x24 is 4-byte aligned only
        assertThrows(AccessRefused.class, () -> rig.readBar0(Long.decode(offset), bytes));
    }

    @ParameterizedTest
    @CsvSource({"0x14,1", "0x14,2", "0x16,2", "0x2a,4", "0x2c,8", "0x14,8", "0x1002,4", "0x1000,8", "0x1000,1"})
    void shouldRefuseAWriteOfAnotherWidthOrAlignment(String offset, int bytes) throws Exception {
        byte[] ones = new byte[bytes];
        Arrays.fill(ones, (byte) 0xff);

        assertThrows(AccessRefused.class, () -> rig.controller.write(Region.BAR0, Long.decode(offset), ones));
        assertEquals(0, rig.read(Registers.CC));
    }

    @ParameterizedTest
    @ValueSource(longs = {0x08, 0x10, 0x20})
    void shouldRefuseAnEightByteWriteOfTwoRegisters(long offset) {
        assertThrows(AccessRefused.class, () -> rig.writeBar0(offset, 8, ONES));
    }

    @Test
    void shouldReadZeroFromAllReservedSpace() throws Exception {
        for (long offset = 0; offset < DoorbellPage.BAR_BYTES; offset += 4) {
            if (Registers.at(offset) == null) {
                assertEquals(0, LittleEndian.get(rig.readBar0(offset, 4)), "offset 0x" + Long.toHexString(offset));
            }
        }
    }

    @Test
    void shouldIgnoreWritesToReservedSpaceAndReadOnlyRegisters() throws Exception {
        byte[] before = image();
        for (long offset = 0; offset < DoorbellPage.BAR_BYTES; offset += 4) {
            Registers register = Registers.at(offset);
            if (register == null || isNotWritable(register)) {
                rig.writeBar0(offset, 4, ONES);
            }
        }
        assertArrayEquals(before, image());
    }

    private static boolean isNotWritable(Registers register) {
        return switch (register) {
            case CC, AQA, ASQ, ACQ, INTMS, INTMC -> false;
            default -> true;
        };
    }

    private byte[] image() throws AccessRefused {
        byte[] image = new byte[DoorbellPage.BAR_BYTES];
        for (int offset = 0; offset < image.length; offset += 4) {
            System.arraycopy(rig.readBar0(offset, 4), 0, image, offset, 4);
        }
        return image;
    }

    @Test
    void shouldKeepReservedBitsZero() throws Exception {
        rig.write(Registers.AQA, ONES);
        rig.write(Registers.ASQ, ONES);
        rig.write(Registers.ACQ, ONES);
        rig.write(Registers.CC, 0xffff_fffe);

        assertEquals(0x0fff_0fff, rig.read(Registers.AQA));
        assertEquals(0xffff_ffff_ffff_f000L, LittleEndian.get(rig.readBar0(Registers.ASQ.offset(), 8)));
        assertEquals(0xffff_ffff_ffff_f000L, LittleEndian.get(rig.readBar0(Registers.ACQ.offset(), 8)));
        assertEquals(0x00ff_fff0, rig.read(Registers.CC));
    }

    @Test
    void shouldNotTakeTheAdminQueuesRegistersWhileEnabled() throws Exception {
        rig.enable(16);
        rig.write(Registers.AQA, 0x0007_0007);
        rig.write(Registers.ASQ, 0x5000);
        rig.writeBar0(Registers.ACQ.offset(), 4, 0x6000);

        assertEquals(0x000f_000f, rig.read(Registers.AQA));
        assertEquals(ControllerRig.ASQ, LittleEndian.get(rig.readBar0(Registers.ASQ.offset(), 8)));
        assertEquals(ControllerRig.ACQ, LittleEndian.get(rig.readBar0(Registers.ACQ.offset(), 8)));
    }

    @Test
    void shouldKeepTheFieldsOfCcThatOnlyADisabledControllerTakes() throws Exception {
        rig.enable(16);
        int changed = Cc.withMps(Cc.withCss(Cc.withAms(ControllerRig.cc(true), 1), 7), 3);
        rig.write(Registers.CC, Cc.withIosqes(changed, 0));

        assertEquals(Cc.withIosqes(ControllerRig.cc(true), 0), rig.read(Registers.CC));
    }

    @Test
    void shouldSetAndClearTheInterruptMask() throws Exception {
        rig.write(Registers.INTMS, 0x0000_00f1);
        rig.write(Registers.INTMS, 0x8000_0000L);
        rig.write(Registers.INTMC, 0x0000_0011);

        assertEquals(0x8000_00e0, rig.read(Registers.INTMS));
        assertEquals(0x8000_00e0, rig.read(Registers.INTMC));
    }

    @Test
    void shouldResetOnlyByCcWhenTheSubsystemResetIsNotOffered() throws Exception {
        rig.enable(16);
        rig.write(Registers.NSSR, Registers.NSSR_RESET);

        assertEquals(Csts.withReady(0, true), rig.csts());
        assertEquals(0, rig.read(Registers.NSSR));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 6, 8, -1, 9})
    void shouldRefuseAccessToARegionThatDoesNotExist(int region) {
        assertThrows(AccessRefused.class, () -> rig.controller.read(region, 0, new byte[4]));
        assertThrows(AccessRefused.class, () -> rig.controller.write(region, 0, new byte[4]));
    }

    @Test
    void shouldShowADoorbellBothWays() throws Exception {
        rig.enable(16);
        rig.ring(Doorbells.cqHeadDoorbell(0), 0);
        rig.writeBar0(Doorbells.sqTailDoorbell(0), 4, 0);
        rig.ring(Doorbells.sqTailDoorbell(9), 0x77);

        assertEquals(0x77, LittleEndian.get(rig.readBar0(Doorbells.sqTailDoorbell(9), 4)));
        assertEquals(0x77, LittleEndian.get(rig.readBar0(Doorbells.sqTailDoorbell(9), 8)));
    }
}

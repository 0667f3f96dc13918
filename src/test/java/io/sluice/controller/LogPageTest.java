package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AdminSqe;
import io.sluice.nvme.CommandEffectsLog;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.ErrorLogEntry;
import io.sluice.nvme.FirmwareSlotLog;
import io.sluice.nvme.LogPage;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.SmartLog;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Get Log Page: NVMe 1.4, 5.14. */
class LogPageTest {
    private static final int LIST_GPA = 0x18_0000;

    private ControllerRig rig;
    private long data;

    @BeforeEach
    void open() throws Exception {
        rig = new ControllerRig();
        rig.enable(16);
        data = rig.guest.hva(ControllerRig.DATA);
        Memory.fill(data, 0x6_0000, (byte) 0xee);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private void failOnce() {
        rig.admin(0x77, sqe -> Sqe.setNsid(sqe, 0x1234));
    }

    // ---- Supported Log Pages, NVMe 2.0, 5.16.1.1

    @Test
    void shouldListThePagesThatItHas() {
        assertEquals(
                Status.OK, rig.getLog(LogPage.SUPPORTED_PAGES, 0, 1024, false).status());
        for (int page = 0; page < 256; page++) {
            int listed = Memory.getInt(data + 4L * page);
            assertEquals(page <= LogPage.COMMAND_EFFECTS ? 1 : 0, listed, "page " + page);
        }
        for (int page = 0; page < 256; page++) {
            int status = rig.getLog(page, 0, 64, true).code();
            int expected = page <= LogPage.COMMAND_EFFECTS ? Status.OK : Status.INVALID_LOG_PAGE.dnr();
            assertEquals(Status.describe(expected), Status.describe(status), "page " + page);
        }
    }

    // ---- Error Information, 5.14.1.1

    @Test
    void shouldLogEachCommandThatFailsAndSaySoInItsStatus() {
        ControllerRig.Completion failed = rig.admin(AdminOpcode.IDENTIFY, sqe -> {
            AdminSqe.setIdentify(sqe, 0x99, 0x1234);
            Sqe.setPrp1(sqe, ControllerRig.DATA);
        });
        assertTrue(Status.isMore(failed.status()));
        assertEquals(
                Status.OK, rig.getLog(LogPage.ERROR_INFORMATION, 0, 128, false).status());

        assertEquals(1, ErrorLogEntry.ERROR_COUNT.get(data));
        assertEquals(0, ErrorLogEntry.SQID.get(data));
        assertEquals(failed.cid(), ErrorLogEntry.CID.get(data));
        assertEquals(Status.INVALID_FIELD.dnr() | Status.MORE, ErrorLogEntry.status(data));
        assertEquals(40, ErrorLogEntry.PARAMETER_LOCATION.get(data), "CNS is in byte 40");
        assertEquals(0x1234, ErrorLogEntry.NSID.get(data));
        assertEquals(0, ErrorLogEntry.ERROR_COUNT.get(data + 64), "only one");
    }

    @Test
    void shouldSayNothingOfErrorsInTheStatusOfACommandThatSucceeds() {
        assertFalse(Status.isMore(rig.identify(1, 0).status()));
    }

    @Test
    void shouldLogAnIoCommandThatFails() {
        rig.createCq(1, 16, -1);
        rig.createSq(1, 16, 1);
        rig.putFlush(1, 0, 0x55);
        Sqe.setNsid(rig.guest.hva(ControllerRig.sqGpa(1)), 77);
        rig.ring(Doorbells.sqTailDoorbell(1), 1);
        rig.step();
        int status = Cqe.status(rig.ioCqe(1, 0));
        assertEquals(Status.INVALID_NAMESPACE_OR_FORMAT.dnr() | Status.MORE, status);
        rig.getLog(LogPage.ERROR_INFORMATION, 0, 64, false);

        assertEquals(1, ErrorLogEntry.SQID.get(data));
        assertEquals(0x55, ErrorLogEntry.CID.get(data));
        assertEquals(77, ErrorLogEntry.NSID.get(data));
        assertEquals(4, ErrorLogEntry.PARAMETER_LOCATION.get(data), "the namespace's field");
    }

    @ParameterizedTest
    @CsvSource({"0x7f,0,0", "0x02,2000,40", "0x08,2000,40"})
    void shouldSayWhichFieldOfAnIoCommandIsAtFault(int opcode, long slba, int location) {
        rig.createCq(1, 16, -1);
        rig.createSq(1, 16, 1);
        rig.putRead(1, 0, 0x55);
        long sqe = rig.guest.hva(ControllerRig.sqGpa(1));
        Sqe.setOpcode(sqe, opcode);
        Sqe.setSlba(sqe, slba);
        rig.ring(Doorbells.sqTailDoorbell(1), 1);
        rig.step();
        rig.getLog(LogPage.ERROR_INFORMATION, 0, 64, false);

        assertEquals(location, ErrorLogEntry.PARAMETER_LOCATION.get(data));
        assertEquals(0x55, ErrorLogEntry.CID.get(data));
    }

    @Test
    void shouldKeepTheNewestErrorsWithTheNewestFirst() {
        for (int i = 0; i < 100; i++) {
            failOnce();
        }
        rig.getLog(LogPage.ERROR_INFORMATION, 0, 4096, false);

        for (int i = 0; i < ErrorLog.ENTRIES; i++) {
            assertEquals(100 - i, ErrorLogEntry.ERROR_COUNT.get(data + i * 64L));
        }
        rig.getLog(LogPage.SMART, 0, 512, false);
        assertEquals(100, SmartLog.ERROR_LOG_ENTRIES.get(data).intValueExact());
    }

    @Test
    void shouldNotShowOneClientsErrorsToTheNext() throws Exception {
        failOnce();
        rig.reconnect();
        rig.enable(16);
        rig.getLog(LogPage.ERROR_INFORMATION, 0, 64, false);

        assertEquals(0, ErrorLogEntry.ERROR_COUNT.get(data));
    }

    // ---- SMART, 5.14.1.2

    @Test
    void shouldBeHealthy() {
        rig.nanos = 7_500_000_000_000L;
        assertEquals(Status.OK, rig.getLog(LogPage.SMART, 0, 512, false).status());

        assertEquals(0, SmartLog.CRITICAL_WARNING.get(data));
        assertEquals(313, SmartLog.TEMPERATURE.get(data));
        assertEquals(100, SmartLog.AVAILABLE_SPARE.get(data));
        assertEquals(10, SmartLog.SPARE_THRESHOLD.get(data));
        assertEquals(0, SmartLog.PERCENTAGE_USED.get(data));
        assertEquals(1, SmartLog.POWER_CYCLES.get(data).intValueExact());
        assertEquals(2, SmartLog.POWER_ON_HOURS.get(data).intValueExact());
        assertEquals((byte) 0xee, Memory.getByte(data + 512));
    }

    @Test
    void shouldCountWhatIoHasDone() {
        rig.createCq(1, 16, -1);
        rig.createSq(1, 16, 1);
        put(0, NvmOpcode.READ, 10);
        put(1, NvmOpcode.READ, 1001);
        put(2, NvmOpcode.WRITE, 200);
        put(3, NvmOpcode.WRITE, 120);
        rig.ring(Doorbells.sqTailDoorbell(1), 4);
        rig.step();
        rig.getLog(LogPage.SMART, 0, 512, false);

        assertEquals(1, SmartLog.HOST_READS.get(data).intValueExact(), "the second one failed");
        assertEquals(1, SmartLog.DATA_UNITS_READ.get(data).intValueExact());
        assertEquals(2, SmartLog.HOST_WRITES.get(data).intValueExact());
        assertEquals(1, SmartLog.DATA_UNITS_WRITTEN.get(data).intValueExact());
    }

    private void put(int index, int opcode, int blocks) {
        long list = rig.guest.hva(LIST_GPA);
        for (int i = 0; i < 64; i++) {
            Memory.putLong(list + i * 8L, ControllerRig.DATA + 0x1000L * (i + 1));
        }
        rig.putFlush(1, index, index);
        long sqe = rig.guest.hva(ControllerRig.sqGpa(1)) + (long) index * Sqe.BYTES;
        Sqe.setOpcode(sqe, opcode);
        Sqe.setBlockCount(sqe, blocks);
        Sqe.setPrp1(sqe, ControllerRig.DATA);
        Sqe.setPrp2(sqe, blocks * 512 > 8192 ? LIST_GPA : ControllerRig.DATA + 0x1000);
    }

    // ---- Firmware Slot and Commands Supported, 5.14.1.3 and 5.14.1.5

    @Test
    void shouldHaveOneFirmwareSlot() {
        rig.getLog(LogPage.FIRMWARE_SLOT, 0, 512, false);

        assertEquals(1, FirmwareSlotLog.activeSlot(data));
        assertEquals(0, FirmwareSlotLog.nextSlot(data));
        assertEquals("0.1", FirmwareSlotLog.revision(1).get(data));
        assertEquals("", FirmwareSlotLog.revision(2).get(data));
    }

    @Test
    void shouldListExactlyTheAdminCommandsThatItDoes() throws Exception {
        rig.getLog(LogPage.COMMAND_EFFECTS, 0, 4096, false);
        byte[] page = new byte[4096];
        Memory.copyOut(data, page, 0, page.length);
        for (int opcode = 0; opcode < 256; opcode++) {
            int probed = opcode;
            if (opcode == AdminOpcode.ASYNC_EVENT_REQUEST) {
                continue; // does not complete
            }
            boolean done = !Status.INVALID_OPCODE.is(
                    rig.admin(probed, sqe -> Sqe.setCdw10(sqe, -1)).status());
            assertEquals(done ? 1 : 0, page[opcode * 4], "admin opcode " + opcode);
        }
        assertEquals(1, page[AdminOpcode.ASYNC_EVENT_REQUEST * 4]);
    }

    @Test
    void shouldListExactlyTheIoCommandsThatItDoes() {
        rig.getLog(LogPage.COMMAND_EFFECTS, 0, 4096, false);
        int[] effects = new int[256];
        for (int opcode = 0; opcode < 256; opcode++) {
            effects[opcode] = CommandEffectsLog.io(opcode).getInt(data);
        }
        rig.createCq(1, 512, -1);
        rig.createSq(1, 512, 1);
        for (int opcode = 0; opcode < 256; opcode++) {
            rig.putFlush(1, opcode, opcode);
            Sqe.setOpcode(rig.guest.hva(ControllerRig.sqGpa(1)) + (long) opcode * Sqe.BYTES, opcode);
        }
        rig.ring(Doorbells.sqTailDoorbell(1), 256);
        for (int i = 0; i < 10; i++) {
            rig.step();
        }
        for (int opcode = 0; opcode < 256; opcode++) {
            boolean done = !Status.INVALID_OPCODE.is(Cqe.status(rig.ioCqe(1, opcode)));
            assertEquals(done, (effects[opcode] & CommandEffectsLog.SUPPORTED) != 0, "NVM opcode " + opcode);
        }
        assertEquals(CommandEffectsLog.SUPPORTED + CommandEffectsLog.CHANGES_BLOCKS, effects[NvmOpcode.WRITE]);
        assertEquals(CommandEffectsLog.SUPPORTED, effects[NvmOpcode.READ]);
    }

    // ---- offsets, lengths, identifiers

    @ParameterizedTest
    @CsvSource({"0,4", "4,60", "64,4032", "500,12", "508,4", "508,8", "512,16", "0,8192", "256,4096"})
    void shouldReturnAnyPieceOfAPageAndZeroesAfterItsEnd(int offset, int bytes) {
        rig.getLog(LogPage.SMART, 0, 512, true);
        byte[] whole = new byte[16384];
        Memory.copyOut(data, whole, 0, 512);
        Memory.fill(data, 16384, (byte) 0xee);

        assertEquals(Status.OK, rig.getLog(LogPage.SMART, offset, bytes, true).status());

        for (int i = 0; i < bytes; i++) {
            assertEquals(whole[offset + i], Memory.getByte(data + i), "byte " + i);
        }
        assertEquals((byte) 0xee, Memory.getByte(data + bytes));
    }

    @Test
    void shouldReturnAsMuchAsMdtsAllowsAndNoMore() {
        long list = rig.guest.hva(LIST_GPA);
        for (int i = 0; i < 256; i++) {
            Memory.putLong(list + i * 8L, ControllerRig.DATA + 0x1000L * (i % 32));
        }
        int mdtsBytes = 1 << 20;
        assertEquals(Status.OK, getLong(mdtsBytes));
        assertEquals(Status.INVALID_FIELD.dnr(), getLong(mdtsBytes + 4));
        assertEquals(Status.INVALID_FIELD.dnr(), getLong(-4), "16 GiB");
    }

    private int getLong(int bytes) {
        return rig.admin(AdminOpcode.GET_LOG_PAGE, sqe -> {
                    AdminSqe.setGetLogPage(sqe, 0, LogPage.SMART, 0, bytes, true);
                    Sqe.setPrp1(sqe, ControllerRig.DATA);
                    Sqe.setPrp2(sqe, LIST_GPA);
                })
                .code();
    }

    @ParameterizedTest
    @CsvSource({"2", "513", "516", "4096", "0x100000000", "-4", "0x8000000000000000"})
    void shouldRefuseAnOffsetThatIsMisalignedOrBeyondThePage(String offset) {
        long value = offset.startsWith("0x") ? Long.parseUnsignedLong(offset.substring(2), 16) : Long.parseLong(offset);

        assertEquals(
                Status.INVALID_FIELD.dnr(),
                rig.getLog(LogPage.SMART, value, 4, false).code());
    }

    @ParameterizedTest
    @ValueSource(ints = {0x06, 0x07, 0x08, 0x09, 0x0c, 0x0d, 0x0e, 0x0f, 0x70, 0x80, 0x81, 0xc0, 0xff})
    void shouldRefuseAPageThatIsNotOffered(int page) {
        assertEquals(
                Status.INVALID_LOG_PAGE.dnr(), rig.getLog(page, 0, 4, false).code());
    }

    @ParameterizedTest
    @CsvSource({"0,true", "0xffffffff,true", "1,false", "7,false", "0xfffffffe,false"})
    void shouldTakeOnlyTheControllersNamespaceIdentifiers(String nsid, boolean allowed) {
        int status = rig.admin(AdminOpcode.GET_LOG_PAGE, sqe -> {
                    AdminSqe.setGetLogPage(sqe, Long.decode(nsid).intValue(), LogPage.SMART, 0, 512, false);
                    Sqe.setPrp1(sqe, ControllerRig.DATA);
                })
                .code();

        assertEquals(allowed ? Status.OK : Status.INVALID_FIELD.dnr(), status);
    }
}

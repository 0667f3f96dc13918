package io.sluice.nvme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Log pages, features and asynchronous events. */
class LogAndFeatureTest {
    private final Scratch scratch = Scratch.of(4096);
    private final long page = scratch.address();

    @Test
    void shouldShiftTheStatusOfAnErrorLogEntry() {
        ErrorLogEntry.setStatus(page, Status.LBA_OUT_OF_RANGE.dnr());
        assertEquals("0081", scratch.hex(12, 2));
        assertEquals(0x4080, ErrorLogEntry.status(page));
        ErrorLogEntry.STATUS.set(page, 0xffff);
        assertEquals(0x7fff, ErrorLogEntry.status(page));
    }

    @Test
    void shouldPlaceSensors() {
        SmartLog.sensor(1).set(page, 0x0102);
        SmartLog.sensor(8).set(page, 0x0304);
        assertEquals("0201", scratch.hex(200, 2));
        assertEquals("0403", scratch.hex(214, 2));
        assertThrows(IllegalArgumentException.class, () -> SmartLog.sensor(0));
        assertThrows(IllegalArgumentException.class, () -> SmartLog.sensor(9));
    }

    @Test
    void shouldPlaceFirmwareSlots() {
        FirmwareSlotLog.setSlots(page, 1, 2);
        FirmwareSlotLog.revision(1).set(page, "1.0");
        FirmwareSlotLog.revision(7).set(page, "7777.777");
        assertEquals("21", scratch.hex(0, 1));
        assertEquals("312e302020202020", scratch.hex(8, 8));
        assertEquals("373737372e373737", scratch.hex(56, 8));
        assertEquals(1, FirmwareSlotLog.activeSlot(page));
        assertEquals(2, FirmwareSlotLog.nextSlot(page));
        assertThrows(IllegalArgumentException.class, () -> FirmwareSlotLog.revision(0));
        assertThrows(IllegalArgumentException.class, () -> FirmwareSlotLog.revision(8));
    }

    @Test
    void shouldPlaceCommandEffects() {
        CommandEffectsLog.admin(AdminOpcode.IDENTIFY).set(page, CommandEffectsLog.SUPPORTED);
        CommandEffectsLog.io(NvmOpcode.WRITE).set(page, CommandEffectsLog.SUPPORTED | CommandEffectsLog.CHANGES_BLOCKS);
        CommandEffectsLog.io(255).set(page, CommandEffectsLog.ALONE);
        assertEquals("01000000", scratch.hex(4 * 6, 4));
        assertEquals("03000000", scratch.hex(1024 + 4, 4));
        assertEquals("00000200", scratch.hex(2044, 4));
        assertEquals(4096, CommandEffectsLog.BYTES);
        assertThrows(IllegalArgumentException.class, () -> CommandEffectsLog.admin(256));
        assertThrows(IllegalArgumentException.class, () -> CommandEffectsLog.io(-1));
    }

    private record Bitfield(String name, IntUnaryOperator get, int high, int low) {}

    private static int bit(boolean set) {
        return set ? 1 : 0;
    }

    @Test
    void shouldSeeEachBitOfAFeatureInItsFieldAlone() {
        List<Bitfield> fields = List.of(
                new Bitfield("AB", FeatureValue::arbitrationBurst, 2, 0),
                new Bitfield("LPW", v -> FeatureValue.lowWeight(v) - 1, 15, 8),
                new Bitfield("MPW", v -> FeatureValue.mediumWeight(v) - 1, 23, 16),
                new Bitfield("HPW", v -> FeatureValue.highWeight(v) - 1, 31, 24),
                new Bitfield("PS", FeatureValue::powerState, 4, 0),
                new Bitfield("WH", FeatureValue::workloadHint, 7, 5),
                new Bitfield("TMPTH", FeatureValue::temperatureThreshold, 15, 0),
                new Bitfield("TMPSEL", FeatureValue::temperatureSensor, 19, 16),
                new Bitfield("THSEL", FeatureValue::thresholdType, 21, 20),
                new Bitfield("TLER", FeatureValue::errorRecoveryLimit, 15, 0),
                new Bitfield("DULBE", v -> bit(FeatureValue.deallocatedErrorEnabled(v)), 16, 16),
                new Bitfield("WCE", v -> bit(FeatureValue.writeCacheEnabled(v)), 0, 0),
                new Bitfield("NSQR", FeatureValue::submissionQueues0, 15, 0),
                new Bitfield("NCQR", FeatureValue::completionQueues0, 31, 16),
                new Bitfield("THR", v -> FeatureValue.coalescingThreshold(v) - 1, 7, 0),
                new Bitfield("TIME", v -> FeatureValue.coalescingMicros(v) / 100, 15, 8),
                new Bitfield("IV", FeatureValue::interruptVector, 15, 0),
                new Bitfield("CD", v -> bit(FeatureValue.coalescingDisabled(v)), 16, 16),
                new Bitfield("DN", v -> bit(FeatureValue.normalAtomicityDisabled(v)), 0, 0),
                new Bitfield("SMART", FeatureValue::eventWarnings, 7, 0),
                new Bitfield("EXHID", v -> bit(FeatureValue.hostIdExtended(v)), 0, 0),
                new Bitfield("event type", AsyncEvent::type, 2, 0),
                new Bitfield("event info", AsyncEvent::info, 15, 8),
                new Bitfield("event log page", AsyncEvent::logPage, 23, 16));
        for (int bit = 0; bit < 32; bit++) {
            for (Bitfield field : fields) {
                int expected = bit >= field.low && bit <= field.high ? 1 << (bit - field.low) : 0;
                assertEquals(expected, field.get.applyAsInt(1 << bit), field.name + " with bit " + bit);
            }
        }
    }

    @Test
    void shouldEncodeFeatures() {
        assertEquals(0xff03_0107, FeatureValue.arbitration(FeatureValue.BURST_UNLIMITED, 2, 4, 256));
        assertEquals(0x0007_0003, FeatureValue.numberOfQueues(4, 8));
        assertEquals(0xffff_ffff, FeatureValue.numberOfQueues(65_536, 65_536));
        assertEquals(0x0001_0005, FeatureValue.vectorConfiguration(5, true));
        assertEquals(1, FeatureValue.writeCache(true));
        assertEquals(0, FeatureValue.writeCache(false));
        assertThrows(IllegalArgumentException.class, () -> FeatureValue.numberOfQueues(0, 1));
        assertThrows(IllegalArgumentException.class, () -> FeatureValue.arbitration(8, 1, 1, 1));
    }

    @Test
    void shouldEncodeAndDecodeTheTimestamp() {
        long data = FeatureValue.timestamp(0x0000_0193_4c5d_6e7fL, true, 1);
        assertEquals(0x0003_0193_4c5d_6e7fL, data);
        assertEquals(0x0000_0193_4c5d_6e7fL, FeatureValue.timestampMillis(data));
        assertTrue(FeatureValue.timestampStopped(data));
        assertEquals(1, FeatureValue.timestampOrigin(data));
        assertEquals(5, FeatureValue.timestampMillis(FeatureValue.timestamp((1L << 48) + 5, false, 0)));
        for (int bit = 0; bit < 64; bit++) {
            long word = 1L << bit;
            assertEquals(bit < 48 ? word : 0, FeatureValue.timestampMillis(word));
            assertEquals(bit == 48, FeatureValue.timestampStopped(word));
            assertEquals(bit >= 49 && bit < 52 ? 1 << (bit - 49) : 0, FeatureValue.timestampOrigin(word));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "INVALID_DOORBELL_REGISTER, 00010000",
        "INVALID_DOORBELL_VALUE, 00010100",
        "FIRMWARE_IMAGE_LOAD_ERROR, 00010500",
        "SUBSYSTEM_RELIABILITY, 00020001",
        "TEMPERATURE_THRESHOLD, 00020101",
        "SPARE_BELOW_THRESHOLD, 00020201",
        "NAMESPACE_ATTRIBUTE_CHANGED, 00040002",
        "FIRMWARE_ACTIVATION_STARTING, 00030102",
        "TELEMETRY_LOG_CHANGED, 00080202",
        "ANA_CHANGE, 000c0302",
        "PREDICTABLE_LATENCY_LOG_CHANGED, 000b0402",
        "LBA_STATUS_ALERT, 000e0502",
        "ENDURANCE_GROUP_LOG_CHANGED, 000f0602",
        "RESERVATION_LOG_AVAILABLE, 00800006",
        "SANITIZE_COMPLETED, 00810106"
    })
    void shouldEncodeEvents(AsyncEvent event, String dw0) {
        assertEquals(Integer.parseInt(dw0, 16), event.dw0());
        assertSame(event, AsyncEvent.of(event.dw0()));
    }

    @Test
    void shouldLetThroughOnlyEventsThatAreEnabled() {
        for (AsyncEvent event : AsyncEvent.values()) {
            boolean always = event.type() == AsyncEvent.TYPE_ERROR || event.type() == AsyncEvent.TYPE_IO_COMMAND_SET;
            assertEquals(always, event.isEnabledBy(0), event.name());
            assertTrue(event.isEnabledBy(0xffff_ffff), event.name());
        }
        int namespaces = FeatureValue.EVENT_NAMESPACE_ATTRIBUTES;
        assertTrue(AsyncEvent.NAMESPACE_ATTRIBUTE_CHANGED.isEnabledBy(namespaces));
        assertFalse(AsyncEvent.FIRMWARE_ACTIVATION_STARTING.isEnabledBy(namespaces));
        assertTrue(AsyncEvent.ENDURANCE_GROUP_LOG_CHANGED.isEnabledBy(FeatureValue.EVENT_ENDURANCE_GROUP));
        assertTrue(AsyncEvent.TEMPERATURE_THRESHOLD.isEnabledBy(SmartLog.WARNING_TEMPERATURE));
        assertFalse(AsyncEvent.TEMPERATURE_THRESHOLD.isEnabledBy(SmartLog.WARNING_SPARE));
        assertNull(AsyncEvent.of(0x00ff_ff07));
    }

    @Test
    void shouldNameOpcodesForLogs() {
        assertEquals("Identify", AdminOpcode.name(6));
        assertEquals("admin opcode 0x3", AdminOpcode.name(3));
        assertEquals("Dataset Management", NvmOpcode.name(9));
        assertEquals("NVM opcode 0xff", NvmOpcode.name(255));
    }
}

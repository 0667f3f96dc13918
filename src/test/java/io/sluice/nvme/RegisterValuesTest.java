package io.sluice.nvme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;

/** CAP, CC, CSTS, AQA and VS: each field in its place, alone, in both directions. */
class RegisterValuesTest {
    private interface Setter {
        long with(long word, long value);
    }

    private record Field(String name, int high, int low, LongUnaryOperator get, Setter set) {}

    private static long bit(boolean set) {
        return set ? 1 : 0;
    }

    private static final List<Field> CAP = List.of(
            new Field(
                    "MQES", 15, 0, c -> Cap.maxQueueEntries(c) - 1, (c, v) -> Cap.withMaxQueueEntries(c, (int) v + 1)),
            new Field(
                    "CQR",
                    16,
                    16,
                    c -> bit(Cap.contiguousQueuesRequired(c)),
                    (c, v) -> Cap.withContiguousQueuesRequired(c, v != 0)),
            new Field("AMS", 18, 17, Cap::ams, (c, v) -> Cap.withAms(c, (int) v)),
            new Field("TO", 31, 24, c -> Cap.timeoutMillis(c) / 500, (c, v) -> Cap.withTimeoutMillis(c, (int) v * 500)),
            new Field("DSTRD", 35, 32, Cap::dstrd, (c, v) -> Cap.withDstrd(c, (int) v)),
            new Field(
                    "NSSRS",
                    36,
                    36,
                    c -> bit(Cap.subsystemResetSupported(c)),
                    (c, v) -> Cap.withSubsystemResetSupported(c, v != 0)),
            new Field("CSS", 44, 37, Cap::css, (c, v) -> Cap.withCss(c, (int) v)),
            new Field(
                    "BPS",
                    45,
                    45,
                    c -> bit(Cap.bootPartitionsSupported(c)),
                    (c, v) -> Cap.withBootPartitionsSupported(c, v != 0)),
            new Field("MPSMIN", 51, 48, Cap::mpsMin, (c, v) -> Cap.withMpsMin(c, (int) v)),
            new Field("MPSMAX", 55, 52, Cap::mpsMax, (c, v) -> Cap.withMpsMax(c, (int) v)),
            new Field(
                    "PMRS",
                    56,
                    56,
                    c -> bit(Cap.persistentMemoryRegionSupported(c)),
                    (c, v) -> Cap.withPersistentMemoryRegionSupported(c, v != 0)),
            new Field(
                    "CMBS",
                    57,
                    57,
                    c -> bit(Cap.controllerMemoryBufferSupported(c)),
                    (c, v) -> Cap.withControllerMemoryBufferSupported(c, v != 0)));

    private static final List<Field> CC = List.of(
            new Field("EN", 0, 0, c -> bit(Cc.enabled((int) c)), (c, v) -> Cc.withEnabled((int) c, v != 0)),
            new Field("CSS", 6, 4, c -> Cc.css((int) c), (c, v) -> Cc.withCss((int) c, (int) v)),
            new Field("MPS", 10, 7, c -> Cc.mps((int) c), (c, v) -> Cc.withMps((int) c, (int) v)),
            new Field("AMS", 13, 11, c -> Cc.ams((int) c), (c, v) -> Cc.withAms((int) c, (int) v)),
            new Field("SHN", 15, 14, c -> Cc.shn((int) c), (c, v) -> Cc.withShn((int) c, (int) v)),
            new Field("IOSQES", 19, 16, c -> Cc.iosqes((int) c), (c, v) -> Cc.withIosqes((int) c, (int) v)),
            new Field("IOCQES", 23, 20, c -> Cc.iocqes((int) c), (c, v) -> Cc.withIocqes((int) c, (int) v)));

    private static final List<Field> CSTS = List.of(
            new Field("RDY", 0, 0, c -> bit(Csts.ready((int) c)), (c, v) -> Csts.withReady((int) c, v != 0)),
            new Field("CFS", 1, 1, c -> bit(Csts.fatal((int) c)), (c, v) -> Csts.withFatal((int) c, v != 0)),
            new Field("SHST", 3, 2, c -> Csts.shst((int) c), (c, v) -> Csts.withShst((int) c, (int) v)),
            new Field(
                    "NSSRO",
                    4,
                    4,
                    c -> bit(Csts.subsystemResetOccurred((int) c)),
                    (c, v) -> Csts.withSubsystemResetOccurred((int) c, v != 0)),
            new Field(
                    "PP",
                    5,
                    5,
                    c -> bit(Csts.processingPaused((int) c)),
                    (c, v) -> Csts.withProcessingPaused((int) c, v != 0)));

    @Test
    void shouldKeepEachFieldInItsPlace() {
        assertPlaces(CAP, 64);
        assertPlaces(CC, 32);
        assertPlaces(CSTS, 32);
    }

    private static void assertPlaces(List<Field> fields, int width) {
        for (int bit = 0; bit < width; bit++) {
            long word = 1L << bit;
            for (Field field : fields) {
                boolean inside = bit >= field.low && bit <= field.high;
                long value = inside ? 1L << (bit - field.low) : 0;
                assertEquals(value, field.get.applyAsLong(word), field.name + " of bit " + bit);
                if (inside) {
                    assertEquals(word, field.set.with(0, value), "set " + field.name + " to bit " + bit);
                }
            }
        }
        for (Field field : fields) {
            long mask = (-1L >>> (63 - field.high + field.low)) << field.low;
            long ones = width == 64 ? -1L : 0xffff_ffffL;
            assertEquals(ones & ~mask, field.set.with(-1, 0) & ones, "clear " + field.name);
        }
    }

    @Test
    void shouldDecodeTheCapOfARealDrive() {
        long cap = 0x0000_0020_3c03_3fffL; // 16384 entries, contiguous, AMS 1, 30 s, NVM command set
        assertEquals(16_384, Cap.maxQueueEntries(cap));
        assertTrue(Cap.contiguousQueuesRequired(cap));
        assertEquals(Cap.AMS_WEIGHTED_ROUND_ROBIN, Cap.ams(cap));
        assertEquals(30_000, Cap.timeoutMillis(cap));
        assertEquals(0, Cap.dstrd(cap));
        assertEquals(Cap.CSS_NVM, Cap.css(cap));
        assertEquals(4096, Cap.minPageBytes(cap));
        assertEquals(4096, Cap.maxPageBytes(cap));
        assertFalse(Cap.subsystemResetSupported(cap));
    }

    @Test
    void shouldRoundTheTimeoutUpAndRefuseWhatDoesNotFit() {
        assertEquals(1_000, Cap.timeoutMillis(Cap.withTimeoutMillis(0, 501)));
        assertEquals(65_536, Cap.maxQueueEntries(Cap.withMaxQueueEntries(0, 65_536)));
        assertThrows(IllegalArgumentException.class, () -> Cap.withTimeoutMillis(0, 128_000));
        assertThrows(IllegalArgumentException.class, () -> Cap.withMaxQueueEntries(0, 65_537));
        assertThrows(IllegalArgumentException.class, () -> Cap.withMaxQueueEntries(0, 0));
    }

    @Test
    void shouldDecodeTheCcThatLinuxWrites() {
        int cc = 0x0046_0001;
        assertTrue(Cc.enabled(cc));
        assertEquals(Cc.CSS_NVM, Cc.css(cc));
        assertEquals(4096, Cc.pageBytes(cc));
        assertEquals(Cc.IOSQES, Cc.iosqes(cc));
        assertEquals(Cc.IOCQES, Cc.iocqes(cc));
        assertEquals(Cc.SHN_NONE, Cc.shn(cc));
        assertEquals(Cc.SHN_NORMAL, Cc.shn(0x0046_4001));
        assertEquals(1 << 27, Cc.pageBytes(0x0780));
    }

    @Test
    void shouldEncodeAndDecodeAdminQueueSizes() {
        assertEquals(0x001f_00ff, Aqa.of(256, 32));
        assertEquals(256, Aqa.sqEntries(0x001f_00ff));
        assertEquals(32, Aqa.cqEntries(0x001f_00ff));
        assertEquals(4096, Aqa.sqEntries(0xffff_ffff));
        assertEquals(4096, Aqa.cqEntries(0xffff_ffff));
        for (int bit = 0; bit < 32; bit++) {
            assertEquals(bit < 12 ? (1 << bit) + 1 : 1, Aqa.sqEntries(1 << bit));
            assertEquals(bit >= 16 && bit < 28 ? (1 << (bit - 16)) + 1 : 1, Aqa.cqEntries(1 << bit));
        }
        assertThrows(IllegalArgumentException.class, () -> Aqa.of(4097, 2));
        assertThrows(IllegalArgumentException.class, () -> Aqa.of(2, 0));
    }

    @Test
    void shouldDecodeVersions() {
        assertEquals("1.4", Vs.text(Vs.NVME_1_4));
        assertEquals("1.2.1", Vs.text(0x0001_0201));
        assertEquals(0xabcd, Vs.major(0xabcd_0000));
        assertEquals(0xab, Vs.minor(0xab00));
        assertEquals(0xab, Vs.tertiary(0xab));
    }
}

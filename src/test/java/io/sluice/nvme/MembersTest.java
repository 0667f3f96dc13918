package io.sluice.nvme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import java.math.BigInteger;
import org.junit.jupiter.api.Test;

/** The kinds of members that structures are made of. */
class MembersTest {
    private final Scratch memory = Scratch.of(64);
    private final long at = memory.address();

    @Test
    void shouldStoreNumbersLittleEndian() {
        new Field("a", 0, 1).set(at, 0xfe);
        new Field("b", 1, 2).set(at, 0xfedc);
        new Field("c", 3, 4).set(at, 0xfedc_ba98L);
        new Field("d", 7, 8).set(at, 0xfedc_ba98_7654_3210L);
        assertEquals("fe" + "dcfe" + "98badcfe" + "1032547698badcfe", memory.hex(0, 15));
        assertEquals(0xfe, new Field("a", 0, 1).get(at));
        assertEquals(0xfedc, new Field("b", 1, 2).get(at));
        assertEquals(0xfedc_ba98L, new Field("c", 3, 4).get(at));
        assertEquals(0xfedc_ba98, new Field("c", 3, 4).getInt(at));
        assertEquals(0xfedc_ba98_7654_3210L, new Field("d", 7, 8).get(at));
        assertTrue(new Field("a", 0, 1).has(at, 0x82));
        assertFalse(new Field("a", 0, 1).has(at, 0x81));
    }

    @Test
    void shouldRefuseNumbersThatDoNotFit() {
        assertThrows(IllegalArgumentException.class, () -> new Field("a", 0, 1).set(at, 0x100));
        assertThrows(IllegalArgumentException.class, () -> new Field("a", 0, 2).set(at, -1));
        assertThrows(IllegalArgumentException.class, () -> new Field("a", 0, 4).set(at, 1L << 32));
        assertThrows(IllegalArgumentException.class, () -> new Field("a", 0, 3));
        assertThrows(IllegalArgumentException.class, () -> new Field("a", 0, 16));
        assertEquals("none", memory.touched());
    }

    @Test
    void shouldPadTexts() {
        TextField spaced = TextField.spaced("SN", 1, 8);
        spaced.set(at, "SLC 1");
        assertEquals("00" + "534c432031202020" + "00", memory.hex(0, 10));
        assertEquals("SLC 1", spaced.get(at));
        TextField zeroed = TextField.zeroed("NQN", 1, 8);
        zeroed.set(at, "nqn");
        assertEquals("00" + "6e716e0000000000" + "00", memory.hex(0, 10));
        assertEquals("nqn", zeroed.get(at));
        zeroed.set(at, "");
        assertEquals("", zeroed.get(at));
    }

    @Test
    void shouldRefuseTextsThatAreNoField() {
        assertThrows(
                IllegalArgumentException.class,
                () -> TextField.spaced("SN", 0, 4).set(at, "12345"));
        assertThrows(
                IllegalArgumentException.class,
                () -> TextField.zeroed("NQN", 0, 4).set(at, "1234"));
        assertThrows(
                IllegalArgumentException.class,
                () -> TextField.spaced("SN", 0, 4).set(at, "a\nb"));
        assertThrows(
                IllegalArgumentException.class,
                () -> TextField.spaced("SN", 0, 4).set(at, "é"));
        assertEquals("none", memory.touched());
    }

    @Test
    void shouldNotTrustADevicesText() {
        TextField text = TextField.spaced("MN", 0, 8);
        Memory.putLong(at, 0x20_20_41_ff_1b_0a_42L);
        assertEquals("B???A", text.get(at));
        Memory.putLong(at, 0);
        assertEquals("", text.get(at));
    }

    @Test
    void shouldKeepBytesInTheirOrder() {
        BytesField field = new BytesField("EUI64", 2, 4);
        field.set(at, new byte[] {1, 2, 3, (byte) 0xfe});
        assertEquals("0000010203fe00", memory.hex(0, 7));
        assertEquals("010203fe", field.hex(at));
        assertThrows(IllegalArgumentException.class, () -> field.set(at, new byte[3]));
        assertThrows(IllegalArgumentException.class, () -> field.set(at, new byte[5]));
    }

    @Test
    void shouldKeepWideNumbersUnsigned() {
        WideField field = new WideField("TNVMCAP", 8);
        Memory.putLong(at + 16, 5);
        field.set(at, -1L);
        assertEquals(BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE), field.get(at));
        Memory.putLong(at + 16, -1L);
        assertEquals(BigInteger.ONE.shiftLeft(128).subtract(BigInteger.ONE), field.get(at));
        assertEquals(16, field.bytes());
    }
}

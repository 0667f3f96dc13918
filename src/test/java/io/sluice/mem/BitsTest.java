package io.sluice.mem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import org.junit.jupiter.api.Test;

class BitsTest {
    @Test
    void shouldGetAndSetEveryFieldOfALong() {
        for (int high = 0; high < 64; high++) {
            for (int low = 0; low <= high; low++) {
                // The model counts in big integers, where no shift distance wraps.
                BigInteger ones = BigInteger.ONE.shiftLeft(high - low + 1).subtract(BigInteger.ONE);
                long field = ones.shiftLeft(low).longValue();
                assertEquals(ones.longValue(), Bits.get(-1L, high, low));
                assertEquals(0, Bits.get(~field, high, low));
                assertEquals(field, Bits.with(0L, high, low, ones.longValue()));
                assertEquals(~field, Bits.with(-1L, high, low, 0L));
            }
        }
    }

    @Test
    void shouldGetAndSetEveryFieldOfAnInt() {
        for (int high = 0; high < 32; high++) {
            for (int low = 0; low <= high; low++) {
                int ones = (int) ((1L << (high - low + 1)) - 1);
                assertEquals(ones, Bits.get(-1, high, low));
                assertEquals(0, Bits.get(~(ones << low), high, low));
                assertEquals(ones << low, Bits.with(0, high, low, ones));
                assertEquals(~(ones << low), Bits.with(-1, high, low, 0));
            }
        }
    }

    @Test
    void shouldRefuseWhenTheValueIsWiderThanTheField() {
        String message = assertThrows(IllegalArgumentException.class, () -> Bits.with(0, 7, 4, 16))
                .getMessage();
        assertTrue(message.contains("0x10") && message.contains("7:4"), message);
        assertThrows(IllegalArgumentException.class, () -> Bits.with(0, 7, 4, -1));
        assertThrows(IllegalArgumentException.class, () -> Bits.with(0L, 62, 0, -1L));
    }

    @Test
    void shouldTestAndSetSingleBits() {
        assertTrue(Bits.isSet(Long.MIN_VALUE, 63));
        assertFalse(Bits.isSet(Long.MAX_VALUE, 63));
        assertTrue(Bits.isSet(Integer.MIN_VALUE, 31));
        assertEquals(Integer.MIN_VALUE, Bits.with(0, 31, true));
        assertEquals(Long.MAX_VALUE, Bits.with(-1L, 63, false));
    }
}

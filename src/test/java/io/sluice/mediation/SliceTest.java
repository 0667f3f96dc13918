package io.sluice.mediation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SliceTest {
    private final Slice slice = new Slice(1, 5000, 1000, 512);

    @ParameterizedTest
    @CsvSource({"0,1,5000", "0,1000,5000", "999,1,5999", "1000,0,6000", "500,500,5500"})
    void shouldShiftWhatIsInside(long slba, long blocks, long host) {
        assertEquals(host, slice.toHost(slba, blocks));
    }

    @ParameterizedTest
    @CsvSource({
        "0,1001",
        "999,2",
        "1000,1",
        "-1,1",
        "-1000,1000",
        "9223372036854775807,1",
        "-9223372036854775808,1",
        "9223372036854775807,65536",
        "1001,0",
        "0,9223372036854775807"
    })
    void shouldRefuseWhatIsOutsideWhateverWouldWrap(long slba, long blocks) {
        assertEquals(Slice.OUTSIDE, slice.toHost(slba, blocks));
    }

    @Test
    void shouldNotExistWhereItsEndCannotBeNamed() {
        assertThrows(IllegalArgumentException.class, () -> new Slice(1, Long.MAX_VALUE, 1, 512));
        assertThrows(IllegalArgumentException.class, () -> new Slice(1, -1, 1, 512));
        assertThrows(IllegalArgumentException.class, () -> new Slice(1, 0, 0, 512));
        assertThrows(IllegalArgumentException.class, () -> new Slice(0, 0, 1, 512));
    }

    @Test
    void shouldKnowItsNeighbours() {
        assertFalse(slice.overlaps(new Slice(1, 6000, 1, 512)));
        assertFalse(slice.overlaps(new Slice(1, 4999, 1, 512)));
        assertFalse(slice.overlaps(new Slice(2, 5000, 1000, 512)));
        assertTrue(slice.overlaps(new Slice(1, 5999, 10, 512)));
        assertTrue(slice.overlaps(new Slice(1, 0, 5001, 512)));
    }
}

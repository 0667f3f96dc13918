package io.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0 ns",
        "812, 812 ns",
        "999.4, 999 ns",
        "1234, 1.23 us",
        "9994, 9.99 us",
        "45670, 45.7 us",
        "123456, 123 us",
        "1200000, 1.20 ms",
        "3000000000, 3.00 s"
    })
    void shouldShowThreeDigitsOfATime(double nanos, String text) {
        assertEquals(text, Units.time(nanos));
    }

    @Test
    void shouldGroupThousands() {
        assertEquals("1,234,568", Units.count(1234567.8));
        assertEquals("1.5 MiB/s", Units.bandwidth(1.5 * 1024 * 1024));
    }

    @Test
    void shouldAlignColumns() {
        TextTable table = new TextTable(List.of("", "IOPS", "p50"));
        table.addRow(List.of("reads", "1", "812 ns"));
        table.addRow(List.of("both", "1,000", "1 us"));
        assertEquals("        IOPS     p50\nreads      1  812 ns\nboth   1,000    1 us\n", table.toString());
    }
}

package io.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class ByteSizeTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "4096, 4096",
        "4k, 4096",
        "4K, 4096",
        "64M, 67108864",
        "512MiB, 536870912",
        "512 MB, 536870912",
        "1G, 1073741824",
        "2T, 2199023255552",
        "7P, 7881299347898368",
        "100B, 100"
    })
    void shouldUnderstandEachWayToWriteASize(String text, long bytes) {
        assertEquals(bytes, ByteSize.parse(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "G", "-1", "1.5G", "1X", "1GG", "0x10", "10 blocks"})
    void shouldSayWhatWouldBeRightWhenItIsNoSize(String text) {
        TypeConversionException e = assertThrows(TypeConversionException.class, () -> ByteSize.parse(text));
        assertTrue(e.getMessage().startsWith("\"" + text + "\" is not a size; write bytes, or"), e.getMessage());
    }

    @Test
    void shouldRefuseWhenItDoesNotFit() {
        TypeConversionException e =
                assertThrows(TypeConversionException.class, () -> ByteSize.parse("99999999999999999999T"));
        assertTrue(e.getMessage().contains("more than 8 EiB"), e.getMessage());
        assertThrows(TypeConversionException.class, () -> ByteSize.parse("8192P"));
    }

    @ParameterizedTest
    @CsvSource({"0, 0 B", "1023, 1023 B", "1024, 1 KiB", "1536, 1.5 KiB", "1073741824, 1 GiB", "4398046511104, 4 TiB"})
    void shouldShowSizesForPeople(long bytes, String text) {
        assertEquals(text, ByteSize.text(bytes));
    }
}

package io.sluice.hostpci;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PciAddressTest {
    @ParameterizedTest
    @CsvSource({
        "0000:01:00.0, 0000:01:00.0",
        "01:00.0, 0000:01:00.0",
        "0000:FF:1F.7, 0000:ff:1f.7",
        "c1:0A.3, 0000:c1:0a.3",
        "10000:e1:00.0, 10000:e1:00.0",
        "' 0001:02:03.4 ', 0001:02:03.4"
    })
    void shouldReadLongAndShortForms(String text, String written) {
        assertEquals(written, PciAddress.parse(text).toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "nvme0",
                "/dev/nvme0",
                "0000:01:00",
                "01.0",
                "0000:01:20.0",
                "0000:01:00.8",
                "0000:1:00.0",
                "000:01:00.0",
                "0000:100:00.0",
                "0000:01:00.0x",
                "../../0000:01:00.0",
                "0000:0g:00.0"
            })
    void shouldSayWhatIsRightWhenItIsNoAddress(String text) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> PciAddress.parse(text));
        assertTrue(e.getMessage().startsWith("\"" + text + "\" is not a PCI address"), e.getMessage());
        assertTrue(e.getMessage().contains("0000:01:00.0"), e.getMessage());
    }

    @Test
    void shouldRefusePartsOutOfRange() {
        assertThrows(IllegalArgumentException.class, () -> new PciAddress(0, 256, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> new PciAddress(0, 0, 32, 0));
        assertThrows(IllegalArgumentException.class, () -> new PciAddress(0, 0, 0, -1));
    }

    @Test
    void shouldSortByDomainThenBusThenDeviceThenFunction() {
        List<String> order = Stream.of("10000:00:00.0", "0000:02:00.0", "0000:01:00.1", "0000:01:00.0", "0000:01:02.0")
                .map(PciAddress::parse)
                .sorted()
                .map(PciAddress::toString)
                .toList();
        assertEquals(List.of("0000:01:00.0", "0000:01:00.1", "0000:01:02.0", "0000:02:00.0", "10000:00:00.0"), order);
    }
}

package io.sluice.vfiouser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Errno;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CapabilitiesTest {
    @Test
    void shouldReadWhatQemuOffers() throws VfioUserException {
        Capabilities capabilities = Capabilities.parse("{\"capabilities\": {\"pgsizes\": 4096, \"max_msg_fds\": 16, "
                + "\"max_dma_maps\": 65535, \"max_data_xfer_size\": 1048576, "
                + "\"migration\": {\"pgsize\": 4096, \"max_bitmap_size\": 268435456}, \"write_multiple\": true}}");

        assertEquals(
                new Capabilities(
                        OptionalLong.of(16),
                        OptionalLong.of(1048576),
                        OptionalLong.of(4096),
                        OptionalLong.of(65535),
                        Optional.of(true)),
                capabilities);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "  ",
                "{}",
                "{\"other\": [1, 2]}",
                "{\"capabilities\": {}}",
                "{\"capabilities\": {\"unknown\": {\"deep\": [null]}, \"migration\": 7}}"
            })
    void shouldFallBackToSpecifiedDefaultsWhenNothingIsSaid(String json) throws VfioUserException {
        Capabilities capabilities = Capabilities.parse(json);

        assertEquals(Capabilities.NONE, capabilities);
        assertEquals(1, capabilities.maxMessageFdsOrDefault());
        assertEquals(1048576, capabilities.maxDataTransferBytesOrDefault());
        assertEquals(4096, capabilities.pageSizesOrDefault());
        assertEquals(65535, capabilities.maxDmaMapsOrDefault());
        assertEquals(false, capabilities.writeMultipleOrDefault());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{",
                "{}}",
                "{} {}",
                "nonsense",
                "null",
                "7",
                "[]",
                "{\"capabilities\": 7}",
                "{\"capabilities\": null}",
                "{\"capabilities\": {\"max_msg_fds\": -1}}",
                "{\"capabilities\": {\"max_msg_fds\": 1.5}}",
                "{\"capabilities\": {\"max_msg_fds\": \"16\"}}",
                "{\"capabilities\": {\"max_dma_maps\": 18446744073709551616}}",
                "{\"capabilities\": {\"pgsizes\": null}}",
                "{\"capabilities\": {\"max_data_xfer_size\": {}}}",
                "{\"capabilities\": {\"write_multiple\": 1}}"
            })
    void shouldRefuseWhatIsNotAsSpecified(String json) {
        VfioUserException refusal = assertThrows(VfioUserException.class, () -> Capabilities.parse(json));

        assertEquals(Errno.EINVAL, refusal.errno());
    }

    @Test
    void shouldRefuseNestingWithoutEnd() {
        assertThrows(VfioUserException.class, () -> Capabilities.parse("{\"a\":".repeat(2000)));
    }

    @Test
    void shouldWriteOnlyWhatIsSaid() throws VfioUserException {
        Capabilities some = new Capabilities(
                OptionalLong.of(16),
                OptionalLong.empty(),
                OptionalLong.of(4096),
                OptionalLong.empty(),
                Optional.of(false));

        assertEquals(
                "{\"capabilities\":{\"max_msg_fds\":16,\"pgsizes\":4096,\"write_multiple\":false}}", some.toJson());
        assertEquals(some, Capabilities.parse(some.toJson()));
        assertEquals("{\"capabilities\":{}}", Capabilities.NONE.toJson());
    }

    @Test
    void shouldEscapeWhatItQuotesOfBadJson() {
        VfioUserException refused =
                assertThrows(VfioUserException.class, () -> Capabilities.parse("forged\u001b\u009b\u0007"));

        assertTrue(refused.getMessage().contains("forged"), refused.getMessage());
        assertTrue(refused.getMessage().chars().noneMatch(Character::isISOControl), refused.getMessage());
    }
}

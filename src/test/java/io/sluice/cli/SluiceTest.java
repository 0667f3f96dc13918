package io.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertNotNull;

import org.junit.jupiter.api.Test;

class SluiceTest {
    @Test
    void shouldLoad() {
        assertNotNull(Sluice.class);
    }
}

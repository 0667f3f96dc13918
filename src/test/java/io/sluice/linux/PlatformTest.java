package io.sluice.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class PlatformTest {
    @Test
    void shouldRunOnLinuxOnX86() {
        assertEquals("", Platform.refusal());
        assertEquals("", Platform.refusal("Linux", "x86_64"));
    }

    @Test
    void shouldRefuseClearlyElsewhere() {
        assertEquals(
                "Sluice runs on Linux on x86-64 only; this is Linux on aarch64.", Platform.refusal("Linux", "aarch64"));
        assertEquals(
                "Sluice runs on Linux on x86-64 only; this is Mac OS X on x86_64.",
                Platform.refusal("Mac OS X", "x86_64"));
    }
}

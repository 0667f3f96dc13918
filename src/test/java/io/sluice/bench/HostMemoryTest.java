package io.sluice.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class HostMemoryTest {
    private static final int MIB = 1 << 20;

    @Test
    void shouldTakeWhatFitsExactly() {
        HostMemory.check(2, 4, MIB, 8L * MIB);
        HostMemory.check(1, 1, 4096);
    }

    @Test
    void shouldRefuseWithTheSumWhatDoesNotFit() {
        IllegalArgumentException refused =
                assertThrows(IllegalArgumentException.class, () -> HostMemory.check(64, 4095, MIB, 3L << 30));

        assertEquals(
                "64 queues x a depth of 4,095 x buffers of 1,048,576 bytes are 255.9 GiB, and this machine has 3.0 GiB of"
                        + " memory left; use fewer queues, or less depth, or smaller blocks",
                refused.getMessage());
        assertThrows(IllegalArgumentException.class, () -> HostMemory.check(2, 4, MIB, 8L * MIB - 1));
        assertThrows(
                IllegalArgumentException.class, () -> HostMemory.check(65_535, 65_535, Integer.MAX_VALUE, 1L << 40));
    }
}

package io.sluice.vfiouser.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.sluice.dma.DmaLimits;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ServerLimitsTest {
    @ParameterizedTest
    @CsvSource({"1048575, 1, 1", "67108865, 1, 1", "1048576, 0, 1", "1048576, 1, 0", "1048576, 1, -1"})
    void shouldRefuseLimitsThatNoClientCouldLiveWith(int transferBytes, int batched, int sendMillis) {
        assertThrows(
                IllegalArgumentException.class,
                () -> new ServerLimits(DmaLimits.DEFAULT, transferBytes, batched, Duration.ofMillis(sendMillis)));
    }

    @Test
    void shouldChangeOneLimitAndKeepOthers() {
        DmaLimits few = new DmaLimits(1, 2, 3, 4);
        ServerLimits limits = ServerLimits.DEFAULT.withDma(few).withSendTimeout(Duration.ofSeconds(7));

        assertEquals(
                new ServerLimits(few, 1 << 20, ServerLimits.DEFAULT.maxBatchedMessages(), Duration.ofSeconds(7)),
                limits);
    }
}

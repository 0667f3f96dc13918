package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.controller.Namespace;
import io.sluice.daemon.HangingDevice.Hang;
import io.sluice.dma.IovaAllocator;
import io.sluice.host.DriverOptions;
import io.sluice.storage.MemoryStorage;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The host asks for the device back while somebody waits for a device that does not answer: in the driver's time, not ours. */
@Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // a hang, not a measure
class SessionLossTest {
    private static final long PROMISED_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final int BLOCKS = 32_768;

    private HangingDevice device;
    private HangingDevice.FlyingClock clock;

    @BeforeEach
    void makeDevice() throws IOException {
        device = new HangingDevice(
                SoftwareModel.start("LOST", new MemoryStorage(new Namespace(1, BLOCKS, 512, 1, 2, 0, false))));
        clock = device.new FlyingClock();
    }

    private NvmeSession start() throws IOException {
        return NvmeSession.start(
                device,
                List.of(new IovaAllocator.Range(0, 0xffff_ffff_ffffL)),
                DriverOptions.polled(1, 16).withClock(clock),
                clock::heard);
    }

    private void assertInTime() {
        long nanos = clock.pausesAfterLoss * HangingDevice.FlyingClock.PAUSE_NANOS;
        assertTrue(nanos < PROMISED_NANOS, "it took " + nanos + " ns");
        assertTrue(clock.pausesAfterLoss > 0, "it did not hang at all");
    }

    @ParameterizedTest
    @EnumSource(names = {"ENABLE", "ADMIN"})
    void shouldEndTheBringUpWhenTheHostAsks(Hang hang) {
        device.hang = hang;

        IOException lost = assertThrows(IOException.class, this::start);

        assertTrue(lost.getMessage().contains("asked for 0000:01:00.0 back"), lost.getMessage());
        assertInTime();
    }

    @Test
    void shouldEndTheLookAtTheContentsWhenTheHostAsksAndKeepTheMemoryOfTheReadUntilTheDriverIsClosed()
            throws Exception {
        try (NvmeSession session = start()) {
            device.hang = Hang.IO;
            IOException lost = assertThrows(
                    IOException.class,
                    () -> session.requireEmpty(session.driver().namespace(1), BLOCKS * 512L));

            assertTrue(lost.getMessage().contains("asked for 0000:01:00.0 back"), lost.getMessage());
            assertEquals(0, device.unmapped, "memory that a read may still be written to");
        }
        assertTrue(device.unmapped > 0);
        assertInTime();
    }

    @Test
    void shouldEndTheShutdownWhenTheHostAsks() throws Exception {
        try (NvmeSession session = start()) {
            device.hang = Hang.SHUTDOWN;
            IOException lost =
                    assertThrows(IOException.class, () -> session.driver().shutDown());
            assertTrue(lost.getMessage().contains("asked for 0000:01:00.0 back"), lost.getMessage());
        }
        assertInTime();
    }

    @Test
    void shouldLetGoOfADeviceThatIsNotDisabledWhenTheHostAsks() throws Exception {
        NvmeSession session = start();
        device.hang = Hang.DISABLE;

        session.driver().close();
        session.close();

        assertInTime();
    }
}

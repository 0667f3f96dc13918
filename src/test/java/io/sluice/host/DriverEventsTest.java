package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.nvme.AsyncEvent;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Asynchronous events: asked for, told, and asked for again. {@link NamespacesTest} has what one of them leads to. */
class DriverEventsTest extends RecoveryFixture {
    @Test
    void shouldTellEventsAndAskForTheNextOnes() throws IOException {
        List<DeviceEvent> events = new ArrayList<>();
        driver.listen(events::add);
        cycle();
        int requests = device.eventRequests.size();
        assertTrue(requests > 0);
        assertTrue(device.event(AsyncEvent.TEMPERATURE_THRESHOLD.dw0()));
        cycle();
        assertEquals(AsyncEvent.TEMPERATURE_THRESHOLD, events.getFirst().known());
        assertEquals(4, events.getFirst().log().get(0), "the SMART log's critical warning");
        assertEquals(requests, device.eventRequests.size(), "asked again");
        driver.requestReset("the test says so");
        passSeconds(2);
        assertEquals(requests, device.eventRequests.size(), "asked again after a reset");
        assertEquals(1, events.size());
    }

    @Test
    void shouldAskForTheEventsThatAreOfferedAndAgainAfterAReset() throws IOException {
        device.optionalEvents = 0x7f00;
        driver.close();
        start();
        driver.listen(event -> {});
        cycle();
        assertEquals(0x31f, device.eventConfiguration, "namespaces, firmware, and the critical warnings");
        device.eventConfiguration = -1;
        cycle();
        assertEquals(-1, device.eventConfiguration, "once is enough");
        driver.requestReset("the test says so");
        passSeconds(2);
        assertEquals(0x31f, device.eventConfiguration);
    }
}

package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.nvme.AsyncEvent;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Namespaces that change under the driver, in virtual time. */
class NamespacesTest extends RecoveryFixture {
    @Test
    void shouldTellThatANamespaceHasChangedWhenTheControllerSaysSo() throws IOException {
        List<NamespaceChange> changes = new ArrayList<>();
        driver.listenForNamespaces(changes::add);
        cycle();
        assertTrue(device.event(AsyncEvent.NAMESPACE_ATTRIBUTE_CHANGED.dw0()));
        cycle();
        assertEquals(List.of(), changes, "it is the same");
        device.namespaceBlocks = 2000;
        assertTrue(device.event(AsyncEvent.NAMESPACE_ATTRIBUTE_CHANGED.dw0()));
        cycle();
        assertEquals(1, changes.size());
        assertEquals(1000, changes.getFirst().before().blockCount());
        assertEquals(2000, changes.getFirst().after().blockCount());
        assertEquals(2000, driver.namespace(1).blockCount());
    }

    @Test
    void shouldTellThatANamespaceHasChangedInAResetBeforeAnybodyDoesIo() throws IOException {
        List<PairState.Mode> modes = new ArrayList<>();
        driver.listenForNamespaces(change -> {
            modes.add(pair.mode());
            throw new IllegalStateException("what a listener does wrong is its own affair");
        });
        device.namespaceBlocks = 2000;
        driver.requestReset("the test says so");
        passSeconds(3);
        assertEquals(List.of(PairState.Mode.ENDING), modes);
        assertEquals(1, driver.resets());
        assertWorks();
    }
}

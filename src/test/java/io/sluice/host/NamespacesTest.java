package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.AsyncEvent;
import io.sluice.nvme.Cns;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Namespaces that change under the driver, and a controller that does not say what they are now, in virtual time. */
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

    // ---- a controller that refuses to say

    @Test
    void shouldAskAgainWhenANamespaceIsNotIdentifiedAfterAnEvent() throws IOException {
        List<NamespaceChange> changes = new ArrayList<>();
        driver.listenForNamespaces(changes::add);
        cycle();
        device.namespaceBlocks = 2000;
        device.refusedNsid = 1;
        assertTrue(device.event(AsyncEvent.NAMESPACE_ATTRIBUTE_CHANGED.dw0()));
        cycle();
        passSeconds(2);
        assertEquals(List.of(), changes, "nobody knows yet");
        assertEquals(1000, driver.namespace(1).blockCount());
        assertWorks();
        device.refusedNsid = 0;
        passSeconds(1);
        assertEquals(1, changes.size());
        assertEquals(2000, driver.namespace(1).blockCount());
        assertEquals(0, driver.resets());
        assertAsksNoMore();
    }

    @Test
    void shouldAskAgainWhenTheNamespacesAreNotListed() throws IOException {
        List<NamespaceChange> changes = new ArrayList<>();
        driver.listenForNamespaces(changes::add);
        cycle();
        device.refusedCns = Cns.ACTIVE_NAMESPACES;
        assertTrue(device.event(AsyncEvent.NAMESPACE_ATTRIBUTE_CHANGED.dw0()));
        cycle();
        passSeconds(2);
        assertEquals(1, driver.namespaces().size());
        device.namespaces = 2;
        device.refusedCns = -1;
        passSeconds(1);
        assertEquals(2, driver.namespaces().size());
        assertEquals(2, changes.getFirst().nsid());
        assertEquals(0, driver.resets());
        assertWorks();
    }

    @Test
    void shouldAskNoMoreOftenThanTenTimesASecondWhenItIsRefused() throws IOException {
        driver.listenForNamespaces(change -> {});
        cycle();
        device.refusedNsid = 1;
        assertTrue(device.event(AsyncEvent.NAMESPACE_ATTRIBUTE_CHANGED.dw0()));
        cycle();
        int asked = identifies();
        for (int i = 0; i < 100; i++) {
            driver.supervise(clock.nanoTime());
        }
        assertEquals(asked, identifies());
        clock.advanceMillis(100);
        driver.supervise(clock.nanoTime());
        assertEquals(asked + 2, identifies(), "the list, and the namespace");
    }

    @Test
    void shouldTellOfOtherNamespacesWhenOneIsNotIdentified() throws IOException {
        List<NamespaceChange> changes = new ArrayList<>();
        driver.listenForNamespaces(changes::add);
        device.namespaces = 2;
        driver.requestReset("the test says so");
        passSeconds(3);
        changes.clear();
        device.refusedNsid = 2;
        device.namespaceBlocks = 2000;
        assertTrue(device.event(AsyncEvent.NAMESPACE_ATTRIBUTE_CHANGED.dw0()));
        cycle();
        assertEquals(1, changes.size());
        assertEquals(1, changes.getFirst().nsid());
        assertEquals(1000, driver.namespace(2).blockCount());
    }

    @Test
    void shouldEndItsResetAndWaitWithItsQueuesWhenANamespaceIsNotIdentified() throws IOException {
        List<NamespaceChange> changes = new ArrayList<>();
        driver.listenForNamespaces(changes::add);
        device.refusedNsid = 1;
        driver.requestReset("the test says so");
        passSeconds(3);
        assertEquals(1, driver.resets());
        assertFalse(pair.flush(1, 7), "it may be another disk");
        device.refusedNsid = 0;
        passSeconds(2);
        assertWorks();
        assertEquals(List.of(), changes, "it is the same");
        assertEquals(1, driver.resets());
        assertAsksNoMore();
    }

    @Test
    void shouldGoOnWithoutANamespaceThatIsNotIdentifiedForTooLong() throws IOException {
        List<NamespaceChange> changes = new ArrayList<>();
        driver.listenForNamespaces(changes::add);
        device.refusedNsid = 1;
        driver.requestReset("the test says so");
        passSeconds(4);
        assertEquals(List.of(), changes);
        passSeconds(4);
        assertEquals(1, changes.size());
        assertEquals("", changes.getFirst().before().unusableBecause());
        String why = changes.getFirst().after().unusableBecause();
        assertTrue(why.startsWith("namespace 1 cannot be used: Identify Namespace 1 on fake nvme was refused"), why);
        assertWorks(); // it is for the owner not to use it
        assertAsksNoMore();
        driver.requestReset("the test says so");
        passSeconds(3);
        assertWorks();
        assertEquals(2, driver.resets());
        assertEquals(1, changes.size(), "that is known");
    }

    private void assertAsksNoMore() throws IOException {
        int asked = identifies();
        passSeconds(10);
        assertEquals(asked, identifies());
    }

    private int identifies() {
        return (int) device.log.stream()
                .filter(AdminOpcode.name(AdminOpcode.IDENTIFY)::equals)
                .count();
    }
}

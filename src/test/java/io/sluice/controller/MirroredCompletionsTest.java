package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Status;
import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A completion queue whose entries go by messages, and which another process goes on with. */
class MirroredCompletionsTest {
    private static final int ENTRIES = 5;
    private static final long QUEUE = 0x1000;
    private static final long DOORBELL = 0x2000;

    private FakeGuest guest;
    private RemoteClient client;
    private ControllerState state;
    private VirtualCompletionQueue queue;

    @BeforeEach
    void setUp() throws IOException {
        guest = new FakeGuest(1 << 20);
        client = new RemoteClient(guest, gpa -> false, bound -> bound - 1);
        state = TestState.of(new ManualPath());
        client.connect(state.stores());
        queue = make();
        queue.begin();
    }

    @AfterEach
    void tearDown() {
        queue.memory().close();
        state.close();
        guest.close();
    }

    private VirtualCompletionQueue make() {
        VirtualCompletionQueue made = new VirtualCompletionQueue(
                1, ENTRIES, QUEUE, 0, guest.hva(DOORBELL), client.hostView(), new NoQueueFaults(), state);
        assertTrue(made.reach(client));
        return made;
    }

    private void post(int firstCid, int count) {
        for (int cid = firstCid; cid < firstCid + count; cid++) {
            assertTrue(queue.reserve());
            queue.post(0, 0, 1, cid, Status.OK);
        }
        queue.storeCount();
    }

    private void goOnInAnotherProcess() {
        queue.memory().close();
        queue = make();
        queue.resume();
        queue.signalAgain();
    }

    private void assertEntry(int index, int cid, int phase) {
        long tail = Cqe.tail(guest.hva(QUEUE) + (long) index * Cqe.BYTES);
        assertEquals(cid, Cqe.cid(tail), "entry " + index);
        assertEquals(phase, Cqe.phase(tail), "entry " + index);
    }

    @Test
    void shouldSendAllOfAQueueAfterTheGuestHasConsumedMoreThanWasKnownToBeSent() {
        post(0, 3);
        queue.exchange();
        client.serve();
        Memory.putIntRelease(guest.hva(DOORBELL), 3);
        goOnInAnotherProcess();
        post(3, ENTRIES - 1);
        goOnInAnotherProcess();
        assertFalse(queue.isVisible());
        queue.exchange();
        client.serve();
        assertEquals(ENTRIES - 1, queue.exchange());
        assertTrue(queue.isVisible());
        assertEntry(3, 3, 1);
        assertEntry(4, 4, 1);
        assertEntry(0, 5, 0);
        assertEntry(1, 6, 0);
    }
}

package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.mem.Memory;
import io.sluice.state.Stores;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A guest that moves its doorbell and a poller that goes to sleep, in each order that their steps can have: whoever sleeps is
 * woken if there is anything to do. That each step is seen by the other's next one is what the full fences on both sides are for;
 * {@link DoorbellWakeTest} has real threads.
 */
class DoorbellArmingTest {
    private static final int ENTRIES = 4;
    private static final long SHADOW = 0x1000;
    private static final long EVENT_IDX = 0x2000;
    private static final long RECORD = 0x3000;

    private FakeGuest memory;
    private Mapping bar0;
    private DoorbellBuffers doorbells;
    private Mapping entry;

    /** The steps of one doorbell, in the order in which the guest does them. */
    private enum GuestStep {
        STORE,
        LOOK,
        RING
    }

    /** The steps of a poller that would rather sleep. */
    private enum PollerStep {
        TAKE,
        PUBLISH,
        CHECK
    }

    private static final List<GuestStep> GUEST_STEPS = List.of(GuestStep.STORE, GuestStep.LOOK, GuestStep.RING);

    @BeforeEach
    void open() throws Exception {
        memory = new FakeGuest(1 << 20);
        bar0 = Mapping.anonymous(16 << 10, Mapping.PROT_READ | Mapping.PROT_WRITE);
        entry = Mapping.anonymous(4096, Mapping.PROT_READ | Mapping.PROT_WRITE);
        doorbells = new DoorbellBuffers(bar0.address());
    }

    @AfterEach
    void close() {
        doorbells.close();
        entry.close();
        bar0.close();
        memory.close();
    }

    /** One order of steps; true is the guest's turn. */
    private final class Run {
        private final ShadowGuest guest = new ShadowGuest(memory.hva(SHADOW), memory.hva(EVENT_IDX));
        private final VirtualSubmissionQueue[] queues;
        private int submitted;
        private int old;
        private boolean wanted;
        private boolean sleeping;
        private boolean permit;
        private int guestSteps;
        private PollerStep pollerStep = PollerStep.TAKE;

        Run(int start) throws LinuxException {
            Memory.fill(memory.hva(SHADOW), 8192, (byte) 0);
            doorbells.enable(memory.hostView());
            doorbells.configure(SHADOW, EVENT_IDX, new VirtualSubmissionQueue[0], new VirtualCompletionQueue[0]);
            var queue = new VirtualSubmissionQueue(
                    1,
                    ENTRIES,
                    0x8000,
                    doorbells.sqTail(1),
                    null,
                    memory.hostView(),
                    new FailingListener(),
                    new RingRecord(memory.hva(RECORD), new Stores()));
            queues = new VirtualSubmissionQueue[] {queue};
            submitted = start;
            guest.storeTail(1, start % ENTRIES);
            take();
        }

        void step(boolean guests) {
            if (guests) {
                stepGuest(GUEST_STEPS.get(guestSteps++ % GUEST_STEPS.size()));
            } else if (!sleeping || permit) {
                sleeping = false;
                stepPoller();
            }
        }

        private void stepGuest(GuestStep step) {
            switch (step) {
                case STORE -> {
                    old = guest.tail(1);
                    submitted++;
                    guest.storeTail(1, submitted % ENTRIES);
                }
                case LOOK -> wanted = guest.isWanted(1, submitted % ENTRIES, old);
                case RING -> permit |= wanted; // a wake is kept for whoever is not asleep yet
            }
        }

        private void stepPoller() {
            switch (pollerStep) {
                case TAKE -> {
                    permit = false; // the last sleep, if there was one, is over
                    take();
                    pollerStep = PollerStep.PUBLISH;
                }
                case PUBLISH -> {
                    doorbells.publish(queues);
                    pollerStep = PollerStep.CHECK;
                }
                case CHECK -> {
                    sleeping = doorbells.isQuiet(queues);
                    pollerStep = PollerStep.TAKE;
                }
            }
        }

        private void take() {
            while (queues[0].available() > 0) {
                assertTrue(queues[0].fetch(entry.address()));
            }
        }

        /** Whether everything has been taken, or will be. */
        boolean isLive() {
            return queues[0].available() == 0 || !sleeping || permit;
        }
    }

    private static final class FailingListener implements QueueListener {
        @Override
        public void invalidDoorbell(int qid, boolean cqHead, int value) {
            throw new AssertionError("doorbell " + qid + " has " + value);
        }

        @Override
        public void queueMemoryUnreachable(int qid, boolean completionQueue, long code) {
            throw new AssertionError("queue " + qid + " is out of reach: " + code);
        }

        @Override
        public void completionLost(int cqid, int sqid, int cid) {
            throw new AssertionError("a completion of queue " + cqid + " is lost");
        }
    }

    /** Every order of so many steps of each, as bits. */
    private static List<Integer> orders(int guestSteps, int pollerSteps) {
        List<Integer> orders = new ArrayList<>();
        int steps = guestSteps + pollerSteps;
        for (int bits = 0; bits < 1 << steps; bits++) {
            if (Integer.bitCount(bits) == guestSteps) {
                orders.add(bits);
            }
        }
        return orders;
    }

    @ParameterizedTest
    @CsvSource({"0,84", "1,84", "3,84", "7,84"}) // first index, orders of 3 + 6 steps
    void shouldNeverSleepOverADoorbellWhateverTheOrder(int start, int expectedOrders) throws Exception {
        assertEquals(expectedOrders, tryAll(start, 1, 6));
    }

    @ParameterizedTest
    @CsvSource({"0", "2", "3"})
    void shouldNeverSleepOverTheSecondOfTwoDoorbellsWhateverTheOrder(int start) throws Exception {
        assertEquals(5005, tryAll(start, 2, 9));
    }

    private int tryAll(int start, int doorbellCount, int pollerSteps) throws Exception {
        int tried = 0;
        int slept = 0;
        int steps = 3 * doorbellCount + pollerSteps;
        for (int order : orders(3 * doorbellCount, pollerSteps)) {
            Run run = new Run(start);
            for (int i = 0; i < steps; i++) {
                run.step((order >>> i & 1) != 0);
            }
            assertTrue(run.isLive(), "asleep with work, in the order " + Integer.toBinaryString(order));
            slept += run.sleeping ? 1 : 0;
            tried++;
        }
        assertTrue(slept > 0, "it can sleep");
        return tried;
    }
}

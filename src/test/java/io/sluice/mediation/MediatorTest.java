package io.sluice.mediation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.poll.Agent;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** Turns, and faults in them; the device's part is shown by tests of the daemon. */
class MediatorTest {
    private final List<String> told = new ArrayList<>();
    private final IdleDevice device = new IdleDevice();
    private final Mediator mediator = new Mediator("device", device);

    /** A device that has nothing to do, but perhaps something in flight. */
    private static final class IdleDevice implements Mediator.Device {
        private boolean quiet = true;
        private List<String> told = new ArrayList<>();
        private Predicate<InternalError> isDealtWith;

        @Override
        public int poll() {
            return 0;
        }

        @Override
        public int submit() {
            told.add("doorbells");
            return 0;
        }

        @Override
        public boolean isQuiet() {
            return quiet;
        }

        @Override
        public void mayRest() {}

        @Override
        public void onAccessError(Predicate<InternalError> handler) {
            isDealtWith = handler;
        }
    }

    private final class Guest implements Agent {
        private final String name;
        private Throwable fault;
        private boolean atFault;
        private boolean dormant;
        private long maxRestNanos = Long.MAX_VALUE;

        Guest(String name) {
            this(name, true);
        }

        Guest(String name, boolean added) {
            this.name = name;
            if (added) {
                mediator.add(this);
            }
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public int doWork() {
            told.add(name);
            if (fault instanceof Error error) {
                throw error;
            }
            if (fault instanceof RuntimeException bug) {
                throw bug;
            }
            return 1;
        }

        @Override
        public boolean isDormant() {
            return dormant;
        }

        @Override
        public long maxRestNanos() {
            return maxRestNanos;
        }

        @Override
        public boolean isAtFault() {
            return atFault;
        }

        @Override
        public void onFault(Throwable met) {
            told.add(name + " failed");
        }
    }

    private List<String> cycle() {
        told.clear();
        mediator.doWork();
        return List.copyOf(told);
    }

    @Test
    void shouldGiveTheFirstTurnToEachGuestInItsTime() {
        new Guest("a");
        new Guest("b");
        new Guest("c");

        assertEquals(List.of("a", "b", "c"), cycle());
        assertEquals(List.of("b", "c", "a"), cycle());
        assertEquals(List.of("c", "a", "b"), cycle());
        assertEquals(List.of("a", "b", "c"), cycle());
    }

    @Test
    void shouldContainABugInOneGuestsTurn() {
        new Guest("a").fault = new IllegalStateException("a bug, made for this test");
        new Guest("b");

        assertEquals(List.of("a", "a failed", "b"), cycle());
    }

    @Test
    void shouldFindTheGuestWhoseMemoryWasTakenAwayWhenAnothersTurnIsInterrupted() {
        new Guest("a").fault = new InternalError("told late, as it were");
        new Guest("b").atFault = true;

        assertEquals(List.of("a", "b failed", "b"), cycle());
    }

    @Test
    void shouldFailNobodyWhenNobodysMemoryIsGone() {
        Guest interrupted = new Guest("a");
        interrupted.fault = new InternalError("told late, as it were");
        new Guest("b");

        assertEquals(List.of("a", "b"), cycle());
        interrupted.fault = null;
        assertEquals(List.of("b", "a"), cycle(), "it goes on");
    }

    @Test
    void shouldGoOnAfterAFaultThatIsNobodys() {
        new Guest("a");
        mediator.onFault(new IllegalStateException("a bug, made for this test"));

        assertEquals(List.of("a"), cycle());
    }

    @Test
    void shouldSleepOnlyWhenAllGuestsMay() {
        Guest one = new Guest("a");
        Guest two = new Guest("b");
        one.dormant = true;
        assertFalse(mediator.isDormant());
        two.dormant = true;
        assertTrue(mediator.isDormant());
    }

    @Test
    void shouldGiveAModelTheLastTurnAfterTheDoorbells() {
        new Guest("a");
        new Guest("b");
        Guest model = new Guest("model", false);
        mediator.runModel(model);
        device.told = told;

        assertEquals(List.of("a", "b", "doorbells", "model"), cycle());
        assertEquals(List.of("b", "a", "doorbells", "model"), cycle());
    }

    @Test
    void shouldStayAwakeForAModelThatIsNotDormant() {
        new Guest("a").dormant = true;
        Guest model = new Guest("model", false);
        mediator.runModel(model);
        assertFalse(mediator.isDormant());
        model.dormant = true;
        assertTrue(mediator.isDormant());
    }

    @Test
    void shouldCountTheCyclesThatHaveEnded() {
        cycle();
        cycle();
        assertEquals(2, mediator.cycles());
    }

    @Test
    void shouldRestNoLongerThanAnyGuestMay() {
        Guest first = new Guest("first");
        Guest second = new Guest("second");
        assertEquals(Long.MAX_VALUE, mediator.maxRestNanos());

        first.maxRestNanos = 300;
        second.maxRestNanos = 200;

        assertEquals(200, mediator.maxRestNanos());
    }

    @Test
    void shouldNotSleepWhileTheDeviceHasCommands() {
        new Guest("a").dormant = true;
        device.quiet = false;
        assertFalse(mediator.isDormant(), "nobody would see them end");
        device.quiet = true;
        assertTrue(mediator.isDormant());
    }

    @Test
    void shouldFindTheGuestWhoseMemoryWasTakenAwayWhenTheDevicesTurnIsInterrupted() {
        new Guest("a");
        Guest guilty = new Guest("b");
        InternalError late = new InternalError("told late, as it were");

        assertFalse(device.isDealtWith.test(late), "nobody's memory is gone: it is the device's");
        guilty.atFault = true;
        assertTrue(device.isDealtWith.test(late));
        assertEquals(List.of("b failed"), told);
    }
}

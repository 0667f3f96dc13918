package io.sluice.poll;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** In virtual time: each reading of the clock takes 1 us, and a park takes as long as it asks for. */
class BackoffIdleTest {
    private final List<Long> parks = new ArrayList<>();
    private long nowNanos;
    private long cpuNanos;
    private long cpuNanosPerPark = 3_000;

    private final BackoffIdle idle = idle(BackoffIdle.MAX_STRETCH);

    private BackoffIdle idle(int stretch) {
        return new BackoffIdle(20_000, 200_000, 2_000_000, stretch, () -> nowNanos += 1_000, () -> cpuNanos, nanos -> {
            parks.add(nanos);
            nowNanos += nanos;
            cpuNanos += cpuNanosPerPark;
        });
    }

    @Test
    void shouldNeverParkWhileThereIsWork() {
        for (int i = 0; i < 1_000_000; i++) {
            idle.idle(1);
        }

        assertEquals(List.of(), parks);
    }

    @Test
    void shouldParkLongerAndLongerUpToTheBoundWhenThereIsNoWork() {
        idleUntilParks(8);

        assertEquals(
                List.of(50_000L, 100_000L, 200_000L, 400_000L, 800_000L, 1_600_000L, 2_000_000L, 2_000_000L), parks);
    }

    @Test
    void shouldSpinAndYieldForTheirTimesBeforeTheFirstPark() {
        idleUntilParks(1);

        long beforePark = nowNanos - parks.get(0);
        assertTrue(beforePark >= 220_000, "parked after " + beforePark + " ns");
        assertTrue(beforePark <= 224_000, "parked after " + beforePark + " ns");
    }

    @Test
    void shouldBeginAgainWithSpinningWhenWorkHasCome() {
        idleUntilParks(5);
        parks.clear();

        idle.idle(1);
        idleUntilParks(2);

        assertEquals(List.of(50_000L, 100_000L), parks);
    }

    @Test
    void shouldKeepToTheBoundWhereParksAreCheap() {
        cpuNanosPerPark = 24_000; // 1.2 % of 2 ms

        idleUntilParks(500);

        assertEquals(2_000_000, Collections.max(parks));
    }

    @Test
    void shouldParkLongerWhereParksAreDearSoThatIdlingStaysInItsBudget() {
        cpuNanosPerPark = 45_000;

        idleUntilParks(500);

        assertEquals(3_600_000, parks.getLast()); // of which 45 us are 1.25 %
    }

    @Test
    void shouldNeverParkMoreThanThreeTimesAsLongAsAskedFor() {
        cpuNanosPerPark = 400_000;

        idleUntilParks(500);

        assertEquals(6_000_000, parks.getLast());
    }

    @Test
    void shouldKeepToABoundThatSomebodyHasChosenWhateverItCosts() {
        cpuNanosPerPark = 400_000;
        BackoffIdle exact = idle(1);

        while (parks.size() < 500) {
            exact.idle(0);
        }

        assertEquals(2_000_000, Collections.max(parks));
    }

    @Test
    void shouldGoBackToTheBoundWhenParksHaveBecomeCheap() {
        cpuNanosPerPark = 45_000;
        idleUntilParks(500);
        cpuNanosPerPark = 3_000;

        idleUntilParks(1_000);

        assertEquals(2_000_000, parks.getLast());
    }

    @Test
    void shouldSleepLongWhenDormant() {
        idle.sleep();

        assertEquals(List.of(250_000_000L), parks);
    }

    @Test
    void shouldParkNoLongerThanTheAgentMayRest() {
        idleUntilParks(3);
        parks.clear();

        idle.idle(0, 70_000);
        idle.idle(0, -1);
        idle.idle(0, 600_000);
        idle.idle(0);

        assertEquals(List.of(70_000L, 0L, 400_000L, 800_000L), parks);
    }

    @Test
    void shouldSayThatItParksOnlyOnceSpinningAndYieldingAreOver() {
        idle.idle(1);
        assertFalse(idle.isParking());
        idleUntilParks(1);
        assertTrue(idle.isParking());
        idle.idle(1);
        assertFalse(idle.isParking());
    }

    @Test
    void shouldRefuseBoundsThatMakeNoSense() {
        assertThrows(IllegalArgumentException.class, () -> new BackoffIdle(-1, 0, 2_000_000));
        assertThrows(IllegalArgumentException.class, () -> new BackoffIdle(0, -1, 2_000_000));
        assertThrows(IllegalArgumentException.class, () -> new BackoffIdle(0, 0, 49_999));
    }

    private void idleUntilParks(int count) {
        for (int i = 0; i < 1_000_000 && parks.size() < count; i++) {
            idle.idle(0);
        }
        assertEquals(count, parks.size());
    }
}

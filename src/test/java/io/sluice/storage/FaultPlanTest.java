package io.sluice.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.storage.FaultPlan.Fault;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FaultPlanTest {
    private static final List<Fault> FIRST = List.of(
            Fault.LATE,
            Fault.NONE,
            Fault.FAILED,
            Fault.STUCK,
            Fault.STUCK,
            Fault.FAILED,
            Fault.REORDERED,
            Fault.FAILED,
            Fault.NONE,
            Fault.STUCK);

    private static List<Fault> schedule(FaultPlan plan) {
        return LongStream.range(0, 1000).mapToObj(plan::faultOf).toList();
    }

    @Test
    void shouldReadAllKindsOfFaults() {
        assertEquals(
                new FaultPlan(0.01, 5_000_000, 0.001, 0.0001, 0.1, true, 7),
                FaultPlan.parse("late=0.01:5ms, fail=0.001,stuck=0.0001,reorder=0.1,torn", 7));
        assertEquals(500_000, FaultPlan.parse("late=1:500us", 7).lateNanos());
        assertEquals(60_000_000_000L, FaultPlan.parse("late=1:60s", 7).lateNanos());
    }

    @ParameterizedTest
    @CsvSource({
        "'', '\"\" is no fault'",
        "'fail', 'lacks its likelihood'",
        "'fail=', '\"fail=\" has no likelihood that makes sense'",
        "'fail=x', 'no likelihood that makes sense'",
        "'fail=NaN', 'no likelihood from 0 to 1'",
        "'fail=-0.1', 'no likelihood from 0 to 1'",
        "'fail=1.1', 'no likelihood from 0 to 1'",
        "'fail=0.1,fail=0.1', 'is there twice'",
        "'torn,', '\"\" is no fault'",
        "'torn=1', '\"torn=1\" has no likelihood'",
        "'slow=1', '\"slow=1\" is no fault; faults are late=P:TIME'",
        "'late=0.1', 'does not say by how much'",
        "'late=0.1:5', 'has no time that makes sense'",
        "'late=0.1:61s', 'late by more than 60 s'",
        "'late=0.1:999999999s', 'late by more than 60 s'",
        "'late=0.6:1ms,fail=0.5', 'more than 1 together'"
    })
    void shouldSayWhatIsWrong(String text, String message) {
        String said = assertThrows(IllegalArgumentException.class, () -> FaultPlan.parse(text, 1))
                .getMessage();
        assertTrue(said.contains(message), said);
    }

    @Test
    void shouldHaveOneScheduleForASeed() {
        String text = "late=0.2:1ms,fail=0.2,stuck=0.2,reorder=0.2";
        List<Fault> schedule = schedule(FaultPlan.parse(text, 42));
        assertEquals(schedule, schedule(FaultPlan.parse(text, 42)));
        assertNotEquals(schedule, schedule(FaultPlan.parse(text, 43)));
        // Written down, so that a seed that was noted years ago still gives what it gave.
        assertEquals(FIRST, schedule.subList(0, FIRST.size()));
    }

    @Test
    void shouldMeetEachFaultAboutAsOftenAsAsked() {
        FaultPlan plan = FaultPlan.parse("late=0.1:1ms,fail=0.02,stuck=0.003,reorder=0.3", 1);
        Map<Fault, Integer> counts = new EnumMap<>(Fault.class);
        for (int i = 0; i < 100_000; i++) {
            counts.merge(plan.faultOf(i), 1, Integer::sum);
        }
        assertEquals(10_000, counts.get(Fault.LATE), 500);
        assertEquals(2_000, counts.get(Fault.FAILED), 200);
        assertEquals(300, counts.get(Fault.STUCK), 80);
        assertEquals(30_000, counts.get(Fault.REORDERED), 700);
    }

    @Test
    void shouldTellWhatItDoesAndTheSeed() {
        assertEquals(
                "1.000 % late by 5000 us, 0.1000 % failing, a volatile cache that a crash tears; seed 9",
                FaultPlan.parse("late=0.01:5ms,fail=0.001,torn", 9).toString());
    }
}

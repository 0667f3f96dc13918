package io.sluice.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.nvme.Status;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a load does when and where: Chooser, Span, Timeline, StatusTally, BenchOptions. */
class LoadShapeTest {
    private static BenchOptions options(Operation operation, int readPercent, long seed) {
        return new BenchOptions(operation, 4096, 1, 1, 1, 1, 0, readPercent, false, seed, 0, 0);
    }

    // ---- Chooser

    @Test
    void shouldGoRoundWhenSequential() {
        Chooser chooser = new Chooser(options(Operation.WRITE, 50, 1), 3, 1);
        assertEquals(
                List.of(0L, 1L, 2L, 0L),
                List.of(chooser.nextUnit(), chooser.nextUnit(), chooser.nextUnit(), chooser.nextUnit()));
        assertTrue(chooser.nextIsWrite());
    }

    @Test
    void shouldReachEveryUnitEvenlyWhenRandom() {
        Chooser chooser = new Chooser(options(Operation.RANDREAD, 50, 7), 10, 1);
        int[] counts = new int[10];
        for (int i = 0; i < 100_000; i++) {
            counts[(int) chooser.nextUnit()]++;
            assertFalse(chooser.nextIsWrite());
        }
        for (int count : counts) {
            assertTrue(count > 9_000 && count < 11_000, "of 10,000: " + count);
        }
    }

    @Test
    void shouldKeepTheShareOfReadsWhenMixed() {
        Chooser chooser = new Chooser(options(Operation.RANDRW, 70, 7), 10, 1);
        int writes = 0;
        for (int i = 0; i < 100_000; i++) {
            writes += chooser.nextIsWrite() ? 1 : 0;
        }
        assertTrue(writes > 29_000 && writes < 31_000, "of 30,000: " + writes);
    }

    @Test
    void shouldRepeatWithTheSameSeedAndDifferBetweenQueues() {
        BenchOptions options = options(Operation.RANDREAD, 50, 99);
        long first = new Chooser(options, Long.MAX_VALUE, 1).nextUnit();
        assertEquals(first, new Chooser(options, Long.MAX_VALUE, 1).nextUnit());
        assertNotEquals(first, new Chooser(options, Long.MAX_VALUE, 2).nextUnit());
    }

    // ---- Span

    @Test
    void shouldCutIntoPartsThatDoNotOverlap() {
        Span whole = new Span(0, 10, 8, 512);
        Span first = whole.part(0, 3);
        Span last = whole.part(2, 3);
        assertEquals(new Span(0, 3, 8, 512), first);
        assertEquals(48, last.firstLba());
        assertEquals(64, last.lba(2));
        assertEquals(4096, last.unitBytes());
    }

    // ---- Timeline

    @Test
    void shouldMeasureBetweenWarmUpAndEnd() {
        Timeline timeline = new Timeline(1000, 100, 500);
        assertFalse(timeline.isMeasured(1099));
        assertTrue(timeline.isMeasured(1100));
        assertTrue(timeline.isMeasured(1599));
        assertFalse(timeline.isMeasured(1600));
        assertFalse(timeline.isOver(1599));
        assertTrue(timeline.isOver(1600));
        assertEquals(0, timeline.measuredNanos(1050));
        assertEquals(400, timeline.measuredNanos(1500));
        assertEquals(500, timeline.measuredNanos(9999));
    }

    @Test
    void shouldEndEarlyWhenStopped() {
        Timeline timeline = new Timeline(1000, 100, 500);
        timeline.stop(1300);
        timeline.stop(1400);
        assertTrue(timeline.isStopped());
        assertTrue(timeline.isOver(1300));
        assertEquals(200, timeline.measuredNanos(5000));
    }

    @Test
    void shouldKeepWhatWasMeasuredWhenStoppedAfterTheEnd() {
        Timeline timeline = new Timeline(1000, 100, 500);
        timeline.stop(2000);
        assertTrue(timeline.isStopped());
        assertEquals(500, timeline.measuredNanos(3000));
    }

    @Test
    void shouldMeasureNothingWhenStoppedInTheWarmUp() {
        Timeline timeline = new Timeline(1000, 100, 500);
        timeline.stop(1050);
        assertEquals(0, timeline.measuredNanos(2000));
        assertFalse(timeline.isMeasured(1200));
    }

    @Test
    void shouldWorkWhenTheClockWraps() {
        Timeline timeline = new Timeline(Long.MAX_VALUE - 50, 100, 500);
        assertFalse(timeline.isMeasured(Long.MAX_VALUE - 10));
        assertTrue(timeline.isMeasured(Long.MIN_VALUE + 100));
        assertTrue(timeline.isOver(Long.MIN_VALUE + 600));
    }

    // ---- StatusTally

    @Test
    void shouldCountByNameAndBoundTheKinds() {
        StatusTally tally = new StatusTally();
        tally.add(Status.LBA_OUT_OF_RANGE.dnr());
        tally.add(Status.LBA_OUT_OF_RANGE.dnr());
        for (int status = 1; status <= 100; status++) {
            tally.add(status);
        }
        Map<String, Long> names = StatusTally.byName(List.of(tally));
        assertEquals(2L, names.get(Status.describe(Status.LBA_OUT_OF_RANGE.dnr())));
        assertEquals(102L, names.values().stream().mapToLong(Long::longValue).sum());
        assertEquals(69L, names.get("other statuses"));
    }

    // ---- BenchOptions

    @Test
    void shouldSayWhatWouldBeRightWhenOptionsAreNot() {
        IllegalArgumentException e = assertThrows(
                IllegalArgumentException.class,
                () -> new BenchOptions(Operation.READ, 4096, 0, 1, 1, 1, 0, 50, false, 1, 0, 0));
        assertEquals("the depth must be 1 or more, not 0", e.getMessage());
        e = assertThrows(
                IllegalArgumentException.class,
                () -> new BenchOptions(Operation.READ, 4096, 1, 2, 3, 1, 0, 50, false, 1, 0, 0));
        assertEquals("threads must be 1 to the number of queues, not 3", e.getMessage());
    }
}

package io.sluice.daemon;

import static io.sluice.daemon.LogLimiter.BURST;
import static io.sluice.daemon.LogLimiter.REFILL_SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.daemon.LogLimiter.Summary;
import io.sluice.daemon.LogLimiter.Verdict;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** In virtual time. */
class LogLimiterTest {
    private long now = Long.MAX_VALUE - TimeUnit.SECONDS.toNanos(15); // nanoTime may wrap
    private final LogLimiter<Integer> limiter = new LogLimiter<>(() -> now);

    private void pass(long seconds) {
        now += TimeUnit.SECONDS.toNanos(seconds);
    }

    private void drain(Object kind) {
        for (int i = 0; i < BURST; i++) {
            assertEquals(Verdict.SHOW, limiter.admit(kind, i));
        }
    }

    @Test
    void shouldShowABurstThenCount() {
        drain("a");

        assertEquals(Verdict.BEGIN_TO_COUNT, limiter.admit("a", 100));
        assertEquals(Verdict.COUNT, limiter.admit("a", 101));
        assertEquals(List.of(), limiter.due());
    }

    @Test
    void shouldSumUpWhatWasCountedWhenATokenIsBack() {
        drain("a");
        for (int i = 0; i < 37; i++) {
            limiter.admit("a", 100 + i);
        }
        pass(REFILL_SECONDS - 1);
        assertEquals(List.of(), limiter.due());
        pass(1);

        assertEquals(List.of(new Summary<>(136, 37, REFILL_SECONDS)), limiter.due());
        assertEquals(List.of(), limiter.due(), "once");
        assertEquals(Verdict.COUNT, limiter.admit("a", 200), "the summary has taken the token");
    }

    @Test
    void shouldMakeOneLineEachTenSecondsOfAFloodThatNeverEnds() {
        int lines = 0;
        long counted = 0;
        for (int i = 0; i < 3600 * 100; i++) {
            for (Summary<Integer> summary : limiter.due()) {
                lines++;
                counted += summary.count();
            }
            Verdict verdict = limiter.admit("a", i);
            lines += verdict == Verdict.COUNT ? 0 : 1;
            now += TimeUnit.MILLISECONDS.toNanos(10);
        }
        pass(REFILL_SECONDS);
        counted += limiter.due().getFirst().count();

        assertEquals(BURST + 1 + 3600 / REFILL_SECONDS - 1, lines, "an hour's");
        assertEquals(3600 * 100 - BURST, counted, "none is lost");
    }

    @Test
    void shouldShowTheBurstAgainAfterAQuietTime() {
        drain("a");
        limiter.admit("a", 100);
        pass((BURST + 1) * REFILL_SECONDS);
        assertEquals(1, limiter.due().getFirst().count());

        for (int i = 0; i < BURST - 1; i++) {
            assertEquals(Verdict.SHOW, limiter.admit("a", i));
        }
        assertEquals(Verdict.BEGIN_TO_COUNT, limiter.admit("a", 100));
    }

    @Test
    void shouldShowEverythingThatIsRare() {
        for (int i = 0; i < 1000; i++) {
            assertEquals(Verdict.SHOW, limiter.admit("a", i));
            pass(REFILL_SECONDS);
        }
    }

    @Test
    void shouldKeepKindsApart() {
        drain("a");
        limiter.admit("a", 100);

        drain("b");
    }

    @Test
    void shouldForgetTheOldestOfTooManyKinds() {
        drain("first");
        limiter.admit("first", 1);
        for (int i = 0; i < 5000; i++) {
            limiter.admit(i, i);
        }
        pass(REFILL_SECONDS);

        assertEquals(List.of(), limiter.due());
        drain("first");
    }
}

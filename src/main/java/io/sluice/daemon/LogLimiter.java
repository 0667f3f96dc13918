package io.sluice.daemon;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * How often an event of one kind may be logged: a guest can reset its controller, and a client reconnect, thousands of times
 * a second, and must not fill the operator's disk with that, or drown what others are told.
 *
 * <pre>
 *   a kind's bucket:  {@value #BURST} tokens, one more every {@value #REFILL_SECONDS} s
 *
 *   event ──token left──▶ shown
 *     └─────none left───▶ counted ──a token is back──▶ one summary of what was counted, which takes the token
 * </pre>
 *
 * <p>So a flood that never ends is one line every {@value #REFILL_SECONDS} s. A summary is due at the next event of any kind,
 * for no thread waits for it. Not thread-safe.
 *
 * @param <E> events
 */
final class LogLimiter<E> {
    /** Events of a kind that are shown at once. */
    static final int BURST = 10;

    /** How long one more takes, in seconds. */
    static final int REFILL_SECONDS = 10;

    private static final long NANOS_PER_SECOND = 1_000_000_000;
    private static final long REFILL_NANOS = REFILL_SECONDS * NANOS_PER_SECOND;

    /** Kinds are lines of code times controllers, so this is far more than there are; only a bound. */
    private static final int MAX_KINDS = 1024;

    /** What becomes of an event. */
    enum Verdict {
        SHOW,
        /** It is counted, and the first one that is: say so. */
        BEGIN_TO_COUNT,
        COUNT
    }

    /**
     * Events of one kind that were counted.
     *
     * @param last of them
     * @param count how many, 1 or more
     * @param seconds since the first of them
     */
    record Summary<E>(E last, long count, long seconds) {}

    private static final class Bucket<E> {
        private int tokens = BURST;
        private long refilledNanos;
        private boolean counting;
        private E last;
        private long count;
        private long countedSinceNanos;

        Bucket(long now) {
            refilledNanos = now;
        }

        private void refill(long now) {
            long added = (now - refilledNanos) / REFILL_NANOS;
            tokens = (int) Math.min(BURST, tokens + added);
            refilledNanos += added * REFILL_NANOS;
        }
    }

    private final LongSupplier clock;

    /** By kind, the longest unused first. */
    private final Map<Object, Bucket<E>> buckets = new LinkedHashMap<>(16, 0.75f, true);

    private int counting;

    /** @param clock nanoseconds of any origin */
    LogLimiter(LongSupplier clock) {
        this.clock = clock;
    }

    /** Decides on an event; to be called after {@link #due}. */
    Verdict admit(Object kind, E event) {
        long now = clock.getAsLong();
        Bucket<E> bucket = buckets.get(kind);
        if (bucket == null) {
            bucket = new Bucket<>(now);
            buckets.put(kind, bucket);
            forgetOldest();
        }
        bucket.refill(now);
        if (bucket.tokens > 0) {
            bucket.tokens--;
            bucket.counting = false;
            return Verdict.SHOW;
        }
        if (bucket.count == 0) {
            bucket.countedSinceNanos = now;
            counting++;
        }
        bucket.count++;
        bucket.last = event;
        boolean first = !bucket.counting;
        bucket.counting = true;
        return first ? Verdict.BEGIN_TO_COUNT : Verdict.COUNT;
    }

    private void forgetOldest() {
        if (buckets.size() > MAX_KINDS) {
            Bucket<E> oldest = buckets.remove(buckets.keySet().iterator().next());
            counting -= oldest.count > 0 ? 1 : 0;
        }
    }

    /** Summaries of what has been counted, where a token is back; they are to be shown. */
    List<Summary<E>> due() {
        if (counting == 0) {
            return List.of();
        }
        long now = clock.getAsLong();
        List<Summary<E>> due = new ArrayList<>();
        for (Bucket<E> bucket : buckets.values()) {
            bucket.refill(now);
            if (bucket.count > 0 && bucket.tokens > 0) {
                bucket.tokens--;
                due.add(take(bucket, now));
            }
        }
        return due;
    }

    private Summary<E> take(Bucket<E> bucket, long now) {
        long seconds = (now - bucket.countedSinceNanos) / NANOS_PER_SECOND;
        Summary<E> summary = new Summary<>(bucket.last, bucket.count, seconds);
        bucket.count = 0;
        bucket.last = null;
        counting--;
        return summary;
    }
}

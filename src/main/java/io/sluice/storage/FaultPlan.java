package io.sluice.storage;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What goes wrong with a drive, and when: a seed gives the schedule, so that what was found once can be found again. What happens to
 * a command depends on the seed and on how many came before it, and on nothing else. Immutable; allocates nothing after it is made.
 *
 * @param late how likely a command is begun late, 0 to 1
 * @param lateNanos by how much
 * @param failing how likely it is not done, and ends in an error
 * @param stuck how likely it never ends by itself
 * @param reordered how likely commands that came later overtake it
 * @param torn whether the drive has a volatile cache, of which a crash leaves a part
 * @param seed of the schedule
 */
public record FaultPlan(
        double late, long lateNanos, double failing, double stuck, double reordered, boolean torn, long seed) {
    /** What becomes of a command. */
    enum Fault {
        NONE,
        LATE,
        FAILED,
        STUCK,
        REORDERED
    }

    /** How a plan is written, for messages and help. */
    public static final String GRAMMAR =
            "late=P:TIME, fail=P, stuck=P, reorder=P and torn, with commas between them: P from 0 to 1"
                    + " is how likely a command meets it, TIME is such as 500us, 5ms, 1s";

    /** Longer than this is as good as stuck. */
    private static final long MAX_LATE_NANOS = TimeUnit.SECONDS.toNanos(60);

    /** A reordered command lets one to so many overtake it. */
    private static final int MAX_OVERTAKING = 8;

    private static final long GOLDEN = 0x9e3779b97f4a7c15L;
    private static final long FAULT_SALT = 1;
    private static final long REORDER_SALT = 2;
    private static final long TORN_SALT = 3;
    private static final Pattern TIME = Pattern.compile("([0-9]{1,9})(us|ms|s)");

    public FaultPlan {
        for (double each : new double[] {late, failing, stuck, reordered}) {
            if (!(each >= 0 && each <= 1)) {
                throw new IllegalArgumentException("a likelihood is from 0 to 1, not " + each);
            }
        }
        if (late + failing + stuck + reordered > 1) {
            throw new IllegalArgumentException(
                    "the likelihoods of late, fail, stuck and reorder are more than 1 together: a command meets one of them");
        }
        if (lateNanos < 0 || lateNanos > MAX_LATE_NANOS) {
            throw new IllegalArgumentException("late by more than 60 s: that is what stuck is for");
        }
    }

    /**
     * Reads one.
     *
     * @param text as {@link #GRAMMAR} says
     * @throws IllegalArgumentException with what is wrong, and how it is written
     */
    public static FaultPlan parse(String text, long seed) {
        Parsed parsed = new Parsed();
        for (String part : text.split(",", -1)) {
            parsed.add(part.strip());
        }
        return new FaultPlan(
                parsed.late, parsed.lateNanos, parsed.failing, parsed.stuck, parsed.reordered, parsed.torn, seed);
    }

    private static final class Parsed {
        private final Set<String> seen = new HashSet<>();
        private double late;
        private long lateNanos;
        private double failing;
        private double stuck;
        private double reordered;
        private boolean torn;

        void add(String part) {
            int equals = part.indexOf('=');
            String name = equals < 0 ? part : part.substring(0, equals);
            String value = equals < 0 ? "" : part.substring(equals + 1);
            if (!seen.add(name)) {
                throw bad(part, "is there twice");
            }
            if (name.equals("torn") != (equals < 0)) {
                throw bad(part, name.equals("torn") ? "has no likelihood" : "is no fault, or lacks its likelihood");
            }
            switch (name) {
                case "torn" -> torn = true;
                case "late" -> addLate(part, value);
                case "fail" -> failing = likelihood(part, value);
                case "stuck" -> stuck = likelihood(part, value);
                case "reorder" -> reordered = likelihood(part, value);
                default -> throw bad(part, "is no fault");
            }
        }

        private void addLate(String part, String value) {
            int colon = value.indexOf(':');
            if (colon < 0) {
                throw bad(part, "does not say by how much");
            }
            late = likelihood(part, value.substring(0, colon));
            Matcher time = TIME.matcher(value.substring(colon + 1));
            if (!time.matches()) {
                throw bad(part, "has no time that makes sense");
            }
            TimeUnit unit = switch (time.group(2)) {
                case "us" -> TimeUnit.MICROSECONDS;
                case "ms" -> TimeUnit.MILLISECONDS;
                default -> TimeUnit.SECONDS;
            };
            lateNanos = unit.toNanos(Long.parseLong(time.group(1)));
        }

        private static double likelihood(String part, String value) {
            double parsed;
            try {
                parsed = Double.parseDouble(value);
            } catch (NumberFormatException e) {
                throw bad(part, "has no likelihood that makes sense");
            }
            if (!(parsed >= 0 && parsed <= 1)) {
                throw bad(part, "has no likelihood from 0 to 1");
            }
            return parsed;
        }

        private static IllegalArgumentException bad(String part, String why) {
            return new IllegalArgumentException("\"" + part + "\" " + why + "; faults are " + GRAMMAR);
        }
    }

    /** What happens to the command before which so many were taken. */
    Fault faultOf(long number) {
        double at = (word(FAULT_SALT, number) >>> 11) * 0x1p-53; // 53 bits, a number from 0 to less than 1
        if (at < late) {
            return Fault.LATE;
        }
        at -= late;
        if (at < failing) {
            return Fault.FAILED;
        }
        at -= failing;
        if (at < stuck) {
            return Fault.STUCK;
        }
        return at - stuck < reordered ? Fault.REORDERED : Fault.NONE;
    }

    /** How many later commands overtake it, if it is one that is reordered: 1 or more. */
    int overtakingOf(long number) {
        return 1 + (int) Long.remainderUnsigned(word(REORDER_SALT, number), MAX_OVERTAKING);
    }

    /**
     * Whether a block is kept in the volatile cache when it is written; if not, it goes to the medium at once. Of the block's place and
     * content: threads that write at the same time do not change the schedule.
     */
    boolean isCached(long block, long content) {
        return (word(TORN_SALT, (block * GOLDEN) ^ content) & 1) == 0;
    }

    /** The generator of Steele, Lea and Flood (SplitMix64), at any place. */
    private long word(long salt, long number) {
        long z = (seed ^ (salt * 0xbf58476d1ce4e5b9L)) + ((number + 1) * GOLDEN);
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }

    /** What it is, in words, with the seed. */
    @Override
    public String toString() {
        List<String> parts = new ArrayList<>();
        if (late > 0) {
            parts.add(percent(late) + " late by " + TimeUnit.NANOSECONDS.toMicros(lateNanos) + " us");
        }
        if (failing > 0) {
            parts.add(percent(failing) + " failing");
        }
        if (stuck > 0) {
            parts.add(percent(stuck) + " stuck");
        }
        if (reordered > 0) {
            parts.add(percent(reordered) + " overtaken by later ones");
        }
        if (torn) {
            parts.add("a volatile cache that a crash tears");
        }
        return (parts.isEmpty() ? "none" : String.join(", ", parts)) + "; seed " + seed;
    }

    private static String percent(double likelihood) {
        return String.format(Locale.ROOT, "%.4g %%", likelihood * 100);
    }
}

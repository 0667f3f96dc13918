package io.sluice.config;

import java.util.OptionalInt;

/**
 * The thread that polls.
 *
 * @param core the processor that it is pinned to, 0 to {@link #MAX_CORE}; empty for none
 * @param spinMicros how long it spins after the last work, 0 to {@link #MAX_MICROS}
 * @param yieldMicros how long it yields after that, 0 to {@link #MAX_MICROS}
 * @param maxParkMicros the longest it sleeps after that, {@link #MIN_PARK_MICROS} to {@link #MAX_MICROS}: so late may a
 *     doorbell be seen
 * @param parkIsBound whether that holds whatever it costs; if not, sleeps may become longer where they cost much
 */
public record PollerSettings(
        OptionalInt core, int spinMicros, int yieldMicros, int maxParkMicros, boolean parkIsBound) {
    /** What a processor mask of the room {@code linux} has bits for. */
    public static final int MAX_CORE = 8191;

    /** The kernel's timer slack makes a shorter one pointless. */
    public static final int MIN_PARK_MICROS = 50;

    public static final int MAX_MICROS = 1_000_000;

    public static final PollerSettings DEFAULT = new PollerSettings(OptionalInt.empty(), 20, 200, 2_000, false);

    /** With a bound that somebody has chosen, and that holds. */
    public PollerSettings(OptionalInt core, int spinMicros, int yieldMicros, int maxParkMicros) {
        this(core, spinMicros, yieldMicros, maxParkMicros, true);
    }
}

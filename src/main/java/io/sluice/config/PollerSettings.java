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
 */
public record PollerSettings(OptionalInt core, int spinMicros, int yieldMicros, int maxParkMicros) {
    /** What a processor mask of the room {@code linux} has bits for. */
    public static final int MAX_CORE = 8191;

    /** The kernel's timer slack makes a shorter one pointless. */
    public static final int MIN_PARK_MICROS = 50;

    public static final int MAX_MICROS = 1_000_000;

    public static final PollerSettings DEFAULT = new PollerSettings(OptionalInt.empty(), 20, 200, 2_000);
}

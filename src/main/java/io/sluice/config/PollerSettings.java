package io.sluice.config;

import java.util.OptionalInt;

/**
 * The thread that polls.
 *
 * @param core the processor that it is pinned to; empty for none
 * @param spinMicros how long it spins after the last work, 0 or more
 * @param yieldMicros how long it yields after that, 0 or more
 * @param maxParkMicros the longest it sleeps after that, 50 or more: so late may a doorbell be seen
 */
public record PollerSettings(OptionalInt core, int spinMicros, int yieldMicros, int maxParkMicros) {
    public static final PollerSettings DEFAULT = new PollerSettings(OptionalInt.empty(), 20, 200, 2_000);
}

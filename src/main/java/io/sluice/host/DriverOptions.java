package io.sluice.host;

import io.sluice.nvme.Rings;

/**
 * How to drive a controller.
 *
 * @param queuePairs I/O queue pairs to create, 1 to 65535; 0 for none, to identify only
 * @param queueEntries size of each I/O queue, {@link Rings#MIN_ENTRIES} to {@link Rings#MAX_ENTRIES}; one less may be
 *     outstanding
 * @param interrupts whether I/O completion queues raise MSI-X interrupts; false for polling only
 * @param timeouts how long to wait for commands
 * @param doorbellBuffer whether to use a Doorbell Buffer (NVMe 1.4, 5.7) where the controller offers one: for controllers that
 *     somebody emulates, and that sleep
 * @param sgl whether to describe data by SGLs where the controller takes them
 * @param clock {@link DriverClock#system} but in tests
 */
public record DriverOptions(
        int queuePairs,
        int queueEntries,
        boolean interrupts,
        Timeouts timeouts,
        boolean doorbellBuffer,
        boolean sgl,
        DriverClock clock) {
    public DriverOptions {
        if (queuePairs < 0 || queuePairs > 65_535) {
            throw new IllegalArgumentException("queue pairs must be 0 to 65535, not " + queuePairs);
        }
        if (queueEntries < Rings.MIN_ENTRIES || queueEntries > Rings.MAX_ENTRIES) {
            throw new IllegalArgumentException(
                    "a queue has " + Rings.MIN_ENTRIES + " to " + Rings.MAX_ENTRIES + " entries, not " + queueEntries);
        }
    }

    /** Admin commands only. */
    public static DriverOptions adminOnly() {
        return polled(0, Rings.MIN_ENTRIES);
    }

    /** I/O queue pairs that are polled. */
    public static DriverOptions polled(int queuePairs, int queueEntries) {
        return new DriverOptions(queuePairs, queueEntries, false, Timeouts.DEFAULT, false, false, DriverClock.system());
    }

    /** The same with MSI-X interrupts. */
    public DriverOptions withInterrupts() {
        return new DriverOptions(queuePairs, queueEntries, true, timeouts, doorbellBuffer, sgl, clock);
    }

    /** The same with another clock. */
    public DriverOptions withClock(DriverClock other) {
        return new DriverOptions(queuePairs, queueEntries, interrupts, timeouts, doorbellBuffer, sgl, other);
    }

    /** The same with other time-outs. */
    public DriverOptions withTimeouts(Timeouts other) {
        return new DriverOptions(queuePairs, queueEntries, interrupts, other, doorbellBuffer, sgl, clock);
    }

    /** The same with a Doorbell Buffer, where the controller offers one. */
    public DriverOptions withDoorbellBuffer() {
        return new DriverOptions(queuePairs, queueEntries, interrupts, timeouts, true, sgl, clock);
    }

    /** The same with SGLs, where the controller takes them. */
    public DriverOptions withSgl() {
        return new DriverOptions(queuePairs, queueEntries, interrupts, timeouts, doorbellBuffer, true, clock);
    }
}

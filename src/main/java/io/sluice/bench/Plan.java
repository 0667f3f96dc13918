package io.sluice.bench;

import io.sluice.host.DmaArea;
import io.sluice.host.NamespaceInfo;
import io.sluice.host.NvmeDriver;
import io.sluice.host.QueuePair;
import io.sluice.mem.Memory;
import java.io.IOException;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.BooleanSupplier;

/** A load that fits its device: on which namespace, on which blocks, with which buffers. */
final class Plan {
    private final NvmeDriver driver;
    private final BenchOptions options;
    private final NamespaceInfo namespace;
    private final Span span;
    private final int commandsInFlight;

    /**
     * @param commandsInFlight on each queue at a time
     * @throws IllegalArgumentException if the load does not fit the device, saying what would
     */
    Plan(NvmeDriver driver, BenchOptions options, int commandsInFlight) {
        this.driver = driver;
        this.options = options;
        this.commandsInFlight = commandsInFlight;
        this.namespace = chooseNamespace();
        this.span = chooseSpan();
        checkQueues();
        HostMemory.check(options.queues(), commandsInFlight, bufferBytes());
    }

    private NamespaceInfo chooseNamespace() {
        NamespaceInfo chosen = findNamespace();
        if (!chosen.unusableBecause().isEmpty()) {
            throw new IllegalArgumentException(driver.name() + ": " + chosen.unusableBecause());
        }
        return chosen;
    }

    private NamespaceInfo findNamespace() {
        if (driver.namespaces().isEmpty()) {
            throw new IllegalArgumentException(driver.name() + " has no active namespace to read or write");
        }
        if (options.nsid() == 0) {
            return driver.namespaces().getFirst();
        }
        try {
            return driver.namespace(options.nsid());
        } catch (NoSuchElementException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    private Span chooseSpan() {
        int blockBytes = namespace.blockBytes();
        if (options.blockBytes() % blockBytes != 0) {
            throw new IllegalArgumentException("a block size of " + options.blockBytes()
                    + " bytes is not a multiple of namespace " + namespace.nsid() + "'s blocks of " + blockBytes);
        }
        if (options.regionBytes() > namespace.bytes()) {
            throw new IllegalArgumentException("a size of " + options.regionBytes() + " bytes is more than namespace "
                    + namespace.nsid() + " has: " + namespace.bytes());
        }
        long bytes = options.regionBytes() == 0 ? namespace.bytes() : options.regionBytes();
        long units = bytes / options.blockBytes();
        long perQueue = units / options.queues();
        if (perQueue < (options.verify() ? options.depth() : 1)) {
            throw new IllegalArgumentException(bytes + " bytes are too few for " + options.queues()
                    + " queues with commands of " + options.blockBytes() + " bytes"
                    + (options.verify() ? " on " + options.depth() + " different blocks at a time" : ""));
        }
        if (options.verify() && units > Ledger.MAX_UNITS) {
            throw new IllegalArgumentException("verifying " + bytes + " bytes in pieces of " + options.blockBytes()
                    + " takes too much memory; use a size of at most "
                    + Ledger.MAX_UNITS * options.blockBytes() + " bytes, or larger blocks");
        }
        return new Span(0, units, options.blockBytes() / blockBytes, blockBytes);
    }

    private void checkQueues() {
        List<QueuePair> pairs = driver.queuePairs();
        if (pairs.size() < options.queues()) {
            throw new IllegalArgumentException(
                    driver.name() + " grants " + pairs.size() + " queue pairs; use no more than that");
        }
        QueuePair first = pairs.getFirst();
        if (first.depth() < commandsInFlight) {
            throw new IllegalArgumentException(
                    "the queues of " + driver.name() + " take a depth of at most " + first.depth());
        }
        if (first.maxTransferBytes() < options.blockBytes()) {
            throw new IllegalArgumentException(driver.name() + " transfers at most " + first.maxTransferBytes()
                    + " bytes with one command; use a block size of at most that");
        }
    }

    NamespaceInfo namespace() {
        return namespace;
    }

    /** The part of the namespace that one queue works on. */
    Span part(int queue) {
        return span.part(queue, options.queues());
    }

    /** Of one command's data: whole pages. */
    int bufferBytes() {
        return Math.ceilDiv(options.blockBytes(), Memory.PAGE_BYTES) * Memory.PAGE_BYTES;
    }

    /**
     * One buffer for each outstanding command of a queue, each on pages of its own, with random contents.
     *
     * @param stopRequested ends the filling, which makes the kernel find the memory and can take long
     */
    DmaArea newBuffers(int queue, BooleanSupplier stopRequested) throws IOException {
        DmaArea area = driver.allocate("sluice bench data " + queue, (long) commandsInFlight * bufferBytes());
        SplitMix random = new SplitMix(options.seed() + queue);
        for (long offset = 0; offset < area.bytes() && !stopRequested.getAsBoolean(); offset += Long.BYTES) {
            Memory.putLong(area.address() + offset, random.next());
        }
        return area;
    }
}

package io.sluice.daemon;

import io.sluice.mem.Memory;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/** A thread that rewrites commands of a hostile guest while they are being looked at: lists and ranges, or entries as well. */
final class Racer implements AutoCloseable {
    enum Prey {
        NOTHING,
        /** PRP lists, SGL segments and the ranges of Dataset Management. */
        LISTS,
        LISTS_AND_ENTRIES
    }

    /** Memory to write to, by addresses of this process: words that are addresses, but for one in so many, which is an LBA. */
    record Target(long address, long bytes, int wordsEach, int lbaWord) {}

    private final Random random;
    private final long[] addresses;
    private final LongSupplier lbas;
    private final Thread thread;
    private volatile Target[] lists = {};
    private volatile Target[] entries = {};
    private volatile Prey prey = Prey.NOTHING;
    private volatile Prey seen = Prey.NOTHING;
    private volatile boolean running = true;

    /**
     * Chases nothing.
     *
     * @param addresses what it writes in the place of addresses, where it does not turn a bit over
     * @param lbas the same for LBAs; called by its thread
     */
    Racer(Random random, long[] addresses, LongSupplier lbas) {
        this.random = random;
        this.addresses = addresses.clone();
        this.lbas = lbas;
        thread = Thread.ofPlatform().daemon().name("racer").start(this::run);
    }

    /** Where its prey is from now on; only while it chases nothing. */
    void aim(Target[] newLists, Target[] newEntries) {
        lists = newLists.clone();
        entries = newEntries.clone();
    }

    /** On return it touches nothing else any more. */
    void chase(Prey next) {
        prey = next;
        while (seen != next) {
            Thread.onSpinWait();
        }
    }

    private void run() {
        while (running) {
            Prey now = prey;
            seen = now;
            if (now == Prey.NOTHING) {
                LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(20));
            } else {
                rewrite(now);
            }
        }
    }

    private void rewrite(Prey now) {
        boolean entry = now == Prey.LISTS_AND_ENTRIES && random.nextInt(4) == 0;
        Target[] targets = entry ? entries : lists;
        Target target = targets[random.nextInt(targets.length)];
        int word = random.nextInt((int) (target.bytes / Long.BYTES));
        long at = target.address + (long) word * Long.BYTES;
        Memory.putLongOpaque(at, value(at, word % target.wordsEach == target.lbaWord));
    }

    private long value(long at, boolean isLba) {
        if (random.nextInt(2) == 0) {
            return Memory.getLongOpaque(at) ^ 1L << random.nextInt(Long.SIZE);
        }
        return isLba ? lbas.getAsLong() : addresses[random.nextInt(addresses.length)];
    }

    @Override
    public void close() {
        running = false;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

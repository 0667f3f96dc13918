package io.sluice.dma;

import java.util.Comparator;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The thread that maps pins for the device, step by step; there is one a space while there is something to do. What has the
 * least left comes first, so that a page of a virtual IOMMU does not wait for a guest's whole memory.
 *
 * <p>A pin that is neither queued nor having its turn is left to whoever took it away; see {@link #withdraw}.
 */
final class Pinner implements Runnable {
    /** A guest with a virtual IOMMU maps all the time: not a new thread for each. */
    private static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Others want the device too, and Java's monitors are not fair. */
    private static final long PAUSE_NANOS = 100_000;

    private final String name;
    private final Pins pins;
    private final ReentrantLock lock;
    private final Condition progress;
    private final Condition work;
    private final TreeSet<Pin> queue =
            new TreeSet<>(Comparator.comparingLong(Pin::remainingBytes).thenComparingLong(pin -> pin.number));
    private Pin current;
    private boolean running;
    private boolean stopped;

    /** @param progress signalled, under the lock, when a pin has had a turn */
    Pinner(String name, Pins pins, ReentrantLock lock, Condition progress) {
        this.name = name;
        this.pins = pins;
        this.lock = lock;
        this.progress = progress;
        this.work = lock.newCondition();
    }

    /** Has a pin made. Under the lock. */
    void submit(Pin pin) {
        queue.add(pin);
        work.signal();
        if (!running) {
            running = true;
            Thread.ofPlatform().daemon().name("pin " + name).start(this);
        }
    }

    /** No further turn for a pin. Its present one, if it has one, goes on: {@link #awaitTurn}. Under the lock. */
    void withdraw(Pin pin) {
        queue.remove(pin);
    }

    /** Waits until a pin is not having a turn: for a step at most, or for what is undone after one has failed. */
    void awaitTurn(Pin pin) {
        lock.lock();
        try {
            while (current == pin) {
                progress.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Ends the thread, when it is done with the present step. Under the lock. */
    void stop() {
        stopped = true;
        work.signal();
    }

    @Override
    public void run() {
        Pin pin = next();
        while (pin != null) {
            DmaRefused failure = pins.step(pin);
            if (failure != null) {
                pins.dismantle(pin);
            }
            if (endTurn(pin, failure)) {
                LockSupport.parkNanos(this, PAUSE_NANOS);
            }
            pin = next();
        }
    }

    private Pin next() {
        lock.lock();
        try {
            awaitWork();
            current = queue.pollFirst();
            running = current != null;
            return current;
        } finally {
            lock.unlock();
        }
    }

    private void awaitWork() {
        try {
            long left = LINGER_NANOS;
            while (queue.isEmpty() && !stopped && left > 0) {
                left = work.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            // Nobody interrupts this thread; if it has to end, the next pin starts another.
            Thread.currentThread().interrupt();
        }
    }

    /** Returns whether the same pin goes on. */
    private boolean endTurn(Pin pin, DmaRefused failure) {
        lock.lock();
        try {
            current = null;
            progress.signalAll();
            if (pin.state == Pin.State.GONE) {
                return false;
            }
            if (failure != null) {
                pins.failed(pin, failure);
                return false;
            }
            if (pin.remainingBytes() == 0) {
                pins.live(pin);
                return false;
            }
            queue.add(pin);
            return true;
        } finally {
            lock.unlock();
        }
    }
}

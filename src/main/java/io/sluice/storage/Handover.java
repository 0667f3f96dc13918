package io.sluice.storage;

import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A bounded queue of small numbers between any threads, without a lock and without allocating. Each place tells by a turn
 * number whether it is empty or full, and in which round.
 *
 * <pre>
 *   place i:  turn = i       empty, for the offer at position i
 *             turn = i + 1   full, for the poll at position i
 *             turn = i + n   empty again, for the offer at position i + n
 * </pre>
 */
final class Handover {
    static final int NOTHING = -1;

    private final int mask;
    private final int[] items;
    private final AtomicIntegerArray turns;
    private final AtomicLong offers = new AtomicLong();
    private final AtomicLong polls = new AtomicLong();

    /** @param capacity a power of two, 2 or more */
    Handover(int capacity) {
        if (Integer.bitCount(capacity) != 1 || capacity < 2) {
            throw new IllegalArgumentException("a power of two, 2 or more, not " + capacity);
        }
        mask = capacity - 1;
        items = new int[capacity];
        turns = new AtomicIntegerArray(capacity);
        for (int i = 0; i < capacity; i++) {
            turns.set(i, i);
        }
    }

    /** Adds one; false if it is full. */
    boolean offer(int item) {
        while (true) {
            long at = offers.get();
            int place = (int) at & mask;
            int ahead = turns.get(place) - (int) at;
            if (ahead < 0) {
                return false;
            }
            if (ahead == 0 && offers.compareAndSet(at, at + 1)) {
                items[place] = item;
                turns.set(place, (int) at + 1); // the item before it
                return true;
            }
        }
    }

    /** Takes the oldest; {@link #NOTHING} if there is none, or the thread that adds it is not done with that yet. */
    int poll() {
        while (true) {
            long at = polls.get();
            int place = (int) at & mask;
            int ahead = turns.get(place) - (int) at - 1;
            if (ahead < 0) {
                return NOTHING;
            }
            if (ahead == 0 && polls.compareAndSet(at, at + 1)) {
                int item = items[place];
                turns.set(place, (int) at + items.length); // free after the item has been read
                return item;
            }
        }
    }

    /** Whether {@link #poll} would most likely find nothing. */
    boolean isEmpty() {
        long at = polls.get();
        return turns.get((int) at & mask) - (int) at - 1 < 0;
    }
}

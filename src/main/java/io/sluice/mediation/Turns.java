package io.sluice.mediation;

import java.util.Arrays;

/**
 * Who comes next in a queue of the device's that is full: those that were refused, in their order. So nobody who refills each
 * slot that becomes free keeps the others out, whatever the rhythm of the device and of the poller.
 *
 * <pre>
 *   refused ──▶ | first | second | … |      a free slot for each from the first on; what is left is for whoever comes
 * </pre>
 *
 * <p>Who does not come again within some cycles loses its place: its command may have gone with its queue.
 */
final class Turns {
    /** Each has a turn in each cycle; a few more, as it may wait for something else in between. */
    private static final int PATIENCE_CYCLES = 8;

    private CommandOwner[] waiting = new CommandOwner[4];
    private long[] lastTries = new long[4];
    private int count;
    private long cycle;

    /** A duty cycle begins. */
    void nextCycle() {
        cycle++;
        while (count > 0 && cycle - lastTries[0] > PATIENCE_CYCLES) {
            remove(0);
        }
    }

    /**
     * Whether a slot may be taken. If not, the owner is in the line from now on, and is to try again in each cycle.
     *
     * @param free how many slots there are
     */
    @SuppressWarnings("ReferenceEquality") // the very one
    boolean mayTake(CommandOwner owner, int free) {
        if (count == 0 && free > 0) {
            return true;
        }
        int place = 0;
        while (place < count && waiting[place] != owner) {
            place++;
        }
        if (free > place) {
            remove(place);
            return true;
        }
        stay(owner, place);
        return false;
    }

    private void stay(CommandOwner owner, int place) {
        if (place == waiting.length) { // as many as share a queue: the line grows to that once
            waiting = Arrays.copyOf(waiting, 2 * place);
            lastTries = Arrays.copyOf(lastTries, 2 * place);
        }
        waiting[place] = owner;
        lastTries[place] = cycle;
        count = Math.max(count, place + 1);
    }

    private void remove(int place) {
        if (place < count) {
            count--;
            System.arraycopy(waiting, place + 1, waiting, place, count - place);
            System.arraycopy(lastTries, place + 1, lastTries, place, count - place);
            waiting[count] = null;
        }
    }
}

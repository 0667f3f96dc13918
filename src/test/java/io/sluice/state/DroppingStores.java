package io.sluice.state;

/**
 * Ends its controller before one of its steps: from then on nothing is stored, and nothing seen from outside. A path's threads make steps,
 * too.
 */
public final class DroppingStores extends Stores {
    public static final long NEVER = Long.MAX_VALUE;

    /** As far as the controller has come. */
    public static final class Dropped extends Error {
        private static final long serialVersionUID = 1;

        Dropped() {
            super("dropped", null, false, false);
        }
    }

    private final long last;
    private long steps;

    /** @param steps after how many steps it ends */
    public DroppingStores(long steps) {
        last = steps;
    }

    public synchronized long steps() {
        return steps;
    }

    public synchronized boolean isDropped() {
        return steps > last;
    }

    private synchronized void step() {
        if (isDropped() || ++steps > last) {
            throw new Dropped();
        }
    }

    @Override
    public void putInt(long address, int value) {
        step();
        super.putInt(address, value);
    }

    @Override
    public void putLong(long address, long value) {
        step();
        super.putLong(address, value);
    }

    @Override
    public void beforeEffect() {
        step();
    }
}

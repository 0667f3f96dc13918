package io.sluice.bench;

/** Chooses what a queue does next, and where. Allocates nothing. */
final class Chooser {
    private static final int PERCENT = 100;

    private final SplitMix random;
    private final long units;
    private final boolean sequential;
    private final int readPercent;
    private long next;

    /** @param stream a number of its own for each queue, so that queues with one seed differ */
    Chooser(BenchOptions options, long units, int stream) {
        this.random = new SplitMix(SplitMix.mix(options.seed()) + stream);
        this.units = units;
        this.sequential = !options.operation().isRandom();
        this.readPercent = switch (options.operation()) {
            case READ, RANDREAD -> PERCENT;
            case WRITE, RANDWRITE -> 0;
            case RANDRW -> options.readPercent();
        };
    }

    boolean nextIsWrite() {
        return switch (readPercent) {
            case PERCENT -> false;
            case 0 -> true;
            default -> random.nextBelow(PERCENT) >= readPercent;
        };
    }

    long nextUnit() {
        if (!sequential) {
            return random.nextBelow(units);
        }
        long unit = next;
        next = next + 1 == units ? 0 : next + 1;
        return unit;
    }
}

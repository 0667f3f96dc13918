package io.sluice.bench;

/**
 * The part of a namespace that one queue works on, in units of one command's data. Queues do not share units, so that a
 * verifying run knows which write was the last.
 *
 * @param firstLba of unit 0
 * @param units how many, 1 or more
 * @param blocksPerUnit logical blocks that one command transfers
 * @param blockBytes of a logical block
 */
record Span(long firstLba, long units, int blocksPerUnit, int blockBytes) {
    long lba(long unit) {
        return firstLba + unit * blocksPerUnit;
    }

    int unitBytes() {
        return blocksPerUnit * blockBytes;
    }

    /** One of {@code parts} equal spans that this one is cut into. */
    Span part(int index, int parts) {
        long share = units / parts;
        return new Span(lba(index * share), share, blocksPerUnit, blockBytes);
    }
}

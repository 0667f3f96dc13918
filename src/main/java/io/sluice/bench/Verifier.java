package io.sluice.bench;

/** Fills what one queue writes with the pattern, and checks what it reads. For the queue's thread. */
final class Verifier {
    private final Pattern pattern;
    private final Span span;
    private final Ledger ledger;
    private final int nsid;

    private long blocksChecked;
    private long blocksForeign;
    private long blocksWrong;
    private Mismatch firstMismatch;

    Verifier(Pattern pattern, Span span, int nsid) {
        this.pattern = pattern;
        this.span = span;
        this.nsid = nsid;
        this.ledger = new Ledger(span.units());
    }

    /** The unit itself or the next one after it, cyclically, that no command in flight touches. There is one: see Bench. */
    int firstIdle(int unit) {
        int idle = unit;
        while (ledger.isBusy(idle)) {
            idle = idle + 1 == ledger.units() ? 0 : idle + 1;
        }
        return idle;
    }

    /** The unit itself or the first one after it that has been written; the number of units if there is none. */
    int nextKnown(int unit) {
        int known = unit;
        while (known < ledger.units() && !ledger.isKnown(known)) {
            known++;
        }
        return known;
    }

    /** Fills a buffer for the next write of a unit. */
    void beginWrite(int unit, long address) {
        ledger.begin(unit);
        int generation = ledger.nextGeneration(unit);
        for (int block = 0; block < span.blocksPerUnit(); block++) {
            pattern.fill(at(address, block), span.blockBytes(), span.lba(unit) + block, generation);
        }
    }

    void beginRead(int unit) {
        ledger.begin(unit);
    }

    void writeEnded(int unit, boolean success) {
        ledger.end(unit);
        if (success) {
            ledger.written(unit);
        } else {
            ledger.writeFailed(unit);
        }
    }

    void readEnded(int unit, boolean success, long address) {
        ledger.end(unit);
        if (!success) {
            return;
        }
        for (int block = 0; block < span.blocksPerUnit(); block++) {
            check(at(address, block), span.lba(unit) + block, expected(unit, at(address, block)));
        }
    }

    /** Of the generations that a block may have, the one that it seems to be. */
    private long expected(int unit, long address) {
        int oldest = ledger.oldest(unit);
        if (oldest == Pattern.ANY_GENERATION) {
            return Pattern.ANY_GENERATION;
        }
        return Math.clamp(Pattern.generation(address), oldest, ledger.newest(unit));
    }

    private long at(long address, int block) {
        return address + (long) block * span.blockBytes();
    }

    private void check(long address, long lba, long generation) {
        int result = pattern.check(address, span.blockBytes(), lba, generation);
        if (result == Pattern.FOREIGN) {
            blocksForeign++;
            return;
        }
        blocksChecked++;
        if (result != Pattern.OK) {
            blocksWrong++;
            if (firstMismatch == null) {
                firstMismatch = pattern.explain(nsid, address, lba, generation, result);
            }
        }
    }

    /** Blocks compared. */
    long blocksChecked() {
        return blocksChecked;
    }

    /** Blocks read that this run had not written and that do not carry its seed, so that nothing is known of them. */
    long blocksForeign() {
        return blocksForeign;
    }

    /** Blocks that differ. */
    long blocksWrong() {
        return blocksWrong;
    }

    /** The first one that differed, or null. */
    Mismatch firstMismatch() {
        return firstMismatch;
    }
}

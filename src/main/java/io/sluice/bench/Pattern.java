package io.sluice.bench;

import io.sluice.mem.Memory;

/**
 * What a verifying run writes into each logical block, so that a later read can tell whether it got that block, of that
 * run, as written last.
 *
 * <pre>
 *   byte 0     8      16           24                                   block's end
 *        | LBA | seed | generation | words made of all three and their index …  |
 * </pre>
 *
 * <p>A generation counts the writes of a block, from 1. Allocates nothing.
 */
final class Pattern {
    /** {@link #check}: as expected. */
    static final int OK = -1;
    /** {@link #check}, with any generation allowed: not a block of this pattern's seed at all. */
    static final int FOREIGN = -2;

    /** A generation that {@link #check} takes to mean "whatever the block says". */
    static final long ANY_GENERATION = 0;

    static final int SEED_OFFSET = 8;
    static final int GENERATION_OFFSET = 16;
    private static final int BODY_OFFSET = 24;

    /** Odd, so that the words of a block all differ: 2^64 divided by the golden ratio. */
    private static final long STEP = 0x9e37_79b9_7f4a_7c15L;

    private final long seed;

    Pattern(long seed) {
        this.seed = seed;
    }

    /** Fills one block's memory. */
    void fill(long address, int blockBytes, long lba, long generation) {
        Memory.putLong(address, lba);
        Memory.putLong(address + SEED_OFFSET, seed);
        Memory.putLong(address + GENERATION_OFFSET, generation);
        long word = firstWord(lba, generation);
        for (int offset = BODY_OFFSET; offset < blockBytes; offset += Long.BYTES) {
            Memory.putLong(address + offset, word);
            word += STEP;
        }
    }

    /** What a block that {@link #fill} has filled says of its generation. */
    static long generation(long address) {
        return Memory.getLong(address + GENERATION_OFFSET);
    }

    /**
     * Compares one block's memory with what it should be.
     *
     * @param generation the one expected, or {@link #ANY_GENERATION}
     * @return {@link #OK}, {@link #FOREIGN}, or the offset in bytes of the first 8 bytes that differ
     */
    int check(long address, int blockBytes, long lba, long generation) {
        long found = generation(address);
        if (generation == ANY_GENERATION && Memory.getLong(address + SEED_OFFSET) != seed) {
            return FOREIGN;
        }
        long expected = generation == ANY_GENERATION ? found : generation;
        for (int offset = 0; offset < BODY_OFFSET; offset += Long.BYTES) {
            if (Memory.getLong(address + offset) != word(offset, lba, expected)) {
                return offset;
            }
        }
        return checkBody(address, blockBytes, firstWord(lba, expected));
    }

    private static int checkBody(long address, int blockBytes, long firstWord) {
        long word = firstWord;
        for (int offset = BODY_OFFSET; offset < blockBytes; offset += Long.BYTES) {
            if (Memory.getLong(address + offset) != word) {
                return offset;
            }
            word += STEP;
        }
        return OK;
    }

    /** The 8 bytes that a block has at an offset, a multiple of 8. */
    long word(int offset, long lba, long generation) {
        return switch (offset) {
            case 0 -> lba;
            case SEED_OFFSET -> seed;
            case GENERATION_OFFSET -> generation;
            default -> firstWord(lba, generation) + (offset - BODY_OFFSET) / Long.BYTES * STEP;
        };
    }

    /** Says what is wrong with a block that {@link #check} found to differ at an offset. Allocates: once a run. */
    Mismatch explain(int nsid, long address, long lba, long generation, int offset) {
        long foundLba = Memory.getLong(address);
        long foundGeneration = generation(address);
        long expected = generation == ANY_GENERATION ? foundGeneration : generation;
        String meaning;
        if (Memory.getLong(address + SEED_OFFSET) != seed) {
            meaning = "the block does not carry this run's seed";
        } else if (foundLba != lba) {
            meaning = "it is the pattern of LBA " + foundLba + ", generation " + foundGeneration;
        } else if (foundGeneration != expected) {
            meaning = "it is generation " + foundGeneration + " of this block; generation " + expected
                    + " was written last";
        } else {
            meaning = "the block begins as generation " + foundGeneration + " should, and goes wrong there";
        }
        return new Mismatch(nsid, lba, offset, word(offset, lba, expected), Memory.getLong(address + offset), meaning);
    }

    private long firstWord(long lba, long generation) {
        return SplitMix.mix(seed ^ SplitMix.mix(lba ^ SplitMix.mix(generation)));
    }
}

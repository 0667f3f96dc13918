package io.sluice.cli;

import static org.junit.jupiter.api.Assertions.fail;

import io.sluice.mem.Memory;
import java.util.Arrays;

/**
 * What each block of a drive may hold: what the last command that ended wrote there, or what the one in flight would, whole. At
 * most one command that writes is in flight for a block. Each write has a number of its own; a block's words are made of it.
 */
final class BlockOracle {
    /** Instead of a write's number: zeroes. */
    static final long ZEROES = 0;

    private static final long NOTHING = -1;
    private static final long MIX = 0x9e3779b97f4a7c15L;

    private final int blockBytes;
    private final long[] held;
    private final long[] coming;
    private long writes;
    private long newFound;
    private long oldFound;

    BlockOracle(int blocks, int blockBytes) {
        this.blockBytes = blockBytes;
        held = new long[blocks];
        coming = new long[blocks];
        Arrays.fill(coming, NOTHING);
    }

    int blocks() {
        return held.length;
    }

    int blockBytes() {
        return blockBytes;
    }

    boolean isFree(int first, int count) {
        for (int i = first; i < first + count; i++) {
            if (coming[i] != NOTHING) {
                return false;
            }
        }
        return true;
    }

    /** A command that makes zeroes is about to be submitted. */
    void beginZeroes(int first, int count) {
        Arrays.fill(coming, first, first + count, ZEROES);
    }

    /** A write is about to be submitted; makes its data. */
    void beginWrite(int first, int count, long data) {
        for (int i = 0; i < count; i++) {
            coming[first + i] = ++writes;
            long block = data + (long) i * blockBytes;
            Memory.putLong(block, writes);
            for (int offset = Long.BYTES; offset < blockBytes; offset += Long.BYTES) {
                Memory.putLong(block + offset, word(first + i, writes, offset));
            }
        }
    }

    private static long word(int block, long write, int offset) {
        long mixed = (write * MIX) ^ ((long) block << 32) ^ offset;
        return mixed * MIX | 1; // never as zeroes
    }

    /** The command has ended well. */
    void end(int first, int count) {
        for (int i = first; i < first + count; i++) {
            held[i] = coming[i];
            coming[i] = NOTHING;
        }
    }

    /** Checks what was read after all commands are over. What is found of those that were in flight is so from now on. */
    void check(int first, int count, long data) {
        for (int i = 0; i < count; i++) {
            int block = first + i;
            long found = whole(block, data + (long) i * blockBytes);
            if (found != held[block] && (coming[block] == NOTHING || found != coming[block])) {
                fail("block " + block + " has write " + found + "; it should have " + held[block]
                        + (coming[block] == NOTHING ? "" : " or " + coming[block]));
            }
            newFound += coming[block] != NOTHING && found == coming[block] ? 1 : 0;
            oldFound += coming[block] != NOTHING && found != coming[block] ? 1 : 0;
            held[block] = found;
            coming[block] = NOTHING;
        }
    }

    /** Which write a block is of, all of it. */
    private long whole(int block, long data) {
        long write = Memory.getLong(data);
        for (int offset = Long.BYTES; offset < blockBytes; offset += Long.BYTES) {
            long expected = write == ZEROES ? 0 : word(block, write, offset);
            if (Memory.getLong(data + offset) != expected) {
                fail("block " + block + " begins with write " + write + ", and is torn at byte " + offset);
            }
        }
        return write;
    }

    /** How many blocks commands are in flight for. */
    int inFlight() {
        int count = 0;
        for (long each : coming) {
            count += each == NOTHING ? 0 : 1;
        }
        return count;
    }

    @Override
    public String toString() {
        return "of the blocks in flight " + newFound + " were found new and " + oldFound + " old, none torn";
    }
}

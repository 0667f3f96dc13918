package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.mem.Memory;

/** Memory that is full of one word, and whether it still is. */
final class Painted {
    private Painted() {}

    static void paint(long address, long bytes, long word) {
        for (long at = 0; at < bytes; at += Long.BYTES) {
            Memory.putLong(address + at, word);
        }
    }

    static void assertWhole(String what, long address, long bytes, long word) {
        for (long at = 0; at < bytes; at += Long.BYTES) {
            if (Memory.getLong(address + at) != word) {
                assertEquals(
                        Long.toHexString(word),
                        Long.toHexString(Memory.getLong(address + at)),
                        what + " was written at 0x" + Long.toHexString(at));
            }
        }
    }

    /** How many words have one of these upper halves. */
    static long count(long address, long bytes, int... upperHalves) {
        long found = 0;
        for (long at = 0; at < bytes; at += Long.BYTES) {
            int upper = (int) (Memory.getLong(address + at) >>> Integer.SIZE);
            for (int mark : upperHalves) {
                found += upper == mark ? 1 : 0;
            }
        }
        return found;
    }
}

package io.sluice.nvme;

import io.sluice.mem.Memory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;

/** Memory of a test's own, page aligned, zeroed, written and compared as hex. */
final class Scratch {
    private static final int PAGE = 4096;

    private final MemorySegment segment;

    private Scratch(int bytes) {
        segment = Arena.ofAuto().allocate(bytes, PAGE);
    }

    static Scratch of(int bytes) {
        return new Scratch(bytes);
    }

    /** The bytes of a hex string; blanks and line ends are for people. */
    static Scratch ofHex(String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex.replaceAll("\\s+", ""));
        Scratch scratch = new Scratch(bytes.length);
        Memory.copyIn(bytes, 0, scratch.address(), bytes.length);
        return scratch;
    }

    long address() {
        return segment.address();
    }

    int bytes() {
        return (int) segment.byteSize();
    }

    void clear() {
        segment.fill((byte) 0);
    }

    void fill(int value) {
        segment.fill((byte) value);
    }

    /** The {@code bytes} bytes from {@code offset} on, as hex without blanks. */
    String hex(int offset, int bytes) {
        byte[] copy = new byte[bytes];
        Memory.copyOut(address() + offset, copy, 0, bytes);
        return HexFormat.of().formatHex(copy);
    }

    /** The offset of the only byte that is not zero, or -1 if all are zero or several are not. */
    int onlyNonZero() {
        int found = -1;
        for (int i = 0; i < bytes(); i++) {
            if (Memory.getByte(address() + i) != 0) {
                if (found >= 0) {
                    return -1;
                }
                found = i;
            }
        }
        return found;
    }

    /** The lowest and highest byte offsets that are not zero, as "low..high", or "none". */
    String touched() {
        int low = -1;
        int high = -1;
        for (int i = 0; i < bytes(); i++) {
            if (Memory.getByte(address() + i) != 0) {
                low = low < 0 ? i : low;
                high = i;
            }
        }
        return low < 0 ? "none" : low + ".." + high;
    }
}

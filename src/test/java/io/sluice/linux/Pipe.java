package io.sluice.linux;

import java.util.List;

/** A pipe: what a hostile peer sends in place of an eventfd. */
public final class Pipe {
    private static final int PIPE2 = 293;
    private static final int O_CLOEXEC = 0x80000;

    private Pipe() {}

    /** The reading end, then the writing end. */
    public static List<Fd> open() throws LinuxException {
        long two = Scratch.memory();
        long result = Syscalls.call(PIPE2, two, O_CLOEXEC, 0, 0, 0, 0);
        if (result < 0) {
            throw new LinuxException("pipe2", "", (int) -result);
        }
        return List.of(Fd.adopt(Bytes.getInt(two)), Fd.adopt(Bytes.getInt(two + Integer.BYTES)));
    }
}

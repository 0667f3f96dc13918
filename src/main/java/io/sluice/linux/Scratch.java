package io.sluice.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;

/**
 * Native memory that a thread reuses for the arguments of its system calls, so that a call on a poller allocates nothing.
 *
 * <p>It is valid within one method of this room: nothing here calls another user of scratch memory while it holds its own
 * arguments there. Freed with its thread.
 */
final class Scratch {
    /** PATH_MAX, the longest argument there is. */
    static final int BYTES = 4096;

    private static final ThreadLocal<Scratch> MINE = ThreadLocal.withInitial(Scratch::new);

    /** Where the downcall leaves {@code errno}. */
    final MemorySegment errno;

    private final MemorySegment arguments;
    private final long address;
    private StuckCalls stuckCalls;

    private Scratch() {
        Arena arena = Arena.ofAuto();
        errno = arena.allocate(Linker.Option.captureStateLayout());
        arguments = arena.allocate(BYTES, Long.BYTES);
        address = arguments.address();
    }

    static Scratch get() {
        return MINE.get();
    }

    /** The calling thread's count of calls that may block. */
    StuckCalls stuckCalls() {
        if (stuckCalls == null) {
            stuckCalls = StuckCalls.ofThisThread();
        }
        return stuckCalls;
    }

    /** The address of {@link #BYTES} bytes, aligned to 8, valid while the calling thread lives. Contents are arbitrary. */
    static long memory() {
        return MINE.get().address;
    }
}

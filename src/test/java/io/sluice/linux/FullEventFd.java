package io.sluice.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

/** An eventfd as a hostile peer leaves it: blocking, or its counter full, or both, which stops whoever signals it. */
public final class FullEventFd {
    private static final long MOST = 0xffff_ffff_ffff_fffeL;

    private FullEventFd() {}

    /** Clears O_NONBLOCK, which all who share the eventfd then see. */
    public static void makeBlocking(EventFd eventFd) {
        setFlags(eventFd, 0);
    }

    /** Takes and fills the counter again and again, the eventfd blocking for everybody else, until interrupted. */
    public static void refillUntilInterrupted(EventFd eventFd) {
        try (Arena arena = Arena.ofConfined()) {
            long memory = arena.allocate(ValueLayout.JAVA_LONG).address();
            while (!Thread.currentThread().isInterrupted()) {
                setFlags(eventFd, EventFd.O_NONBLOCK);
                Syscalls.read(eventFd.fd().number(), memory, Long.BYTES);
                Bytes.putLong(memory, MOST);
                Syscalls.write(eventFd.fd().number(), memory, Long.BYTES);
                setFlags(eventFd, 0);
            }
        }
    }

    private static void setFlags(EventFd eventFd, int flags) {
        assertEquals(0, Syscalls.fcntl(eventFd.fd().number(), EventFd.F_SETFL, flags));
    }

    /** Fills the counter of an eventfd that holds 0. */
    public static void fill(EventFd eventFd) {
        try (Arena arena = Arena.ofConfined()) {
            long memory = arena.allocateFrom(ValueLayout.JAVA_LONG, MOST).address();
            assertEquals(Long.BYTES, Syscalls.write(eventFd.fd().number(), memory, Long.BYTES));
        }
    }
}

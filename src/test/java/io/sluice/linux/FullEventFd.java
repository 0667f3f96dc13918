package io.sluice.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

/** An eventfd whose counter holds no more: a blocking one would stop whoever signals it. */
public final class FullEventFd {
    private static final long MOST = 0xffff_ffff_ffff_fffeL;

    private FullEventFd() {}

    /** Fills the counter of an eventfd that holds 0. */
    public static void fill(EventFd eventFd) {
        try (Arena arena = Arena.ofConfined()) {
            long memory = arena.allocateFrom(ValueLayout.JAVA_LONG, MOST).address();
            assertEquals(Long.BYTES, Syscalls.write(eventFd.fd().number(), memory, Long.BYTES));
        }
    }
}

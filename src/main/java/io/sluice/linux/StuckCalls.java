package io.sluice.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Gets threads out of reads and writes of eventfds that block.
 *
 * <p>O_NONBLOCK belongs to the open file, which a peer shares: it can clear the flag at any time, fill the counter, and so
 * hold whoever signals next. No system call writes to an eventfd without regard to that flag, and draining the counter from
 * another thread is a race that a peer which fills it again wins. A signal always ends the wait (EINTR). So each thread
 * counts such calls, up when it enters and up when it leaves, and a watching thread interrupts whoever is in the same call
 * at two ticks in a row.
 *
 * <pre>
 *   calls   even: not in a call    odd: in one
 *   watch   ──tick──▶ odd, as at the last tick: interrupt
 *                     nobody has counted for a second: sleep, until the next call wakes it
 * </pre>
 *
 * <p>A call that does not block never ends with EINTR. That is why being interrupted proves a thread was held, and a thread
 * that was only late (descheduled inside of its call, say) does not even notice.
 */
final class StuckCalls {
    private static final long TICK_NANOS = 50_000_000;
    private static final int QUIET_TICKS = 20;

    /** A real-time signal that neither the JVM nor the C library uses. */
    private static final int SIGNAL = 40;

    private static final int SIG_UNBLOCK = 1;
    private static final int SIGSET_BYTES = 8;

    /** struct sigaction of the C library: the handler, 128 bytes of mask, flags, restorer. */
    private static final int SIGACTION_BYTES = 152;

    private static final int SA_HANDLER = 0;

    private static final List<StuckCalls> ALL = new CopyOnWriteArrayList<>();
    private static final Thread WATCH = startToWatch();

    /** Whether {@link #WATCH} wants to be told of the next call. */
    private static volatile boolean asleep;

    private final Thread thread = Thread.currentThread();
    private final int threadId = ThreadControl.threadId();
    private final AtomicLong calls = new AtomicLong();

    /** Of {@link #calls}, when the watching thread looked last; its own. */
    private long lastSeen;

    private StuckCalls() {}

    /** Of the calling thread, watched from now on until the thread ends. */
    static StuckCalls ofThisThread() {
        StuckCalls mine = new StuckCalls();
        letThrough();
        ALL.add(mine);
        return mine;
    }

    private static Thread startToWatch() {
        handle();
        return Thread.ofPlatform().name("eventfd-watch").daemon().start(StuckCalls::watch);
    }

    /**
     * Makes the signal harmless, and an end to system calls (no SA_RESTART). A handler in Java would be far too much for
     * where a signal arrives; the C library's {@code abs} takes an int, changes nothing, and so is a handler that does
     * nothing.
     */
    private static void handle() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment action = arena.allocate(SIGACTION_BYTES, Long.BYTES);
            action.set(
                    ValueLayout.JAVA_LONG,
                    SA_HANDLER,
                    Syscalls.libraryFunction("abs").address());
            long result = Syscalls.sigaction(SIGNAL, action.address());
            if (result != 0) {
                throw new AssertionError("sigaction of a free real-time signal failed with " + result);
            }
        }
    }

    /** Whoever started this process may have left the signal blocked: masks are inherited. */
    private static void letThrough() {
        long set = Scratch.memory();
        Bytes.putLong(set, 1L << (SIGNAL - 1));
        Syscalls.sigprocmask(SIG_UNBLOCK, set, SIGSET_BYTES);
    }

    /** The thread enters a call that may block. Costs one store. */
    void begin() {
        calls.setOpaque(calls.getPlain() + 1);
        if (asleep) {
            asleep = false;
            LockSupport.unpark(WATCH);
        }
    }

    /** The thread has left it. */
    void end() {
        calls.setOpaque(calls.getPlain() + 1);
    }

    private static void watch() {
        int quietTicks = 0;
        while (true) {
            LockSupport.parkNanos(TICK_NANOS);
            boolean quiet = true;
            for (StuckCalls each : ALL) {
                quiet &= !each.check();
            }
            quietTicks = quiet ? quietTicks + 1 : 0;
            // Announced a tick before it is done: a call that has begun without seeing it is then surely seen here.
            if (quietTicks == QUIET_TICKS) {
                asleep = true;
            } else if (quietTicks > QUIET_TICKS) {
                while (asleep) {
                    LockSupport.park();
                }
                quietTicks = 0;
            }
        }
    }

    /** Interrupts the thread if it is held. Returns whether there has been a call since the last tick, or is one. */
    private boolean check() {
        if (!thread.isAlive()) {
            ALL.remove(this);
            return false;
        }
        long now = calls.getOpaque();
        boolean inCall = (now & 1) == 1;
        boolean changed = now != lastSeen;
        lastSeen = now;
        if (inCall && !changed) {
            Syscalls.tgkill(threadId, SIGNAL);
        }
        return inCall || changed;
    }
}

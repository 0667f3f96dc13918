package io.sluice.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.ThrowingSupplier;

@Timeout(60)
class ThreadControlTest {
    /** In a thread of its own, so that the test runner's keeps its processors and slack. */
    private static <T> T inThread(ThrowingSupplier<T> body) throws Exception {
        FutureTask<T> task = new FutureTask<>(() -> {
            try {
                return body.get();
            } catch (Throwable t) {
                throw new IllegalStateException(t);
            }
        });
        new Thread(task, "thread-control").start();
        return task.get();
    }

    @Test
    void shouldKnowItsOwnNumber() throws Exception {
        int other = inThread(ThreadControl::threadId);
        assertNotEquals(ThreadControl.threadId(), other);
        assertTrue(Files.exists(Path.of("/proc/self/task/" + ThreadControl.threadId())));
    }

    @Test
    void shouldCountOnlyWhatTheThreadItselfRuns() throws Exception {
        long before = ThreadControl.cpuNanos();
        long others = inThread(() -> {
            long start = ThreadControl.cpuNanos();
            while (ThreadControl.cpuNanos() - start < 50_000_000) {
                Thread.onSpinWait();
            }
            return ThreadControl.cpuNanos();
        });

        assertTrue(others >= 50_000_000, "ran for " + others + " ns");
        long own = ThreadControl.cpuNanos() - before;
        assertTrue(own >= 0 && own < others, "waiting took " + own + " ns, the other thread " + others);
    }

    @Test
    void shouldRunWhereItIsPinned() throws Exception {
        int[] before = ThreadControl.affinity();
        int last = before[before.length - 1];
        int[] pinned = inThread(() -> {
            ThreadControl.pinTo(last);
            return ThreadControl.affinity();
        });
        assertArrayEquals(new int[] {last}, pinned);
        assertArrayEquals(before, ThreadControl.affinity(), "another thread's pinning is its own affair");
    }

    @Test
    void shouldTakeSeveralProcessors() throws Exception {
        int[] all = ThreadControl.affinity();
        assertArrayEquals(all, inThread(() -> {
            ThreadControl.pinTo(all[0]);
            ThreadControl.pinTo(all);
            return ThreadControl.affinity();
        }));
    }

    @Test
    void shouldRefuseProcessorsThatDoNotExist() {
        LinuxException absent = assertThrows(LinuxException.class, () -> ThreadControl.pinTo(8191));
        assertEquals(Errno.EINVAL, absent.errno());
        assertTrue(absent.getMessage().contains("processors [8191]"), absent.getMessage());
        assertThrows(LinuxException.class, ThreadControl::pinTo);
        assertThrows(IllegalArgumentException.class, () -> ThreadControl.pinTo(-1));
        assertThrows(IllegalArgumentException.class, () -> ThreadControl.pinTo(8192));
    }

    @Test
    void shouldHaveTheSlackAskedFor() throws Exception {
        long slack = inThread(() -> {
            ThreadControl.setTimerSlack(1000);
            return ThreadControl.timerSlack();
        });
        assertEquals(1000, slack);
        assertThrows(IllegalArgumentException.class, () -> ThreadControl.setTimerSlack(-1));
    }

    @Test
    void shouldHaveTheSliceAskedForWhereTheKernelKeepsOne() throws Exception {
        long before = ThreadControl.slice();
        long slice = inThread(() -> {
            ThreadControl.setSlice(200_000);
            return ThreadControl.slice();
        });
        assertThrows(IllegalArgumentException.class, () -> ThreadControl.setSlice(0));
        assertEquals(before, ThreadControl.slice(), "another thread's slice is its own affair");
        assumeTrue(before > 0, "this kernel does not know slices (6.12 and later do)");
        assertEquals(200_000, slice);
    }
}

package io.sluice.linux;

import java.util.Arrays;
import java.util.BitSet;
import java.util.concurrent.TimeUnit;

/** What a thread asks of the kernel's scheduler, for itself only. */
public final class ThreadControl {
    /** Room for 8,192 processors: the kernel refuses a mask smaller than its own. */
    private static final int MASK_BYTES = 1024;

    private static final int CALLER = 0;
    private static final int PR_SET_TIMERSLACK = 29;
    private static final int PR_GET_TIMERSLACK = 30;
    private static final int CLOCK_THREAD_CPUTIME_ID = 3;

    /** sched_setattr's struct, as the kernel had it first. */
    static final int SCHED_ATTR_BYTES = 48;

    static final int SCHED_POLICY = 4;
    static final int SCHED_RUNTIME = 24;
    static final int SCHED_OTHER = 0;

    private ThreadControl() {}

    /** The calling thread's number in the kernel, as /proc and ps show it. */
    public static int threadId() {
        return (int) Syscalls.gettid();
    }

    /** How long the calling thread has run on a processor since it began, in nanoseconds. Allocates nothing. */
    public static long cpuNanos() {
        long timespec = Scratch.memory();
        long result = Syscalls.clockGettime(CLOCK_THREAD_CPUTIME_ID, timespec);
        if (result < 0) {
            throw new AssertionError("every thread has a clock of its own, but: " + Errno.describe((int) -result));
        }
        return TimeUnit.SECONDS.toNanos(Bytes.getLong(timespec)) + Bytes.getLong(timespec + Long.BYTES);
    }

    /**
     * How late the kernel may end the calling thread's timed waits. Its default of 50,000 ns doubles short parks.
     *
     * @param nanos 1 or more; 0 goes back to the default
     */
    public static void setTimerSlack(long nanos) throws LinuxException {
        if (nanos < 0) {
            throw new IllegalArgumentException("timer slack is 0 ns or more, not " + nanos);
        }
        check("prctl", "to set the timer slack to " + nanos + " ns", Syscalls.prctl(PR_SET_TIMERSLACK, nanos));
    }

    /** The calling thread's timer slack in nanoseconds. */
    public static long timerSlack() throws LinuxException {
        return check("prctl", "to get the timer slack", Syscalls.prctl(PR_GET_TIMERSLACK, 0));
    }

    /**
     * How long the calling thread wants to run before others have their turn. The shorter that is, the sooner it gets a
     * processor when it is woken: a thread that has asked for nothing may wait for the end of somebody else's slice, 3 to 4 ms, on
     * the processor that it is woken on, while another one is free. Kernels before 6.12 ignore it.
     *
     * <p>Does nothing for a thread that has another policy than the ordinary one (SCHED_OTHER): that is somebody's choice.
     *
     * @param nanos the kernel makes it 100,000 to 100,000,000 ns
     */
    public static void setSlice(long nanos) throws LinuxException {
        if (nanos <= 0) {
            throw new IllegalArgumentException("a slice is 1 ns or more, not " + nanos);
        }
        long attributes = schedulingAttributes();
        if (Bytes.getInt(attributes + SCHED_POLICY) != SCHED_OTHER) {
            return;
        }
        Bytes.putLong(attributes + SCHED_RUNTIME, nanos);
        check("sched_setattr", "to set the slice to " + nanos + " ns", Syscalls.schedSetattr(CALLER, attributes, 0));
    }

    /** The calling thread's slice in nanoseconds; 0 or the kernel's own where the kernel does not let it be set. */
    public static long slice() throws LinuxException {
        return Bytes.getLong(schedulingAttributes() + SCHED_RUNTIME);
    }

    private static long schedulingAttributes() throws LinuxException {
        long attributes = Scratch.memory();
        Bytes.zero(attributes, SCHED_ATTR_BYTES);
        check("sched_getattr", "of this thread", Syscalls.schedGetattr(CALLER, attributes, SCHED_ATTR_BYTES, 0));
        return attributes;
    }

    /**
     * Restricts the calling thread to these processors.
     *
     * <p>Call it in a thread made for it: a pinned main thread makes the whole JVM believe that it has fewer processors.
     *
     * @throws LinuxException EINVAL if none of them exists or is allowed to this process
     */
    public static void pinTo(int... cpus) throws LinuxException {
        long mask = Scratch.memory();
        Bytes.zero(mask, MASK_BYTES);
        BitSet set = new BitSet();
        for (int cpu : cpus) {
            if (cpu < 0 || cpu >= MASK_BYTES * Byte.SIZE) {
                throw new IllegalArgumentException("processors are numbered from 0, not " + cpu);
            }
            set.set(cpu);
        }
        Bytes.copyIn(mask, set.toByteArray());
        String on = "of thread " + threadId() + " to processors " + Arrays.toString(cpus);
        check("sched_setaffinity", on, Syscalls.schedSetaffinity(CALLER, MASK_BYTES, mask));
    }

    /** The processors that the calling thread may run on, in ascending order. */
    public static int[] affinity() throws LinuxException {
        long mask = Scratch.memory();
        long bytes = check("sched_getaffinity", "of this thread", Syscalls.schedGetaffinity(CALLER, MASK_BYTES, mask));
        return BitSet.valueOf(Bytes.at(mask, bytes).asByteBuffer()).stream().toArray();
    }

    private static long check(String call, String on, long result) throws LinuxException {
        if (result < 0) {
            throw new LinuxException(call, on, (int) -result);
        }
        return result;
    }
}

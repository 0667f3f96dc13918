package io.sluice.storage;

import io.sluice.linux.LinuxException;
import io.sluice.linux.ThreadControl;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that make a storage's blocking system calls. Those with nothing to do are parked; the poller wakes one for each
 * request, and they wake the poller for each that is done.
 */
final class FileWorkers {
    private static final Logger LOG = LoggerFactory.getLogger(FileWorkers.class);
    private static final long SLICE_NANOS = 100_000;
    private static final long STOP_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final FileWork work;
    private final FileRequest[] requests;
    private final Handover todo;
    private final Handover done;
    private final Runnable wake;
    private final AtomicIntegerArray parked;
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean stopping;

    /**
     * Starts them.
     *
     * @param todo indices of requests to be done
     * @param done the same, when they are; has room for all
     * @param wake has the poller look at {@code done} soon
     */
    FileWorkers(int count, FileWork work, FileRequest[] requests, Handover todo, Handover done, Runnable wake)
            throws LinuxException {
        this.work = work;
        this.requests = requests;
        this.todo = todo;
        this.done = done;
        this.wake = wake;
        this.parked = new AtomicIntegerArray(count);
        List<FileScratch> scratches = new ArrayList<>();
        try {
            for (int i = 0; i < count; i++) {
                scratches.add(FileScratch.create());
            }
        } catch (LinuxException e) {
            scratches.forEach(FileScratch::close);
            throw e;
        }
        for (int i = 0; i < count; i++) {
            int id = i;
            threads.add(Thread.ofPlatform().name("file-" + i).daemon().unstarted(() -> run(id, scratches.get(id))));
        }
        threads.forEach(Thread::start);
    }

    /** Has somebody do what has just been added. Called by the poller. */
    void wakeOne() {
        for (int i = 0; i < parked.length(); i++) {
            if (parked.get(i) == 1 && parked.compareAndSet(i, 1, 0)) {
                LockSupport.unpark(threads.get(i));
                return;
            }
        }
    }

    /** Who has a processor of a poller's to wait for must get it soon: a slice of somebody else's is longer than most calls. */
    private static void prepareThread() {
        try {
            ThreadControl.setSlice(SLICE_NANOS);
        } catch (LinuxException e) {
            LOG.warn("calls for data may begin late: {}", e.getMessage());
        }
    }

    private void run(int id, FileScratch scratch) {
        prepareThread();
        try (scratch) {
            while (!stopping) {
                int index = todo.poll();
                if (index == Handover.NOTHING) {
                    rest(id);
                } else {
                    perform(index, scratch);
                }
            }
        }
    }

    /** It says that it rests before it looks again; who adds looks for those that rest after that: one sees the other. */
    private void rest(int id) {
        parked.set(id, 1);
        if (todo.isEmpty() && !stopping) {
            LockSupport.park(this);
        }
        parked.set(id, 0);
    }

    private void perform(int index, FileScratch scratch) {
        FileRequest request = requests[index];
        request.finish(request.start() ? work.perform(request, scratch) : request.status());
        if (!done.offer(index)) {
            throw new IllegalStateException("more is done than was asked for");
        }
        wake.run();
    }

    /**
     * Ends them, after what each is doing now. One that hangs in the kernel is not waited for any longer than two seconds.
     *
     * @return whether all have ended
     */
    boolean stop(String name) {
        stopping = true;
        threads.forEach(LockSupport::unpark);
        long deadline = System.nanoTime() + STOP_NANOS;
        try {
            for (Thread thread : threads) {
                long millis = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                thread.join(Math.max(millis, 1));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        long hanging = threads.stream().filter(Thread::isAlive).count();
        if (hanging > 0) {
            LOG.error(
                    "{}: {} of its calls hang in the kernel; it stays open and locked until they return, or this process ends",
                    name,
                    hanging);
        }
        return hanging == 0;
    }
}

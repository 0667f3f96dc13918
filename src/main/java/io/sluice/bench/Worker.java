package io.sluice.bench;

import io.sluice.host.DeviceFailure;
import io.sluice.host.NvmeDriver;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * One thread that polls some of the queues until their jobs are done.
 *
 * <p>A queue pair that fails is not the end: whoever supervises the driver resets the controller, the commands end in errors,
 * and the load goes on. A dead device is.
 */
final class Worker implements Runnable {
    /** How often nothing is found before the processor is offered to others: there may be fewer than there are pollers. */
    private static final int EMPTY_POLLS_PER_YIELD = 2_000;

    /** How often the queues are polled before each is told the time: deadlines are seconds away. */
    private static final int POLLS_PER_CLOCK = 2_000;

    /** After a stop, commands in flight get so long to end. */
    private static final long STOP_NANOS = TimeUnit.MILLISECONDS.toNanos(400);

    private final List<Job> jobs;
    private final Timeline timeline;
    private final NvmeDriver driver;
    private volatile IOException failure;

    Worker(List<Job> jobs, Timeline timeline, NvmeDriver driver) {
        this.jobs = jobs;
        this.timeline = timeline;
        this.driver = driver;
    }

    /** What ended this worker before its jobs were done, or null. */
    IOException failure() {
        return failure;
    }

    @Override
    public void run() {
        try {
            long now = System.nanoTime();
            for (Job job : jobs) {
                job.start(now);
            }
            poll();
        } catch (IOException e) {
            end(e);
        } catch (InternalError e) {
            end(new DeviceFailure(
                    driver.name() + " has taken memory away that it had lent: a file was cut short under its mapping",
                    e));
        } catch (RuntimeException | Error e) {
            end(new IOException("the load generator failed: " + e, e));
        }
    }

    /** One failed queue ends the run: the others' figures would be of a load that nobody asked for. */
    private void end(IOException why) {
        failure = why;
        timeline.stop(System.nanoTime());
    }

    @SuppressWarnings("ThreadPriorityCheck") // yielding is only a courtesy to other pollers; nothing depends on it
    private void poll() throws IOException {
        Job[] active = jobs.toArray(Job[]::new);
        long idleSince = System.nanoTime();
        int empty = 0;
        int polls = 0;
        while (anyLeft(active)) {
            if (++polls == POLLS_PER_CLOCK) {
                polls = 0;
                tellTime(active);
            }
            if (step(active) > 0) {
                empty = 0;
            } else if (++empty % EMPTY_POLLS_PER_YIELD == 0) {
                long now = System.nanoTime();
                if (empty == EMPTY_POLLS_PER_YIELD) {
                    idleSince = now;
                }
                if (timeline.isStopped() && now - idleSince >= STOP_NANOS) {
                    return;
                }
                Thread.yield();
            }
        }
    }

    private static void tellTime(Job[] active) {
        long now = System.nanoTime();
        for (Job job : active) {
            job.checkDeadlines(now);
        }
    }

    private int step(Job[] active) throws IOException {
        int ended = 0;
        for (Job job : active) {
            try {
                ended += job.step();
            } catch (DeviceFailure e) {
                if (driver.isDead()) {
                    throw e;
                }
            }
        }
        return ended;
    }

    private static boolean anyLeft(Job[] active) {
        for (Job job : active) {
            if (!job.isDone()) {
                return true;
            }
        }
        return false;
    }
}

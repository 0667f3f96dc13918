package io.sluice.bench;

import io.sluice.host.DeviceFailure;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** One thread that polls some of the queues until their jobs are done. */
final class Worker implements Runnable {
    /** How often nothing is found before the processor is offered to others: there may be fewer than there are pollers. */
    private static final int EMPTY_POLLS_PER_YIELD = 2_000;

    /** A device that completes nothing for so long is taken for stuck. */
    private static final long STALL_NANOS = TimeUnit.SECONDS.toNanos(30);

    /** After a stop, commands in flight get so long to end. */
    private static final long STOP_NANOS = TimeUnit.MILLISECONDS.toNanos(400);

    private final List<Job> jobs;
    private final Timeline timeline;
    private final String device;
    private volatile IOException failure;

    Worker(List<Job> jobs, Timeline timeline, String device) {
        this.jobs = jobs;
        this.timeline = timeline;
        this.device = device;
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
                    device + " has taken memory away that it had lent: a file was cut short under its mapping", e));
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
        long lastProgress = System.nanoTime();
        int empty = 0;
        while (anyLeft(active)) {
            int ended = 0;
            for (Job job : active) {
                ended += job.step();
            }
            if (ended > 0) {
                empty = 0;
            } else if (++empty % EMPTY_POLLS_PER_YIELD == 0) {
                long now = System.nanoTime();
                if (empty == EMPTY_POLLS_PER_YIELD) {
                    lastProgress = now;
                }
                if (giveUp(now - lastProgress)) {
                    return;
                }
                Thread.yield();
            }
        }
    }

    private static boolean anyLeft(Job[] active) {
        for (Job job : active) {
            if (!job.isDone()) {
                return true;
            }
        }
        return false;
    }

    private boolean giveUp(long idleNanos) throws DeviceFailure {
        if (idleNanos >= STALL_NANOS) {
            int inFlight = jobs.stream().mapToInt(Job::inFlight).sum();
            throw new DeviceFailure(device + " has completed nothing for " + TimeUnit.NANOSECONDS.toSeconds(STALL_NANOS)
                    + " s, with " + inFlight + " commands in flight; see its server's log, or reset it");
        }
        return timeline.isStopped() && idleNanos >= STOP_NANOS;
    }
}

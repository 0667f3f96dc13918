package io.sluice.poll;

import io.sluice.linux.LinuxException;
import io.sluice.linux.ThreadControl;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * From a doorbell that comes as a message to a sleeping poller's first step: after a rest, by a thread that then spins, as a guest's
 * processor does.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 10, time = 2)
public class WakeBenchmark {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final long TIMER_SLACK_NANOS = 1_000;
    /** For the JIT: without a rest, so that there are enough of them. */
    private static final int TRAINING = 30_000;

    /** What the poller's thread asks the kernel for; 0 for nothing. */
    @Param({"0", "100"})
    private int sliceMicros;

    @Param({"1", "20"})
    private int restMillis;

    private AgentRunner runner;
    private CommandQueue commands;
    private volatile boolean seen;

    private final class Sleeper implements Agent {
        @Override
        public String name() {
            return "wake-benchmark";
        }

        @Override
        public int doWork() {
            return commands.drain();
        }

        @Override
        public boolean isDormant() {
            return true;
        }

        @Override
        public void onFault(Throwable fault) {
            throw new IllegalStateException(fault);
        }
    }

    @Setup
    public void start() throws InterruptedException {
        commands = CommandQueue.to(() -> runner.wake());
        runner = new AgentRunner(new Sleeper(), BackoffIdle.standard(), this::prepare);
        runner.start();
        for (int i = 0; i < TRAINING; i++) {
            wake();
            if (i % 10 == 0) {
                Thread.sleep(1); // so that it goes to sleep as well
            }
        }
    }

    private void prepare() {
        try {
            ThreadControl.setTimerSlack(TIMER_SLACK_NANOS);
            if (sliceMicros > 0) {
                ThreadControl.setSlice(TimeUnit.MICROSECONDS.toNanos(sliceMicros));
            }
        } catch (LinuxException e) {
            throw new IllegalStateException(e);
        }
    }

    @Setup(Level.Invocation)
    public void rest() throws InterruptedException {
        Thread.sleep(restMillis);
    }

    @Benchmark
    public void wake() {
        seen = false;
        commands.post("wake up", PATIENCE_NANOS, () -> seen = true);
        while (!seen) {
            Thread.onSpinWait();
        }
    }

    @TearDown
    public void stop() {
        runner.close();
    }
}

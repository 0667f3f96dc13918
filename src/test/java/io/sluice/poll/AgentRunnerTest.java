package io.sluice.poll;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Iterator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class AgentRunnerTest {
    @Test
    void shouldHandBackWhatTheAgentThrowsAndGoOn() throws Exception {
        Error fault = new InternalError("a fault occurred in an unsafe memory access operation");
        Recorder agent = new Recorder(fault);
        try (AgentRunner runner = new AgentRunner(agent, BackoffIdle.standard(), () -> {})) {
            runner.start();
            assertTrue(agent.cyclesAfterFault.await(30, TimeUnit.SECONDS));
        }

        assertEquals(1, agent.faults.size());
        assertSame(fault, agent.faults.get(0));
    }

    @Test
    void shouldRunTheSetUpFirstOnTheAgentsThread() throws Exception {
        AtomicReference<Thread> setUpOn = new AtomicReference<>();
        Recorder agent = new Recorder(null);
        try (AgentRunner runner =
                new AgentRunner(agent, BackoffIdle.standard(), () -> setUpOn.set(Thread.currentThread()))) {
            runner.start();
            assertTrue(agent.cyclesAfterFault.await(30, TimeUnit.SECONDS));
        }

        assertSame(agent.thread.get(), setUpOn.get());
        assertEquals("poller-recorder", agent.thread.get().getName());
    }

    @Test
    void shouldNotRunTheAgentOnceClosed() throws Exception {
        Recorder agent = new Recorder(null);
        AgentRunner runner = new AgentRunner(agent, BackoffIdle.standard(), () -> {});
        runner.start();
        assertTrue(agent.cyclesAfterFault.await(30, TimeUnit.SECONDS));

        assertTrue(runner.stop());
        int cycles = agent.cycles.get();
        assertTrue(runner.stop());

        assertFalse(agent.thread.get().isAlive());
        assertEquals(cycles, agent.cycles.get());
    }

    @Test
    void shouldSleepWhileDormantAndRunAtOnceWhenWoken() throws Exception {
        BlockingQueue<String> calls = new LinkedBlockingQueue<>();
        IdleStrategy idle = new IdleStrategy() {
            @Override
            public void idle(int work, long maxRestNanos) {
                calls.add("idle " + work);
            }

            @Override
            public boolean isParking() {
                return true;
            }

            @Override
            public void sleep() {
                calls.add("sleep");
                LockSupport.park(); // for ever: only a wake ends it
            }
        };
        Iterator<Integer> work = List.of(0, 1, 0).iterator();
        Agent agent = new Sleeper(work);
        try (AgentRunner runner = new AgentRunner(agent, idle, () -> {})) {
            runner.start();
            assertEquals("sleep", calls.poll(30, TimeUnit.SECONDS));
            runner.wake();
            assertEquals("idle 1", calls.poll(30, TimeUnit.SECONDS));
            assertEquals("sleep", calls.poll(30, TimeUnit.SECONDS));
        }
    }

    @Test
    void shouldRestNoLongerThanTheAgentMay() throws Exception {
        BlockingQueue<Long> rests = new LinkedBlockingQueue<>();
        IdleStrategy idle = new IdleStrategy() {
            @Override
            public void idle(int work, long maxRestNanos) {
                rests.add(maxRestNanos);
            }

            @Override
            public boolean isParking() {
                return true;
            }

            @Override
            public void sleep() {
                throw new AssertionError("it waits for a time");
            }
        };
        Agent agent = new Waiter(List.of(0, 1, 0).iterator());
        try (AgentRunner runner = new AgentRunner(agent, idle, () -> {})) {
            runner.start();
            assertEquals(77L, rests.poll(30, TimeUnit.SECONDS));
            assertEquals(Long.MAX_VALUE, rests.poll(30, TimeUnit.SECONDS), "not asked while there is work");
            assertEquals(77L, rests.poll(30, TimeUnit.SECONDS));
        }
    }

    /** Waits for a time whenever there is nothing to do. */
    private record Waiter(Iterator<Integer> work) implements Agent {
        @Override
        public String name() {
            return "waiter";
        }

        @Override
        public int doWork() {
            return work.hasNext() ? work.next() : 0;
        }

        @Override
        public long maxRestNanos() {
            return 77;
        }

        @Override
        public void onFault(Throwable fault) {
            throw new AssertionError(fault);
        }
    }

    /** Dormant whenever there is nothing to do. */
    private record Sleeper(Iterator<Integer> work) implements Agent {
        @Override
        public String name() {
            return "sleeper";
        }

        @Override
        public int doWork() {
            return work.hasNext() ? work.next() : 0;
        }

        @Override
        public boolean isDormant() {
            return true;
        }

        @Override
        public void onFault(Throwable fault) {
            throw new AssertionError(fault);
        }
    }

    private static final class Recorder implements Agent {
        private final AtomicInteger cycles = new AtomicInteger();
        private final CountDownLatch cyclesAfterFault = new CountDownLatch(10);
        private final AtomicReference<Thread> thread = new AtomicReference<>();
        private final List<Throwable> faults = new CopyOnWriteArrayList<>();
        private Error toThrow;

        Recorder(Error toThrow) {
            this.toThrow = toThrow;
        }

        @Override
        public String name() {
            return "recorder";
        }

        @Override
        public int doWork() {
            thread.set(Thread.currentThread());
            cycles.incrementAndGet();
            if (toThrow != null) {
                Error error = toThrow;
                toThrow = null;
                throw error;
            }
            cyclesAfterFault.countDown();
            return 0;
        }

        @Override
        public void onFault(Throwable fault) {
            faults.add(fault);
        }
    }
}

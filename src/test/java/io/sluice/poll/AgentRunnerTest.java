package io.sluice.poll;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
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

        runner.close();
        int cycles = agent.cycles.get();
        runner.close();

        assertFalse(agent.thread.get().isAlive());
        assertEquals(cycles, agent.cycles.get());
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

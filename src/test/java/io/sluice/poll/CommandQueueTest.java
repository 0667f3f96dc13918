package io.sluice.poll;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.poll.CommandQueue.AgentStalled;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CommandQueueTest {
    private static final long LONG = TimeUnit.SECONDS.toNanos(30);
    private static final long SHORT = TimeUnit.MILLISECONDS.toNanos(5);

    /** Time enough for the agent to begin, on a machine however busy; it has to pass. */
    private static final long BEGINS = TimeUnit.SECONDS.toNanos(3);

    @Test
    void shouldRunACommandOnTheAgentsThreadAndWaitForIt() {
        AtomicReference<Thread> ranOn = new AtomicReference<>();
        AtomicInteger ran = new AtomicInteger();
        try (Polled polled = new Polled()) {
            polled.queue.run("note the thread", LONG, () -> {
                ranOn.set(Thread.currentThread());
                ran.incrementAndGet();
            });

            assertEquals(1, ran.get());
            assertTrue(ranOn.get().getName().contains("polled"), ranOn.get().getName());
        }
    }

    /** An agent's register handler must not be blamed for the memory of another agent of its thread. */
    @Test
    void shouldTellOfAnEarlierAccessErrorBeforeAStepBeginsAndKeepTheCommand() {
        AtomicReference<InternalError> late = new AtomicReference<>();
        CommandQueue queue = CommandQueue.to(() -> {}, () -> {
            InternalError error = late.getAndSet(null);
            if (error != null) {
                throw error;
            }
        });
        AtomicInteger steps = new AtomicInteger();
        CompletableFuture<Void> caller =
                CompletableFuture.runAsync(() -> queue.call("count", LONG, () -> steps.incrementAndGet() == 2));
        drainUntil(queue, steps, 1);
        InternalError anothers = new InternalError("of another agent's memory");
        late.set(anothers);

        assertSame(anothers, assertThrows(InternalError.class, queue::drain));
        assertEquals(1, steps.get());
        assertFalse(caller.isDone());

        assertEquals(1, queue.drain());
        caller.join();
        assertEquals(2, steps.get());
        late.set(anothers);
        assertEquals(0, queue.drain(), "where nothing has come nobody looks");
    }

    @Test
    void shouldRepeatAStepOnceADutyCycleUntilItIsDone() {
        CommandQueue queue = CommandQueue.to(() -> {});
        AtomicInteger steps = new AtomicInteger();
        CompletableFuture<Void> caller =
                CompletableFuture.runAsync(() -> queue.call("count", LONG, () -> steps.incrementAndGet() == 3));

        drainUntil(queue, steps, 1);
        assertEquals(1, queue.drain());
        assertEquals(2, steps.get());
        assertFalse(caller.isDone());
        assertEquals(1, queue.drain());
        caller.join();

        assertEquals(3, steps.get());
        assertEquals(0, queue.drain());
    }

    @Test
    void shouldKeepTheOrderWhenAnEarlierCommandIsNotDone() throws Exception {
        CommandQueue queue = CommandQueue.to(() -> {});
        List<String> order = new ArrayList<>();
        AtomicInteger firstSteps = new AtomicInteger();
        CompletableFuture<Void> first = CompletableFuture.runAsync(() -> queue.call("first", LONG, () -> {
            order.add("first");
            return firstSteps.incrementAndGet() == 2;
        }));
        drainUntil(queue, firstSteps, 1);
        CompletableFuture<Void> second =
                CompletableFuture.runAsync(() -> queue.run("second", LONG, () -> order.add("second")));
        while (!second.isDone()) {
            queue.drain();
        }

        first.get();
        assertEquals(List.of("first", "first", "second"), order);
    }

    @Test
    void shouldThrowInTheCallerWhatTheCommandThrew() {
        IllegalStateException thrown = new IllegalStateException("no");
        try (Polled polled = new Polled()) {
            Exception seen = assertThrows(
                    IllegalStateException.class,
                    () -> polled.queue.run("fail", LONG, () -> {
                        throw thrown;
                    }));

            assertSame(thrown, seen);
        }
    }

    @Test
    void shouldGiveUpAndNeverRunItWhenTheAgentDoesNotCome() {
        CommandQueue queue = CommandQueue.to(() -> {});
        AtomicInteger ran = new AtomicInteger();

        AgentStalled stalled =
                assertThrows(AgentStalled.class, () -> queue.run("set interrupts", SHORT, ran::incrementAndGet));
        queue.drain();

        assertEquals("the poller did not set interrupts within 5 ms", stalled.getMessage());
        assertEquals(0, ran.get());
    }

    @Test
    void shouldNotWaitForWhatIsPostedAndKeepItsOrder() {
        AtomicInteger wakes = new AtomicInteger();
        CommandQueue queue = CommandQueue.to(wakes::incrementAndGet);
        List<String> order = new ArrayList<>();
        queue.post("first", LONG, () -> order.add("first"));
        queue.post("second", LONG, () -> order.add("second"));
        assertEquals(2, wakes.get());
        assertEquals(List.of(), order);

        assertEquals(2, queue.drain());

        assertEquals(List.of("first", "second"), order);
    }

    @Test
    void shouldRunAtOnceWhatIsPostedToAnAgentThatIsSteppedByHand() {
        AtomicInteger ran = new AtomicInteger();
        CommandQueue.direct().post("count", LONG, ran::incrementAndGet);
        assertEquals(1, ran.get());
    }

    @Test
    void shouldTakePartOfWhatIsPostedInOneDutyCycle() {
        CommandQueue queue = CommandQueue.to(() -> {});
        AtomicInteger ran = new AtomicInteger();
        for (int i = 0; i < CommandQueue.MAX_STEPS + 1; i++) {
            queue.post("count", LONG, ran::incrementAndGet);
        }
        assertEquals(CommandQueue.MAX_STEPS, queue.drain());
        assertEquals(1, queue.drain());
        assertEquals(0, queue.drain());
        assertEquals(CommandQueue.MAX_STEPS + 1, ran.get());
    }

    @Test
    void shouldTakeNoMorePostsThanThereIsRoomFor() {
        CommandQueue queue = CommandQueue.to(() -> {});
        AtomicInteger ran = new AtomicInteger();
        for (int i = 0; i < CommandQueue.CAPACITY; i++) {
            queue.post("count", LONG, ran::incrementAndGet);
        }
        AgentStalled full = assertThrows(AgentStalled.class, () -> queue.post("ring", SHORT, ran::incrementAndGet));
        assertEquals("the poller did not ring within 5 ms", full.getMessage());

        queue.drain();
        queue.post("count", LONG, ran::incrementAndGet);
        for (int turns = 0; turns < CommandQueue.CAPACITY; turns++) {
            queue.drain();
        }

        assertEquals(CommandQueue.CAPACITY + 1, ran.get());
    }

    @Test
    void shouldTakeNoFurtherStepWhenTheCallerHasGivenUp() {
        CommandQueue queue = CommandQueue.direct();
        AtomicInteger steps = new AtomicInteger();

        assertThrows(
                AgentStalled.class,
                () -> queue.call("end", SHORT, () -> {
                    steps.incrementAndGet();
                    return false;
                }));
        int taken = steps.get();
        queue.drain();

        assertTrue(taken > 0);
        assertEquals(taken, steps.get());
    }

    @Test
    void shouldSayThatAStepIsUnderWayWhenTheCallerGivesUpAndTakeNoFurtherOne() throws Exception {
        CommandQueue queue = CommandQueue.to(() -> {});
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        AtomicInteger steps = new AtomicInteger();
        AtomicInteger abandoned = new AtomicInteger();
        Thread agent = Thread.ofPlatform().start(() -> {
            while (begun.getCount() > 0) {
                queue.drain();
            }
        });
        BooleanSupplier step = () -> {
            begun.countDown();
            awaitUninterrupted(go);
            assertEquals(0, abandoned.get(), "its end comes after it");
            return steps.incrementAndGet() == 0;
        };

        AgentStalled stalled = assertThrows(
                AgentStalled.class, () -> queue.call("set interrupts", BEGINS, step, abandoned::incrementAndGet));
        go.countDown();
        agent.join();
        queue.drain();

        assertTrue(stalled.wasUnderWay());
        assertTrue(stalled.getMessage().endsWith("and is at it still"), stalled.getMessage());
        assertEquals(1, steps.get());
        assertEquals(1, abandoned.get());
    }

    @Test
    void shouldNotCleanUpAfterACallerThatWaited() {
        AtomicInteger abandoned = new AtomicInteger();
        try (Polled polled = new Polled()) {
            polled.queue.call("do", LONG, () -> true, abandoned::incrementAndGet);
        }
        CommandQueue queue = CommandQueue.to(() -> {});

        AgentStalled stalled =
                assertThrows(AgentStalled.class, () -> queue.call("do", SHORT, () -> true, abandoned::incrementAndGet));
        queue.drain();

        assertFalse(stalled.wasUnderWay());
        assertEquals(0, abandoned.get());
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void drainUntil(CommandQueue queue, AtomicInteger counter, int value) {
        while (counter.get() < value) {
            queue.drain();
        }
    }

    /** A thread that does nothing but drain. */
    private static final class Polled implements AutoCloseable, Agent {
        private final AgentRunner runner = new AgentRunner(this, BackoffIdle.standard(), () -> {});
        private final CommandQueue queue = CommandQueue.to(runner::wake);

        Polled() {
            runner.start();
        }

        @Override
        public String name() {
            return "polled";
        }

        @Override
        public int doWork() {
            return queue.drain();
        }

        @Override
        public void onFault(Throwable fault) {
            throw new AssertionError(fault);
        }

        @Override
        public void close() {
            runner.close();
        }
    }
}

package io.sluice.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class HandoverTest {
    @Test
    void shouldGiveBackInOrderWhatWasAddedRoundAfterRound() {
        Handover queue = new Handover(4);
        for (int round = 0; round < 10; round++) {
            assertTrue(queue.isEmpty());
            assertEquals(Handover.NOTHING, queue.poll());
            for (int i = 0; i < 4; i++) {
                assertTrue(queue.offer(10 * round + i));
            }
            assertFalse(queue.offer(99), "it is full");
            assertFalse(queue.isEmpty());
            for (int i = 0; i < 4; i++) {
                assertEquals(10 * round + i, queue.poll());
            }
        }
    }

    @Test
    void shouldRefuseACapacityThatIsNoPowerOfTwo() {
        assertThrows(IllegalArgumentException.class, () -> new Handover(3));
        assertThrows(IllegalArgumentException.class, () -> new Handover(1));
    }

    @Test
    void shouldHandEachItemToExactlyOneOfManyThreads() throws Exception {
        int items = 200_000;
        int each = items / 2;
        Handover queue = new Handover(8);
        AtomicIntegerArray taken = new AtomicIntegerArray(items);
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 2; t++) {
            int first = t * each;
            threads.add(Thread.ofPlatform().start(() -> {
                for (int i = 0; i < each; i++) {
                    while (!queue.offer(first + i)) {
                        Thread.onSpinWait();
                    }
                }
            }));
            threads.add(Thread.ofPlatform().start(() -> {
                for (int i = 0; i < each; ) {
                    int item = queue.poll();
                    if (item == Handover.NOTHING) {
                        Thread.onSpinWait();
                    } else {
                        taken.incrementAndGet(item);
                        i++;
                    }
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        for (int i = 0; i < items; i++) {
            assertEquals(1, taken.get(i), "item " + i);
        }
        assertTrue(queue.isEmpty());
    }
}

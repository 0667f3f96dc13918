package io.sluice.nvme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RingsTest {
    @ParameterizedTest
    @ValueSource(ints = {2, 3, 7, 128, 1000, 65_536})
    void shouldAgreeWithAPlainQueueWhenUsedAtRandom(int entries) {
        long seed = System.nanoTime();
        System.out.println("RingsTest seed " + seed + ", entries " + entries);
        Random random = new Random(seed);
        ArrayDeque<Integer> model = new ArrayDeque<>();
        int head = 0;
        int tail = 0;
        for (int step = 0; step < 20_000; step++) {
            assertEquals(model.size(), Rings.distance(head, tail, entries));
            assertEquals(entries - 1 - model.size(), Rings.free(head, tail, entries));
            assertEquals(model.isEmpty(), Rings.isEmpty(head, tail));
            assertEquals(model.size() == entries - 1, Rings.isFull(head, tail, entries));
            if (random.nextBoolean() && !Rings.isFull(head, tail, entries)) {
                model.add(tail);
                tail = Rings.next(tail, entries);
            } else if (!Rings.isEmpty(head, tail)) {
                assertEquals(head, model.remove());
                head = Rings.advance(head, 1, entries);
            }
        }
    }

    @Test
    void shouldAdvanceByWholeBatches() {
        assertEquals(0, Rings.advance(3, 2, 5));
        assertEquals(4, Rings.advance(3, 1, 5));
        assertEquals(3, Rings.advance(3, 5, 5));
    }

    @Test
    void shouldFlipThePhaseOnlyWhenTheIndexWraps() {
        int phase = Rings.FIRST_PHASE;
        int index = 0;
        StringBuilder phases = new StringBuilder();
        for (int i = 0; i < 9; i++) {
            phases.append(phase);
            index = Rings.next(index, 3);
            phase = Rings.phaseAt(index, phase);
        }
        assertEquals("111000111", phases.toString());
    }

    @Test
    void shouldTakeOnlyValuesInsideTheQueueForAnIndex() {
        assertTrue(Rings.isIndex(0, 2));
        assertTrue(Rings.isIndex(1, 2));
        assertFalse(Rings.isIndex(2, 2));
        assertFalse(Rings.isIndex(-1, 65_536));
        assertFalse(Rings.isIndex(Integer.MIN_VALUE, 65_536));
    }
}

package io.sluice.controller;

import io.sluice.mem.Memory;
import java.io.IOException;
import java.util.function.IntUnaryOperator;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.Test;

/**
 * As {@link DroppedControllerTest}, with a guest that does not share its memory: with a controller, all ends that it waits for, and what it
 * has asked for comes to pass or does not.
 */
class DroppedRemoteTest {
    private int vectors;

    private RevivedController live(Drops.Spans spans, LongPredicate shares) throws IOException {
        ControllerConfig config = ControllerConfig.of("dropped", "SN1").withMaxQueuePairs(4);
        IntUnaryOperator choice = spans.random()::nextInt;
        try (RevivedController controller = new RevivedController(
                config, spans.lengths(), new MemoryPlatter(), guest -> new RemoteClient(guest, shares, choice))) {
            new DroppedLife(controller, vectors).live();
            return controller;
        }
    }

    private RevivedController live(Drops.Spans spans) throws IOException {
        return live(spans, DroppedRemoteTest::isShared);
    }

    /** Some queues are shared, and some of the data of large commands. */
    private static boolean isShared(long gpa) {
        return gpa / Memory.PAGE_BYTES % 8 == 2;
    }

    /** The guest looks at a completion queue only when it is interrupted, which is after it has got completions. */
    @Test
    void shouldAnswerEachCommandOnceWhereverItIsDropped() throws Exception {
        vectors = 5;
        new Drops(this::live).dropEverywhere(3);
    }

    @Test
    void shouldAnswerEachCommandOnceWhenItIsDroppedAgainAndAgain() throws Exception {
        new Drops(this::live).dropAgainAndAgain(40);
    }
}

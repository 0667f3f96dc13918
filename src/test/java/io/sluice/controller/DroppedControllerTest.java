package io.sluice.controller;

import java.io.IOException;
import org.junit.jupiter.api.Test;

/**
 * A controller is dropped before each of the stores of its life in turn, and made again from its memfds: whatever that life was about,
 * each command is answered once, as it would have been, and what was set stays set.
 */
class DroppedControllerTest {
    private final Drops drops = new Drops(this::live);
    private int vectors;

    private RevivedController live(Drops.Spans spans) throws IOException {
        ControllerConfig config = ControllerConfig.of("dropped", "SN1").withMaxQueuePairs(4);
        try (RevivedController controller =
                new RevivedController(config, spans.lengths(), new MemoryPlatter(), guest -> null)) {
            new DroppedLife(controller, vectors).live();
            return controller;
        }
    }

    @Test
    void shouldAnswerEachCommandOnceWhereverItIsDropped() throws Exception {
        drops.dropEverywhere();
    }

    /** The guest looks at a completion queue only when it is interrupted. */
    @Test
    void shouldLoseNoInterruptWhereverItIsDropped() throws Exception {
        vectors = 5;
        drops.dropEverywhere();
    }

    @Test
    void shouldAnswerEachCommandOnceWhenItIsDroppedAgainAndAgain() throws Exception {
        drops.dropAgainAndAgain(300);
    }
}

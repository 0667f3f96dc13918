package io.sluice.controller;

import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** As {@link DroppedControllerTest}, with blocks in a file, whose threads are in the middle of something when their process ends. */
class DroppedFileTest {
    @TempDir
    Path folder;

    private RevivedController live(Drops.Spans spans, Function<FakeGuest, RemoteClient> client) throws IOException {
        ControllerConfig config = ControllerConfig.of("dropped", "SN1").withMaxQueuePairs(4);
        FilePlatter platter = new FilePlatter(folder.resolve("disk.img"));
        try (RevivedController controller = new RevivedController(config, spans.lengths(), platter, client)) {
            new DroppedLife(controller, 0).live();
            return controller;
        }
    }

    @Test
    void shouldAnswerEachCommandOnceWhereverItIsDropped() throws Exception {
        new Drops(spans -> live(spans, guest -> null)).dropEverywhere(4);
    }

    @Test
    void shouldAnswerEachCommandOnceWhenItIsDroppedAgainAndAgain() throws Exception {
        new Drops(spans -> live(spans, guest -> null)).dropAgainAndAgain(40);
    }

    /** A worker may be in the middle of a copy of ours of the guest's memory, too. */
    @Test
    void shouldAnswerEachCommandOnceToAGuestThatDoesNotShareItsMemory() throws Exception {
        new Drops(spans -> {
                    IntUnaryOperator choice = spans.random()::nextInt;
                    return live(spans, guest -> new RemoteClient(guest, gpa -> false, choice));
                })
                .dropAgainAndAgain(20);
    }
}

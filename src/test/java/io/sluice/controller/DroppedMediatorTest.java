package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/**
 * A guest's controller is dropped together with the mediator below it, before each of the stores of either and before each doorbell of
 * the device's; the device goes on. Each command is done, and answered once.
 */
class DroppedMediatorTest {
    private RevivedController live(Drops.Spans spans) throws IOException {
        ControllerConfig config = ControllerConfig.of("dropped", "SN1").withMaxQueuePairs(4);
        MediatedPlatter platter = new MediatedPlatter();
        try (RevivedController controller = new RevivedController(config, spans.lengths(), platter, guest -> null)) {
            DroppedLife life = new DroppedLife(controller, 0);
            life.live();
            assertTrue(
                    platter.executed() <= life.reaching(),
                    () -> platter.executed() + " commands were done, and there were " + life.reaching());
            return controller;
        }
    }

    @Test
    void shouldAnswerEachCommandOnceWhereverItIsDropped() throws Exception {
        new Drops(this::live).dropEverywhere(8, 1_000);
    }

    /** The guest does not share its memory: data goes by bounce memory, which the device has as long as it has the command. */
    @Test
    void shouldAnswerEachCommandOnceWhereverItIsDroppedWithMemoryThatIsNotShared() throws Exception {
        new Drops(this::liveRemote).dropEverywhere(16, 1_000);
    }

    private RevivedController liveRemote(Drops.Spans spans) throws IOException {
        ControllerConfig config = ControllerConfig.of("dropped", "SN1").withMaxQueuePairs(4);
        try (RevivedController controller = new RevivedController(
                config,
                spans.lengths(),
                new MediatedPlatter(),
                guest -> new RemoteClient(guest, DroppedMediatorTest::isShared, spans.random()::nextInt))) {
            new DroppedLife(controller, 0).live();
            return controller;
        }
    }

    /** Some queues are shared, and some of the data of large commands. */
    private static boolean isShared(long gpa) {
        return gpa / Memory.PAGE_BYTES % 8 == 2;
    }

    @Test
    void shouldSayOfNoCommandThatItIsDoneIfAResetOfTheDeviceHasEndedIt() throws Exception {
        new Drops(this::liveThroughResets).dropEverywhere(8, 500);
    }

    private RevivedController liveThroughResets(Drops.Spans spans) throws IOException {
        ControllerConfig config = ControllerConfig.of("dropped", "SN1").withMaxQueuePairs(4);
        MediatedPlatter platter = new MediatedPlatter();
        try (RevivedController controller = new RevivedController(config, spans.lengths(), platter, guest -> null)) {
            new DroppedLife(controller, 0).writeThroughResets(platter::resetDevice);
            assertTrue(controller.revivals() > 0 || platter.resets() > 0, "no reset");
            return controller;
        }
    }

    @Test
    void shouldEndAllThatTheDeviceHasBeforeAResetIsOver() throws Exception {
        new Drops(this::liveWithAReset).dropEverywhere(2, 200);
    }

    private RevivedController liveWithAReset(Drops.Spans spans) throws IOException {
        ControllerConfig config = ControllerConfig.of("dropped", "SN1").withMaxQueuePairs(4);
        try (RevivedController controller =
                new RevivedController(config, spans.lengths(), new MediatedPlatter(), guest -> null)) {
            new DroppedLife(controller, 0).resetUnderLoad();
            return controller;
        }
    }

    @Test
    void shouldAnswerEachCommandOnceWhenItIsDroppedAgainAndAgain() throws Exception {
        new Drops(this::live).dropAgainAndAgain(20, 120);
    }
}

package io.sluice.vfiouser.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.sluice.daemon.ModelDaemon;
import io.sluice.daemon.ModelOptions;
import io.sluice.linux.EventFd;
import io.sluice.linux.Fd;
import io.sluice.linux.FullEventFd;
import io.sluice.vfiouser.Command;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A client that makes its eventfds block, by clearing O_NONBLOCK in the open file that it shares with the server. It must not
 * hold up the poller of a real model: it is thrown out, and the next client is served.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BlockingEventFdTest {
    private static final int MSIX = 2;
    private static final int SET = 0x24;
    private static final int TRIGGER = 0x21;
    private static final int VECTORS = 8;

    @TempDir
    Path folder;

    private final List<EventFd> targets = new ArrayList<>();
    private ModelDaemon model;
    private RawClient client;

    @BeforeEach
    void start() throws IOException {
        model = ModelDaemon.start(new ModelOptions(
                folder.resolve("s"), 0600, Optional.empty(), Optional.empty(), 1 << 20, 512, "BLOCKING", false));
        client = RawClient.ready(model.socket());
        for (int i = 0; i < VECTORS; i++) {
            targets.add(EventFd.create());
        }
    }

    @AfterEach
    void stop() {
        client.close();
        model.close();
        targets.forEach(EventFd::close);
    }

    private void setTargets(int count) throws IOException {
        Fd[] fds = targets.stream().limit(count).map(EventFd::fd).toArray(Fd[]::new);
        client.request(Command.DEVICE_SET_IRQS, Body.irqs(SET, MSIX, 0, count), fds)
                .assertDone();
    }

    /** The poller signals these vectors. */
    private void trigger(int count) throws IOException {
        client.send(Command.DEVICE_SET_IRQS, Body.irqs(TRIGGER, MSIX, 0, count));
    }

    /** Its controller answers, so the poller runs. */
    private void assertNextClientIsServed() throws IOException {
        client.close();
        client = RawClient.ready(model.socket());
        client.request(Command.DEVICE_RESET, new byte[0]).assertDone();
        try (EventFd target = EventFd.create()) {
            client.request(Command.DEVICE_SET_IRQS, Body.irqs(SET, MSIX, 0, 1), target.fd())
                    .assertDone();
            client.request(Command.DEVICE_SET_IRQS, Body.irqs(TRIGGER, MSIX, 0, 1))
                    .assertDone();
            assertEquals(1, target.drain());
        }
    }

    @Test
    void shouldThrowOutAClientWhoseEventFdIsBlockingAndThenFull() throws IOException {
        setTargets(1);
        FullEventFd.makeBlocking(targets.getFirst());
        FullEventFd.fill(targets.getFirst());

        trigger(1);

        client.assertDisconnected();
        assertNextClientIsServed();
    }

    @Test
    void shouldThrowOutAClientWhoseEventFdIsFullAndThenBlocking() throws IOException {
        FullEventFd.fill(targets.getFirst());
        setTargets(1);
        FullEventFd.makeBlocking(targets.getFirst());

        trigger(1);

        client.assertDisconnected();
        assertNextClientIsServed();
    }

    @Test
    void shouldBeHeldUpOnceOnlyWhenAllEventFdsBlock() throws IOException {
        setTargets(VECTORS);
        targets.forEach(FullEventFd::makeBlocking);
        targets.forEach(FullEventFd::fill);

        trigger(VECTORS);

        client.assertDisconnected();
        assertNextClientIsServed();
    }

    @Test
    void shouldGoOnWhenTheEventFdIsFilledAgainAndAgain() throws Exception {
        setTargets(1);
        Thread hostile = Thread.ofPlatform().start(() -> FullEventFd.refillUntilInterrupted(targets.getFirst()));
        try {
            // It may win the race for the counter, and is thrown out then. The poller runs on either way.
            boolean connected = true;
            for (int i = 0; i < 1_000 && connected; i++) {
                trigger(1);
                connected = client.receiveOrEnd() != null;
            }
        } finally {
            hostile.interrupt();
            hostile.join();
        }
        assertNextClientIsServed();
    }

    @Test
    void shouldStopInTimeWhenAnEventFdBlocks() throws IOException {
        setTargets(VECTORS);
        targets.forEach(FullEventFd::makeBlocking);
        targets.forEach(FullEventFd::fill);
        trigger(VECTORS);

        model.close();

        assertFalse(Files.exists(folder.resolve("s")));
        client.assertDisconnected();
    }
}

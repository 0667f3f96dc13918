package io.sluice.vfiouser.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.sluice.daemon.DeviceTarget;
import io.sluice.daemon.ModelDaemon;
import io.sluice.daemon.ModelOptions;
import io.sluice.daemon.NvmeSession;
import io.sluice.host.DriverOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/**
 * The same random messages as {@link MutatedMessagesTest}, sent to a model with a real controller and poller. In between, a
 * driver brings the device up: whatever was sent before it, it finds it as new.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MutatedModelTest {
    private static final int MESSAGES = Integer.getInteger("sluice.fuzz.messages", 10_000);
    private static final int ROUNDS = 5;

    @TempDir
    Path folder;

    private final long seed = Long.getLong("sluice.fuzz.seed", System.nanoTime());
    private final ListAppender<ILoggingEvent> errors = new ListAppender<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger("io.sluice");
    private ModelDaemon model;

    @BeforeEach
    void start() throws IOException {
        logger.setLevel(Level.ERROR);
        logger.setAdditive(false);
        errors.start();
        logger.addAppender(errors);
        model = ModelDaemon.start(new ModelOptions(
                folder.resolve("s"), 0600, Optional.empty(), Optional.empty(), 1 << 20, 512, "MUTATED", false));
    }

    @AfterEach
    void stop() {
        model.close();
        logger.detachAppender(errors);
        logger.setAdditive(true);
        logger.setLevel(null);
    }

    @Test
    void shouldServeAsNewAfterMutatedMessages() throws IOException {
        System.out.println("mutated messages: -Dsluice.fuzz.seed=" + seed + " -Dsluice.fuzz.messages=" + MESSAGES);
        try (MutatingClient mutating = new MutatingClient(seed, folder)) {
            long descriptors = MutatingClient.descriptors();
            for (int round = 0; round < ROUNDS; round++) {
                mutating.send(model.socket(), MESSAGES / ROUNDS);
                assertDriverBringsItUp();
            }
            assertEquals(0, ProcSelf.mappings("/memfd:test-fuzz"), "seed " + seed);
            awaitDescriptors(descriptors);
        }
        assertEquals(List.of(), bugs(), "seed " + seed);
    }

    /** The server cleans up after a client a moment after that has gone. */
    private void awaitDescriptors(long expected) throws IOException {
        long start = System.nanoTime();
        while (MutatingClient.descriptors() != expected && System.nanoTime() - start < 30_000_000_000L) {
            LockSupport.parkNanos(1_000_000);
        }
        assertEquals(expected, MutatingClient.descriptors(), "seed " + seed);
    }

    private void assertDriverBringsItUp() throws IOException {
        try (NvmeSession session =
                NvmeSession.open(new DeviceTarget.Socket(model.socket()), DriverOptions.adminOnly(), () -> {})) {
            assertEquals("MUTATED", session.driver().controller().serial(), "seed " + seed);
            session.driver().shutDown();
        }
    }

    /** A guest that enables a controller with nonsense in its registers is told, and logged; whatever else is a bug. */
    private List<String> bugs() {
        return errors.list.stream()
                .map(ILoggingEvent::getFormattedMessage)
                .filter(message -> !message.contains("CC.EN was set, but"))
                .toList();
    }
}

package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.cli.ModelProcess;
import io.sluice.nvme.Registers;
import io.sluice.vfiouser.client.VfioUserClient;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A guest and a client that do again and again what is worth a line of the operator's log, once. */
@Timeout(120)
class LogFloodTest {
    private static final int TIMES = 500;

    /** Some kinds of lines, ten of each and a summary now and then; far below one or two for each time. */
    private static final int MOST_LINES = 120;

    @TempDir
    Path folder;

    private ModelProcess model;

    @BeforeEach
    void start() throws Exception {
        model = ModelProcess.start(folder.resolve("s"), "--memory", "1M");
    }

    @AfterEach
    void stop() {
        model.close();
    }

    private RawController connect() throws IOException {
        return new RawController(VfioUserClient.connect(model.socket()), 0x10_0000, 0x4000_0000);
    }

    @Test
    void shouldBoundItsLogWhenAGuestResetsItsControllerAgainAndAgain() throws Exception {
        try (RawController raw = connect()) {
            raw.enablePci();
            raw.mapQueues();
            for (int i = 0; i < TIMES; i++) {
                raw.enable();
                raw.disable();
                raw.enableWith(Registers.ASQ, 0); // fails
                raw.device.reset();
                raw.enablePci();
            }
            raw.enable();
        }
        assertBounded("enabled, CC");
    }

    @Test
    void shouldBoundItsLogWhenAClientConnectsAgainAndAgain() throws Exception {
        for (int i = 0; i < TIMES; i++) {
            VfioUserClient.connect(model.socket()).close();
        }
        assertBounded("has connected");
    }

    private void assertBounded(String shown) throws IOException {
        String log = model.log();
        assertTrue(log.contains(shown), log);
        assertTrue(log.contains("from here on, many like it are one line"), log);
        long lines = log.lines().count();
        assertTrue(lines <= MOST_LINES, () -> lines + " lines:\n" + log);
        assertTrue(model.process().isAlive());
    }
}

package io.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A model in a file, killed under load again and again, and stopped in order at last: what it holds then is what its guest
 * may expect. The kernel keeps what was written before a kill, so all that was completed must be there, flushed or not.
 */
@Timeout(value = 2, unit = TimeUnit.HOURS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // a hang, not a measure
class KilledModelTest {
    private static final int KILLS = Integer.getInteger("sluice.kills", 5);
    private static final int MAX_COMPLETIONS = 3_000;
    private static final int BLOCKS = 2_048;

    @TempDir
    private Path folder;

    @Test
    void shouldHoldAllThatWasCompletedWhenKilledAndWhenStopped() throws Exception {
        long seed = Long.getLong("sluice.seed", System.nanoTime());
        System.out.println("KilledModelTest seed " + seed + " (repeat with -Dsluice.seed=" + seed + ")");
        Random random = new Random(seed);
        int blockBytes = random.nextBoolean() ? 512 : 4096;
        BlockOracle oracle = new BlockOracle(BLOCKS, blockBytes);
        long ended = 0;
        for (int i = 0; i < KILLS; i++) {
            try (ModelProcess model = start(blockBytes);
                    OracleLoad load = new OracleLoad(model.socket(), oracle, random)) {
                load.verify();
                load.runUntil(random.nextInt(MAX_COMPLETIONS));
                model.process().destroyForcibly();
                load.runWhile(model.process()::isAlive);
                ended += load.ended();
            }
        }
        try (ModelProcess model = start(blockBytes)) {
            try (OracleLoad load = new OracleLoad(model.socket(), oracle, random)) {
                load.verify();
                load.runUntil(MAX_COMPLETIONS);
                load.finish();
            }
        }
        try (ModelProcess model = start(blockBytes);
                OracleLoad load = new OracleLoad(model.socket(), oracle, random)) {
            load.verify();
        }
        System.out.println("KilledModelTest: " + KILLS + " kills, " + ended + " commands ended before them, blocks of "
                + blockBytes + " bytes: " + oracle);
        assertTrue(ended > 0, "nothing was shown");
        assertEquals(0, oracle.inFlight());
    }

    private ModelProcess start(int blockBytes) throws Exception {
        return ModelProcess.start(
                folder.resolve("nvme.sock"),
                "--file",
                folder.resolve("disk.img").toString(),
                "--size",
                Long.toString((long) BLOCKS * blockBytes),
                "--block-size",
                Integer.toString(blockBytes));
    }
}

package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.controller.Namespace;
import io.sluice.controller.NvmeController;
import io.sluice.host.DmaArea;
import io.sluice.host.DriverOptions;
import io.sluice.host.QueuePair;
import io.sluice.mem.Memory;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * A hostile guest between two others. Nothing of theirs is read, written, trimmed or leaked, and nothing outside of what the
 * guest has mapped is touched: a watch in the device, the others' blocks afterwards, and guard pages say so.
 */
class IsolationTest {
    private static final int BLOCK = MediatedRig.BLOCK_BYTES;
    private static final long BLOCKS_EACH = 2048;
    private static final int CHUNK = 64 << 10;

    /** Upper half of every word of the others' blocks. */
    private static final int SECRET = 0x5ec1_2e75;

    private final long seed = Long.getLong("sluice.seed", System.nanoTime());
    private final long commands = Long.getLong("sluice.isolation.commands", 100_000);

    @Test
    void shouldKeepAHostileGuestInItsSliceAndInItsMemory() throws Exception {
        System.out.println("IsolationTest seed " + seed + ", " + commands + " commands");
        var storage = new WatchedStorage(new MemoryStorage(new Namespace(1, 3 * BLOCKS_EACH, BLOCK, 0, 0, 0, false)));
        try (MediatedRig rig = new MediatedRig(storage, DriverOptions.polled(2, 64))) {
            moveSecrets(rig, true);
            List<NvmeController> controllers = rig.share(BLOCKS_EACH, BLOCKS_EACH, BLOCKS_EACH);
            storage.allowOnly(BLOCKS_EACH, 2 * BLOCKS_EACH);
            long before = storage.commands;
            try (HostileGuest guest = new HostileGuest(controllers.get(1), BLOCKS_EACH, seed)) {
                guest.attack(commands);

                assertNull(storage.violation, "seed " + seed);
                long through = storage.commands - before;
                System.out.println(through + " of " + commands + " commands were good enough for the device");
                assertTrue(through > commands / 20, "too few got through to show anything: " + through);
                guest.assertGuardsAreWhole();
                assertEquals(0, guest.countWords(SECRET), "leaked, seed " + seed);
            }
            rig.stopSharing();
            storage.allowOnly(0, Long.MAX_VALUE);
            moveSecrets(rig, false);
        }
    }

    /** Writes the others' blocks past the mediator, or reads and compares them. */
    private void moveSecrets(MediatedRig rig, boolean write) throws Exception {
        QueuePair queue = rig.session.driver().queuePairs().getFirst();
        try (DmaArea area = rig.session.driver().allocate("secrets", CHUNK)) {
            for (long lba = 0; lba < 3 * BLOCKS_EACH; lba += CHUNK / BLOCK) {
                if (lba / BLOCKS_EACH == 1) {
                    continue;
                }
                if (write) {
                    fill(area, lba);
                    await(queue, queue.write(1, lba, CHUNK / BLOCK, area.iova(), CHUNK, 0));
                } else {
                    await(queue, queue.read(1, lba, CHUNK / BLOCK, area.iova(), CHUNK, 0));
                    assertWhole(area, lba);
                }
            }
        }
    }

    private static void await(QueuePair queue, boolean submitted) throws Exception {
        assertTrue(submitted);
        queue.ring();
        int[] status = {-1};
        while (status[0] < 0) {
            queue.poll((token, end, dw0) -> status[0] = end, 1);
        }
        assertEquals(Status.OK, status[0]);
    }

    private static long word(long lba, int at) {
        return (long) SECRET << Integer.SIZE | lba * BLOCK + at;
    }

    private static void fill(DmaArea area, long lba) {
        for (int at = 0; at < CHUNK; at += Long.BYTES) {
            Memory.putLong(area.address() + at, word(lba, at));
        }
    }

    private void assertWhole(DmaArea area, long lba) {
        for (int at = 0; at < CHUNK; at += Long.BYTES) {
            assertEquals(
                    word(lba, at),
                    Memory.getLong(area.address() + at),
                    "block " + (lba + at / BLOCK) + ", seed " + seed);
        }
    }
}

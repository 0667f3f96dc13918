package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.controller.Namespace;
import io.sluice.controller.NvmeController;
import io.sluice.host.AdminRequest;
import io.sluice.host.DriverOptions;
import io.sluice.host.QueuePair;
import io.sluice.host.Timeouts;
import io.sluice.nvme.AdminOpcode;
import io.sluice.nvme.Feature;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What guests notice when the device that they share is short of queues, is reset, or dies. */
@Timeout(120)
class MediationTroubleTest {
    private static final int BLOCK = MediatedRig.BLOCK_BYTES;
    private static final long BLOCKS_EACH = 2048;
    private static final int TRANSFER = 16 << 10;

    private final HoldingStorage storage;
    private MediatedRig rig;

    MediationTroubleTest() throws Exception {
        storage = new HoldingStorage(new MemoryStorage(new Namespace(1, 4 * BLOCKS_EACH, BLOCK, 0, 0, 0, false)));
    }

    @AfterEach
    void stop() {
        storage.holds = false;
        rig.close();
    }

    private List<NvmeController> share(DriverOptions options, int guests) throws Exception {
        rig = new MediatedRig(storage, options);
        long[] blocks = new long[guests];
        Arrays.fill(blocks, BLOCKS_EACH);
        return rig.share(blocks);
    }

    @Test
    void shouldServeMoreGuestQueuesThanTheDeviceHas() throws Exception {
        List<NvmeController> controllers = share(DriverOptions.polled(2, 4), 2);
        try (GuestDrive one = new GuestDrive(controllers.get(0), 4, TRANSFER);
                GuestDrive two = new GuestDrive(controllers.get(1), 4, TRANSFER)) {
            int outstanding = 0;
            int[] ended = new int[1];
            while (outstanding < 2000) {
                for (GuestDrive guest : List.of(one, two)) {
                    for (int i = 0; i < 4; i++) {
                        QueuePair queue = guest.queue(i);
                        for (int n = 0; n < 8; n++) {
                            outstanding += queue.write(1, n * 8L, 8, guest.buffer.iova(), 4096, 0) ? 1 : 0;
                        }
                        queue.ring();
                        queue.poll((token, status, dw0) -> ended[0] += status == Status.OK ? 1 : 0, 64);
                    }
                }
            }
            long start = System.nanoTime();
            while (ended[0] < outstanding && System.nanoTime() - start < 30_000_000_000L) {
                for (int i = 0; i < 4; i++) {
                    one.queue(i).poll((token, status, dw0) -> ended[0] += status == Status.OK ? 1 : 0, 64);
                    two.queue(i).poll((token, status, dw0) -> ended[0] += status == Status.OK ? 1 : 0, 64);
                }
            }
            assertEquals(outstanding, ended[0]);
        }
    }

    @Test
    void shouldLetGuestsGoOnAfterAResetOfTheDevice() throws Exception {
        List<NvmeController> controllers = share(DriverOptions.polled(2, 32), 2);
        Random random = new Random(7);
        try (GuestDrive one = new GuestDrive(controllers.get(0), 1, TRANSFER);
                GuestDrive two = new GuestDrive(controllers.get(1), 1, TRANSFER)) {
            for (int reset = 1; reset <= 3; reset++) {
                rig.session.driver().requestReset("a test");
                byte[] data = new byte[TRANSFER];
                for (int i = 0; i < 50 || rig.session.driver().resets() < reset; i++) {
                    random.nextBytes(data);
                    for (GuestDrive guest : List.of(one, two)) {
                        writeAgainAndAgain(guest, data);
                    }
                }
                byte[] back = new byte[TRANSFER];
                assertEquals(Status.OK, one.read(0, back));
                assertArrayEquals(data, back);
            }
        }
    }

    private static void writeAgainAndAgain(GuestDrive guest, byte[] data) throws Exception {
        int status = guest.write(0, data);
        for (int tries = 0; tries < 5 && status != Status.OK; tries++) {
            assertEquals(Status.describe(Status.COMMAND_INTERRUPTED.code()), Status.describe(status));
            status = guest.write(0, data);
        }
        assertEquals(Status.OK, status);
    }

    @Test
    void shouldFailAllVolumesWhenTheDeviceIsDeadAndStayUp() throws Exception {
        DriverOptions impatient = DriverOptions.polled(2, 32).withTimeouts(new Timeouts(200, 5_000, 200, 1));
        List<NvmeController> controllers = share(impatient, 2);
        try (GuestDrive one = new GuestDrive(controllers.get(0), 1, TRANSFER);
                GuestDrive two = new GuestDrive(controllers.get(1), 1, TRANSFER)) {
            assertEquals(Status.OK, one.write(0, new byte[TRANSFER]));
            storage.holds = true;
            int status = Status.OK;
            while (!rig.session.driver().isDead()) {
                status = one.write(0, new byte[TRANSFER]);
                assertTrue(status != Status.OK, "the device does nothing");
            }
            assertEquals(
                    Status.describe(Status.INTERNAL_ERROR.dnr()),
                    Status.describe(plain(one.write(0, new byte[BLOCK]))));
            assertEquals(
                    Status.describe(Status.INTERNAL_ERROR.dnr()),
                    Status.describe(plain(two.write(0, new byte[BLOCK]))));
            assertEquals(Status.describe(Status.INTERNAL_ERROR.dnr()), Status.describe(plain(two.flush())));
        }
        try (GuestDrive next = new GuestDrive(controllers.get(0), 1, TRANSFER)) {
            assertEquals(
                    Status.describe(Status.INTERNAL_ERROR.dnr()),
                    Status.describe(plain(next.read(0, new byte[BLOCK]))));
        }
    }

    private static int plain(int status) {
        return Status.plain(status);
    }

    @Test
    void shouldFlushTheDeviceForAGuestThatAsksAndForOneThatShutsDown() throws Exception {
        List<NvmeController> controllers = share(DriverOptions.polled(2, 32), 1);
        try (GuestDrive guest = new GuestDrive(controllers.getFirst(), 1, TRANSFER)) {
            assertEquals(Status.OK, guest.write(0, new byte[BLOCK]));
            int before = storage.flushes;
            assertEquals(Status.OK, guest.flush());
            assertEquals(before + 1, storage.flushes);

            guest.driver.shutDown();
            assertEquals(before + 2, storage.flushes);
        }
    }

    @Test
    void shouldForceEachWriteOfAGuestWithoutAWriteCache() throws Exception {
        List<NvmeController> controllers = share(DriverOptions.polled(2, 32), 2);
        try (GuestDrive through = new GuestDrive(controllers.get(0), 1, TRANSFER);
                GuestDrive cached = new GuestDrive(controllers.get(1), 1, TRANSFER)) {
            through.driver.admin(AdminRequest.of(AdminOpcode.SET_FEATURES, 0, Feature.VOLATILE_WRITE_CACHE));
            int before = storage.forced;
            assertEquals(Status.OK, cached.write(0, new byte[BLOCK]));
            assertEquals(before, storage.forced);
            assertEquals(Status.OK, through.write(0, new byte[BLOCK]));
            assertEquals(before + 1, storage.forced);
        }
    }
}

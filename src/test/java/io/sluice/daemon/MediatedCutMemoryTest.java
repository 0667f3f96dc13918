package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.config.PollerSettings;
import io.sluice.config.ServePlan;
import io.sluice.controller.NvmeController;
import io.sluice.host.DeviceFailure;
import io.sluice.host.DriverOptions;
import io.sluice.host.QueuePair;
import io.sluice.host.Timeouts;
import io.sluice.linux.Fd;
import io.sluice.linux.Memfd;
import io.sluice.mem.Translator;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A guest cuts its memory short under commands that a software model, on the mediator's own thread, is to do: the model is who
 * meets the fault. The guest fails, and its neighbour sees nothing.
 */
@Timeout(120)
class MediatedCutMemoryTest {
    private static final long BLOCKS_EACH = 2048;
    private static final int BLOCK = MediatedRig.BLOCK_BYTES;
    private static final int BYTES = 64 << 10;
    private static final long CUT_GPA = 0x7000_0000_0000L;

    /** Short, so that what the model did not end would be aborted soon, and the device reset. */
    private static final Timeouts TIMEOUTS = new Timeouts(300, 5_000, 300, 3);

    private NvmeSession session;
    private Mediation mediation;

    @BeforeEach
    void start() throws Exception {
        DriveOptions drive = new DriveOptions(2 * BLOCKS_EACH * BLOCK, BLOCK, "MODEL", false, 4);
        session = NvmeSession.open(
                new DeviceTarget.Model("model", drive),
                DriverOptions.polled(2, 32).withTimeouts(TIMEOUTS),
                () -> {});
        List<ServePlan.Volume> plan = List.of(
                MediatedRig.volume("cut", 0, BLOCKS_EACH), MediatedRig.volume("neighbour", BLOCKS_EACH, BLOCKS_EACH));
        mediation = Mediation.start(session, plan, PollerSettings.DEFAULT);
    }

    @AfterEach
    void stop() {
        mediation.close();
        session.close();
    }

    @Test
    void shouldSpareTheNeighbourWhenAGuestCutsTheMemoryOfItsData() throws Exception {
        List<NvmeController> controllers = mediation.controllers();
        try (Fd file = Memfd.create("cut", BYTES);
                GuestDrive guest = new GuestDrive(controllers.get(0), 2, BYTES);
                GuestDrive neighbour = new GuestDrive(controllers.get(1), 2, BYTES)) {
            guest.device.mapDma(file, 0, BYTES, CUT_GPA, Translator.READ | Translator.WRITE);
            assertEquals(
                    Status.OK,
                    guest.run(guest.queue(0), () -> guest.queue(0).write(1, 0, BYTES / BLOCK, CUT_GPA, BYTES, 0)));
            Memfd.resize(file, 0);
            transferFromCutMemory(guest);

            byte[] data = new byte[4096];
            boolean failed = false;
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(2);
            for (int i = 0; !failed || System.nanoTime() < end; i++) {
                data[0] = (byte) i;
                assertEquals(Status.OK, neighbour.write(0, data));
                assertEquals(Status.OK, neighbour.read(0, data));
                assertEquals((byte) i, data[0]);
                failed |= hasFailed(guest);
            }
            assertThrows(DeviceFailure.class, guest.driver::checkAlive);
        }
        assertEquals(
                0,
                session.driver().resets(),
                () -> String.valueOf(session.driver().lastResetReason()));

        try (GuestDrive next = new GuestDrive(controllers.get(0), 2, BYTES)) {
            assertEquals(Status.OK, next.write(0, new byte[BYTES]), "with other memory");
        }
        assertTrue(mediation.stop(true));
    }

    private static void transferFromCutMemory(GuestDrive guest) throws IOException {
        for (int queue = 0; queue < 2; queue++) {
            QueuePair pair = guest.queue(queue);
            for (int i = 0; i < 8; i++) {
                assertTrue(pair.write(1, 0, 8, CUT_GPA + i * 4096L, 4096, 0));
                assertTrue(pair.read(1, 0, 8, CUT_GPA + i * 4096L, 4096, 0));
            }
            pair.ring();
        }
    }

    private static boolean hasFailed(GuestDrive guest) {
        try {
            guest.driver.checkAlive();
            return false;
        } catch (IOException e) {
            return true;
        }
    }
}

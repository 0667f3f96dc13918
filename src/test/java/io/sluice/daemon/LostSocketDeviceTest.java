package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.config.DeviceSettings;
import io.sluice.config.PollerSettings;
import io.sluice.config.ServeSettings;
import io.sluice.config.TargetSettings;
import io.sluice.controller.Namespace;
import io.sluice.host.CompletionListener;
import io.sluice.host.DmaArea;
import io.sluice.host.DriverOptions;
import io.sluice.host.QueuePair;
import io.sluice.linux.SocketOptions;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import io.sluice.vfiouser.server.ServerLimits;
import io.sluice.vfiouser.server.VfioUserServer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The device is behind a socket whose server goes away, under guests that go on to map and unmap memory. */
@Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // a hang, not a measure
class LostSocketDeviceTest {
    private static final int BLOCK = 512;
    private static final int PAGE = 4096;

    @TempDir
    private Path folder;

    private final CapturedLog log = new CapturedLog();
    private final HoldingStorage storage;
    private SoftwareModel model;
    private VfioUserServer server;
    private MediatorDaemon daemon;

    LostSocketDeviceTest() throws Exception {
        storage = new HoldingStorage(new MemoryStorage(new Namespace(1, 8192, BLOCK, 1, 2, 0, false)));
    }

    @BeforeEach
    void serve() throws Exception {
        Path socket = folder.resolve("device.sock");
        model = SoftwareModel.start("BEHIND", storage);
        server = new VfioUserServer(socket, SocketOptions.PRIVATE, model.function(), ServerLimits.DEFAULT);
        ServeSettings settings = new ServeSettings(
                new DeviceSettings(new TargetSettings.Socket(socket.toString()), 2, 64, 30_000, true),
                PollerSettings.DEFAULT,
                List.of(
                        DaemonRig.volume("a", folder.resolve("a.sock"), 0, false),
                        DaemonRig.volume("b", folder.resolve("b.sock"), 1, false)));
        daemon = MediatorDaemon.start(settings, new Ending(() -> {}));
    }

    @AfterEach
    void stop() {
        storage.holds = false;
        daemon.close();
        loseDevice();
        log.close();
    }

    private NvmeSession connect(String name) throws Exception {
        return NvmeSession.open(
                new DeviceTarget.Socket(folder.resolve(name + ".sock")), DriverOptions.polled(1, 16), () -> {});
    }

    private void loseDevice() {
        server.stop();
        model.close();
    }

    private void awaitDeath() throws Exception {
        while (!daemon.status().contains("dead")) {
            Thread.sleep(1);
        }
    }

    private static int read(NvmeSession guest, DmaArea area) throws Exception {
        int[] status = {-1};
        CompletionListener listener = (token, ended, dw0) -> status[0] = ended;
        QueuePair queue = guest.driver().queuePairs().getFirst();
        assertTrue(queue.read(1, 0, 1, area.iova(), BLOCK, 0));
        queue.ring();
        while (status[0] < 0) {
            queue.poll(listener, 1);
        }
        return Status.plain(status[0]);
    }

    @Test
    void shouldGoOnMappingAndFailTheVolumesWhenTheServerOfTheDeviceHasGone() throws Exception {
        try (NvmeSession guest = connect("a")) {
            try (DmaArea area = guest.driver().allocate("before", PAGE)) {
                assertEquals(Status.OK, read(guest, area));
            }
            loseDevice();
            try (DmaArea early = guest.driver().allocate("before anybody knows", PAGE)) {
                awaitDeath();
                assertEquals(Status.INTERNAL_ERROR.dnr(), read(guest, early));
            }
            for (int i = 0; i < 100; i++) {
                try (DmaArea area = guest.driver().allocate("after", PAGE)) {
                    assertEquals(Status.INTERNAL_ERROR.dnr(), read(guest, area));
                }
            }
            try (NvmeSession next = connect("b");
                    DmaArea area = next.driver().allocate("of a guest that comes later", PAGE)) {
                assertEquals(Status.INTERNAL_ERROR.dnr(), read(next, area));
            }
        }
        assertEquals("2 volumes of " + folder.resolve("device.sock") + " (dead)", daemon.status());
        assertFalse(daemon.isLost(), "the daemon stays up");
        assertEquals(
                1,
                log.count("ERROR " + folder.resolve("device.sock")
                        + ": the device is dead, and all of its volumes with it: their commands end with Internal Error. It was"
                        + " given up when resets did not help any more (0 had), the last because: "),
                log::toString);
        assertEquals(1, log.count(". Look after whoever serves it, then start again"), log::toString);
        assertEquals(0, log.count("did not let go"), log::toString);
    }

    /** One of several mappings goes, and not the one that the read is in: all of the guest's memory goes from the device first. */
    @Test
    void shouldEndTheReadsOfALostDeviceWhenAGuestUnmapsAnything() throws Exception {
        try (NvmeSession guest = connect("a")) {
            DmaArea other = guest.driver().allocate("of no command", PAGE);
            DmaArea area = guest.driver().allocate("of the read", PAGE);
            assertEquals(Status.OK, read(guest, area));
            storage.holds = true;
            QueuePair queue = guest.driver().queuePairs().getFirst();
            assertTrue(queue.read(1, 0, 1, area.iova(), BLOCK, 0));
            queue.ring();
            while (storage.heldCount() == 0) {
                Thread.sleep(1);
            }
            loseDevice();
            await("commands stay in flight: the device is lost");
            await("ERROR a: failed until it is reset: the device is lost");

            other.close();

            assertEquals(0, log.count("an unmap is answered although"), log::toString);
            while (guest.driver().resets() == 0) {
                guest.driver().supervise(System.nanoTime());
                queue.poll((token, ended, dw0) -> {}, 1);
                assertFalse(guest.driver().isDead(), "the controller cannot be reset");
            }
            do {
                guest.driver().supervise(System.nanoTime());
                queue.poll((token, ended, dw0) -> {}, 1);
            } while (queue.isResetting());
            assertEquals(Status.INTERNAL_ERROR.dnr(), read(guest, area));
        }
    }

    private void await(String logged) throws Exception {
        while (log.count(logged) == 0) {
            Thread.sleep(1);
        }
    }
}

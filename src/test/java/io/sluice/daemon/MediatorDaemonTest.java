package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.controller.IoPath;
import io.sluice.controller.Namespace;
import io.sluice.daemon.HangingDevice.Hang;
import io.sluice.host.DmaArea;
import io.sluice.host.QueuePair;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The end of a daemon, whatever happens meanwhile and whoever does not come back. */
@Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // a hang, not a measure
class MediatorDaemonTest {
    private static final int BLOCKS = 8192;

    @TempDir
    private Path folder;

    private DaemonRig rig;
    private final CapturedLog log = new CapturedLog();
    private final AtomicBoolean inOrder = new AtomicBoolean();

    static IoPath storage() throws IOException {
        return new MemoryStorage(new Namespace(1, BLOCKS, DaemonRig.BLOCK_BYTES, 1, 2, 0, false));
    }

    @BeforeEach
    void makeDevice() throws IOException {
        rig = new DaemonRig(folder, storage());
    }

    @AfterEach
    void stop() {
        rig.close();
        log.close();
    }

    private Thread closing(MediatorDaemon daemon) {
        return Thread.ofPlatform().start(() -> inOrder.set(daemon.close()));
    }

    private static void awaitWaiting(Thread thread) throws InterruptedException {
        while (thread.getState() != Thread.State.WAITING && thread.getState() != Thread.State.TIMED_WAITING) {
            assertTrue(thread.isAlive(), "it has returned");
            Thread.sleep(1);
        }
    }

    @Test
    void shouldShutTheDeviceDownWhenItIsClosed() throws Exception {
        MediatorDaemon daemon = rig.start(true, false, "a", "b");
        assertEquals("2 volumes of 0000:01:00.0 (0 resets)", daemon.status());
        assertTrue(Files.exists(rig.socket("a")));

        assertTrue(daemon.close());
        assertTrue(daemon.close(), "idempotent");

        assertTrue(rig.device.askedToShutDown);
        assertTrue(rig.device.closed);
        assertFalse(Files.exists(rig.socket("a")));
    }

    @Test
    void shouldEndWhenTheHostAsksForTheDeviceInTheMiddleOfTheEnd() throws Exception {
        MediatorDaemon daemon = rig.start(true, false, "a");
        rig.device.hang = Hang.SHUTDOWN;
        Thread closing = closing(daemon);
        rig.clock.hanging.await();

        rig.device.request();
        rig.lossHeard.await();
        rig.clock.flies = true;
        closing.join();

        assertFalse(inOrder.get());
        assertTrue(daemon.isLost());
        assertEquals("lost 0000:01:00.0", daemon.status());
        assertEquals(
                1, log.count("was not shut down in order: the host has asked for 0000:01:00.0 back"), log::toString);
        assertTrue(rig.device.closed);
    }

    @Test
    void shouldLetGoAtOnceWhenToldSoInTheMiddleOfTheEnd() throws Exception {
        MediatorDaemon daemon = rig.start(true, false, "a");
        rig.device.hang = Hang.SHUTDOWN;
        Thread closing = closing(daemon);
        rig.clock.hanging.await();

        Thread now = Thread.ofPlatform().start(daemon::closeNow);
        awaitWaiting(now); // for the other one, which it has told
        rig.clock.flies = true;
        now.join();
        closing.join();

        assertFalse(inOrder.get());
        assertEquals(1, log.count("this process was told to end at once"), log::toString);
        assertTrue(rig.device.closed);
    }

    @Test
    void shouldEndTheCommandsOfGuestsWhenToldToLetGoAtOnce() throws Exception {
        MediatorDaemon daemon = rig.start(true, false, "a");
        NvmeSession guest = rig.connect("a");
        try (guest) {
            submitRead(guest, Hang.IO);
            rig.clock.flies = true;

            daemon.closeNow();

            assertEquals(0, log.count("does not come back"), log::toString);
            assertTrue(rig.device.closed);
            assertFalse(daemon.close());
        }
    }

    private void submitRead(NvmeSession guest, Hang hang) throws Exception {
        DmaArea area = guest.driver().allocate("guest", DaemonRig.BLOCK_BYTES);
        QueuePair queue = guest.driver().queuePairs().getFirst();
        rig.device.hang = hang;
        assertTrue(queue.read(1, 0, 1, area.iova(), DaemonRig.BLOCK_BYTES, 0));
        queue.ring();
    }

    @Test
    void shouldShutDownAndKeepTheMemoryWhenThePollerDoesNotComeBack() throws Exception {
        MediatorDaemon daemon = rig.start(true, false, "a");
        NvmeSession guest = rig.connect("a");
        try (guest) {
            submitRead(guest, Hang.RING);
            rig.device.stuck.await();

            assertFalse(daemon.close());

            assertTrue(rig.device.askedToShutDown, "what the others have written is not safe");
            assertFalse(rig.device.closed);
            assertEquals(1, log.count("does not come back; it keeps what it uses"), log::toString);
        }
    }

    @Test
    void shouldShutDownAndKeepTheMemoryWhenAControllerDoesNotComeBack() throws Exception {
        MediatorDaemon daemon = rig.start(true, false, "a", "b");
        NvmeSession guest = rig.connect("a");
        try (guest) {
            rig.device.hang = Hang.UNMAP;

            assertFalse(daemon.close());

            assertEquals(0, rig.device.stuck.getCount());
            assertTrue(rig.device.askedToShutDown, "what the others have written is not safe");
            assertFalse(rig.device.closed);
            assertEquals(1, log.count("a controller does not come back; it keeps what it uses"), log::toString);
        }
    }

    @Test
    void shouldEndItselfWhenTheHostAsksForTheDevice() throws Exception {
        boolean finished = new Service(io.sluice.linux.SdNotify.of(java.util.Map.of(), 1), rig.ending)
                .run(stop -> rig.start(true, false, "a"), () -> {
                    rig.device.request();
                    return true;
                });

        assertFalse(finished);
        assertEquals(1, log.count("the host asks for it back"), log::toString);
        assertTrue(rig.device.closed);
        assertFalse(rig.halted.get());
    }

    @Test
    void shouldFailTheStartWhenToldToEndInTheMiddleOfIt() throws Exception {
        rig.device.hang = Hang.ENABLE;
        rig.clock.flies = true;
        Thread signal = Thread.ofPlatform().start(() -> {
            try {
                rig.clock.hanging.await();
                rig.ending.signal();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });

        IOException e = assertThrows(IOException.class, () -> rig.start(true, false, "a"));

        signal.join();
        assertTrue(e.getMessage().contains("told to end before it was ready"), e.getMessage());
        assertTrue(rig.device.closed);
    }

    @Test
    void shouldSayThatTheDeviceWasResetAndWhyAndThatCommandsWereLate() throws Exception {
        MediatorDaemon daemon = rig.start(true, false, "a");
        rig.session().driver().requestReset("a test says so");
        await(
                "WARN 0000:01:00.0: the device has been reset, for the 1. time, because: a test says so. What it had in flight"
                        + " ends in Command Interrupted, and guests send it again. If this goes on, the device is failing");
        assertEquals("1 volumes of 0000:01:00.0 (1 resets)", daemon.status());
        NvmeSession guest = rig.connect("a");
        try (guest) {
            submitRead(guest, Hang.IO);
            await(
                    "WARN 0000:01:00.0: 1 commands have not ended in their time (device.timeout-millis), and are aborted; where"
                            + " that does not help, the device is reset. It is slow, or failing");
        }
    }

    private void await(String logged) throws InterruptedException {
        while (log.count(logged) == 0) {
            Thread.sleep(1);
        }
    }

    @Test
    void shouldSayThatTheDeviceIsDeadAndStayUp() throws Exception {
        MediatorDaemon daemon = rig.start(true, false, "a");
        NvmeSession guest = rig.connect("a");
        try (guest) {
            rig.clock.flies = true;
            rig.device.hang = Hang.ADMIN;
            rig.session().driver().requestReset("a test");
            while (!daemon.status().contains("dead")) {
                Thread.sleep(1);
            }
            assertEquals("1 volumes of 0000:01:00.0 (dead)", daemon.status());
            assertFalse(daemon.isLost());
            while (log.count("the device is dead, and all of its volumes with it") == 0) {
                Thread.sleep(1);
            }
            Supervisor ofASsd = Supervisor.start(rig.session().driver(), true);
            String end = ". Power it off and on, or replace it, then start again";
            while (log.count(end) == 0) {
                Thread.sleep(1);
            }
            ofASsd.close();
            assertEquals(
                    2, // one by each of them
                    log.count(
                            "ERROR 0000:01:00.0: the device is dead, and all of its volumes with it: their commands end with"
                                    + " Internal Error. It was given up when resets did not help any more (0 had), the last because: "
                                    + "Identify Controller on 0000:01:00.0 did not complete within 5000 ms; CSTS is 0x1; reset the"
                                    + " device."),
                    log::toString);
            submitRead(guest, Hang.ADMIN);
            int[] status = {-1};
            while (status[0] < 0) {
                guest.driver().queuePairs().getFirst().poll((token, ended, dw0) -> status[0] = ended, 1);
            }
            assertEquals(Status.INTERNAL_ERROR.dnr(), Status.plain(status[0]));
            assertFalse(daemon.close());
            assertEquals(1, log.count("was not shut down in order"), log::toString);
        }
    }
}

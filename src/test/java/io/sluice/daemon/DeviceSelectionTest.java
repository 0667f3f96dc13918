package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.config.ConfigException;
import io.sluice.config.DeviceSettings;
import io.sluice.config.PollerSettings;
import io.sluice.config.ServePlan;
import io.sluice.config.ServeReader;
import io.sluice.config.ServeSettings;
import io.sluice.config.TargetSettings;
import io.sluice.config.VolumeSettings;
import io.sluice.controller.IoCommand;
import io.sluice.controller.IoPath;
import io.sluice.controller.Namespace;
import io.sluice.host.ControllerInfo;
import io.sluice.host.DmaArea;
import io.sluice.host.QueuePair;
import io.sluice.mem.Memory;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whether a daemon takes a device: which one it is, what is on it, and what becomes of it meanwhile. */
@Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // a hang, not a measure
class DeviceSelectionTest {
    private static final int BLOCKS = 8192;
    private static final String NGUID = "00000000000000010000000000000002";

    @TempDir
    private Path folder;

    private Disk disk;
    private DaemonRig rig;
    private final CapturedLog log = new CapturedLog();

    /** Memory that counts what would change it, and becomes another disk when a test says so. */
    private static final class Disk implements IoPath {
        private final IoPath memory;
        private final List<Namespace> namespaces;
        volatile int changes;

        Disk(byte[] first) throws IOException {
            memory = new MemoryStorage(new Namespace(1, BLOCKS, DaemonRig.BLOCK_BYTES, 1, 2, 0, false));
            namespaces = new CopyOnWriteArrayList<>(memory.namespaces());
            if (first.length > 0) {
                fill(first);
            }
        }

        private void fill(byte[] first) throws IOException {
            try (SoftwareModel model = SoftwareModel.start("FILL", this);
                    GuestDrive drive = new GuestDrive(model.function(), 1, first.length)) {
                assertEquals(Status.OK, drive.write(0, first));
            }
            changes = 0;
        }

        void becomeAnother(int blocks) {
            namespaces.set(0, new Namespace(1, blocks, DaemonRig.BLOCK_BYTES, 3, 4, 0, false));
        }

        @Override
        public List<Namespace> namespaces() {
            return namespaces;
        }

        @Override
        public int maxPending() {
            return memory.maxPending();
        }

        @Override
        public boolean hasVolatileCache() {
            return memory.hasVolatileCache();
        }

        @Override
        @SuppressWarnings("NonAtomicVolatileUpdate") // the device's poller alone writes it
        public int submit(IoCommand command) {
            changes += command.opcode() == NvmOpcode.READ ? 0 : 1;
            return memory.submit(command);
        }

        @Override
        public int poll() {
            return memory.poll();
        }

        @Override
        public void cancel(IoCommand command) {
            memory.cancel(command);
        }

        @Override
        public void close() {
            // With the test: it is a disk, which outlives its controllers.
        }
    }

    @BeforeEach
    void makeDevice() throws IOException {
        take(new byte[0]);
    }

    private void take(byte[] first) throws IOException {
        if (rig != null) {
            rig.close();
        }
        disk = new Disk(first);
        rig = new DaemonRig(folder, disk);
    }

    @AfterEach
    void stop() {
        rig.close();
        log.close();
    }

    /** One primary partition, of Linux: its sectors 446 to 461, and the mark at the end. */
    private static byte[] partitioned() {
        byte[] sector = new byte[DaemonRig.BLOCK_BYTES];
        byte[] entry = HexFormat.of().parseHex("80202100830b0b020008000000001000");
        System.arraycopy(entry, 0, sector, 446, entry.length);
        sector[510] = 0x55;
        sector[511] = (byte) 0xaa;
        return sector;
    }

    private ServeSettings settings(DeviceSettings device, boolean readOnly) {
        return new ServeSettings(
                device, PollerSettings.DEFAULT, List.of(DaemonRig.volume("a", rig.socket("a"), 0, readOnly)));
    }

    @Test
    void shouldRefuseADeviceWithDataAndTouchNothing() throws Exception {
        take(partitioned());

        IOException e = assertThrows(IOException.class, () -> rig.start(false, false, "a"));

        assertEquals(
                "namespace 1 of 0000:01:00.0 is not empty: it holds an MBR partition table. Sluice itself writes nothing to"
                        + " it, but its guests would; if they are meant to, say --destroy-data, else make their volumes"
                        + " read-only",
                e.getMessage());
        assertEquals(0, disk.changes);
        assertTrue(rig.device.closed);
        assertTrue(Files.notExists(rig.socket("a")));
    }

    @Test
    void shouldTellTheKeyOfTheFileThatTakesADeviceWithData() throws Exception {
        byte[] odd = new byte[DaemonRig.BLOCK_BYTES];
        odd[3] = 1;
        take(odd);
        Path file = Files.writeString(
                folder.resolve("serve.yaml"),
                "device: 0000:01:00.0\nvolumes: [{name: a, socket: a.sock, size: 1M}]\n",
                StandardCharsets.UTF_8);
        ServeSettings settings = ServeReader.read(file);

        IOException e = assertThrows(IOException.class, () -> rig.start(settings));

        assertTrue(e.getMessage().contains("is not empty: there is data at byte 3. "), e.getMessage());
        assertTrue(
                e.getMessage().contains("say device.destroy-data: true (at " + file + ":1:9), else"), e.getMessage());
    }

    @Test
    void shouldTakeADeviceWithDataWhereNobodyMayWriteOrItsUserSaysSo() throws Exception {
        take(partitioned());
        rig.start(false, true, "a");
        NvmeSession guest = rig.connect("a");
        try (guest) {
            byte[] data = new byte[DaemonRig.BLOCK_BYTES];
            assertEquals(Status.OK, read(guest, data));
            assertArrayEquals(partitioned(), data);
        }
        assertEquals(0, disk.changes);

        take(partitioned());
        assertTrue(rig.start(true, false, "a").close());
    }

    /** Reads the first block. Returns the command's status. */
    private static int read(NvmeSession guest, byte[] data) throws IOException {
        try (DmaArea area = guest.driver().allocate("guest", data.length)) {
            int[] status = {-1};
            QueuePair queue = guest.driver().queuePairs().getFirst();
            assertTrue(queue.read(1, 0, 1, area.iova(), data.length, 0));
            queue.ring();
            while (status[0] < 0) {
                queue.poll((token, ended, dw0) -> status[0] = ended, 1);
            }
            Memory.copyOut(area.address(), data, 0, data.length);
            return status[0];
        }
    }

    @Test
    void shouldRefuseAnotherDeviceBeforeAnythingElse() throws Exception {
        take(partitioned());
        DeviceSettings pinned = new DeviceSettings(
                new TargetSettings.Pci("0000:01:00.0"), 2, 64, 500, false, Optional.of("RIG-2"), Optional.empty());

        IOException e = assertThrows(IOException.class, () -> rig.start(settings(pinned, false)));

        assertEquals(ConfigException.class, e.getCause().getClass());
        assertTrue(
                e.getMessage().contains("device.serial: 0000:01:00.0 has the serial number \"RIG-1\", not \"RIG-2\""),
                e.getMessage());
    }

    @Test
    void shouldIntroduceTheDeviceInTheWordsThatPinIt() throws Exception {
        rig.start(false, false, "a");
        assertEquals(
                1,
                log.count(
                        "INFO 0000:01:00.0 is serial: \"RIG-1\", model: \"Sluice NVMe Controller\"; namespace 1 is nguid: "
                                + NGUID),
                log::toString);
    }

    @ParameterizedTest
    @ValueSource(ints = {BLOCKS, BLOCKS / 2})
    void shouldFailTheVolumesOfANamespaceThatIsNotWhatItWas(int blocks) throws Exception {
        MediatorDaemon daemon = rig.start(true, false, "a");
        NvmeSession guest = rig.connect("a");
        try (guest) {
            disk.becomeAnother(blocks);
            rig.clock.flies = true;
            rig.session().driver().requestReset("a test");
            while (log.count("namespace 1 is not what it was; the commands of a end with Internal Error") == 0) {
                Thread.sleep(1);
            }
            while (rig.session().driver().resets() == 0) {
                Thread.sleep(1);
            }
            assertEquals(
                    1,
                    log.count("the commands of a end with Internal Error from now on: expected was 8192 blocks of 512"
                            + " bytes, NGUID " + NGUID + "; found was " + blocks
                            + " blocks of 512 bytes, NGUID 00000000000000030000000000000004. Look at what has changed,"
                            + " and start again"),
                    log::toString);
            assertEquals("1 volumes of 0000:01:00.0 (1 resets; namespace 1 is not what it was)", daemon.status());
            assertEquals(Status.INTERNAL_ERROR.dnr(), Status.plain(read(guest, new byte[DaemonRig.BLOCK_BYTES])));
        }
    }

    @Test
    void shouldRefuseAProcessorThatCannotBeHad() {
        PollerSettings far = new PollerSettings(OptionalInt.of(PollerSettings.MAX_CORE), 20, 200, 2000);
        ServeSettings settings = new ServeSettings(
                new DeviceSettings(new TargetSettings.Pci("0000:01:00.0"), 2, 64, 500, false),
                far,
                List.of(DaemonRig.volume("a", rig.socket("a"), 0, false)));

        IOException e = assertThrows(IOException.class, () -> rig.start(settings));

        assertTrue(e.getMessage().startsWith("the poller cannot be pinned to processor 8191"), e.getMessage());
        assertTrue(rig.device.closed);
    }

    @Test
    void shouldIdentifyASliceByItsDeviceAndPlace() throws Exception {
        rig.start(false, false, "a", "b");
        ControllerInfo device = rig.session().driver().controller();
        UUID one = Identity.ofSlice(device, slice("a", 0));
        assertEquals(one, Identity.ofSlice(device, slice("a", 0)));
        assertNotEquals(one, Identity.ofSlice(device, slice("a", 1)));
        assertNotEquals(one, Identity.ofSlice(device, slice("b", 0)));
        NvmeSession guest = rig.connect("a");
        try (guest) {
            assertNotEquals(one, Identity.ofSlice(guest.driver().controller(), slice("a", 0)));
            assertEquals(
                    one.toString().replace("-", ""), guest.driver().namespace(1).nguid());
            assertEquals(
                    "nqn.2026-01.io.sluice:a:" + one,
                    guest.driver().controller().subsystemNqn());
        }
    }

    private ServePlan.Volume slice(String name, long mib) {
        VolumeSettings volume = DaemonRig.volume(name, rig.socket(name), mib, false);
        return new ServePlan.Volume(volume, volume.startBytes() / DaemonRig.BLOCK_BYTES, 2048, DaemonRig.BLOCK_BYTES);
    }

    @Test
    void shouldTellAWatchdogOfAPollerThatComesRoundAndOfOneThatDoesNot() throws Exception {
        MediatorDaemon daemon = rig.start(false, false, "a");
        assertTrue(daemon.hasProgressed());
        while (!daemon.hasProgressed()) {
            Thread.sleep(1);
        }
        NvmeSession guest = rig.connect("a");
        try (guest) {
            rig.device.hang = HangingDevice.Hang.RING;
            DmaArea area = guest.driver().allocate("guest", DaemonRig.BLOCK_BYTES);
            guest.driver().queuePairs().getFirst().read(1, 0, 1, area.iova(), DaemonRig.BLOCK_BYTES, 0);
            guest.driver().queuePairs().getFirst().ring();
            rig.device.stuck.await();
            daemon.hasProgressed();
            assertFalse(daemon.hasProgressed());
            rig.device.hang = HangingDevice.Hang.NOWHERE;
            rig.device.release();
            while (!daemon.hasProgressed()) {
                Thread.sleep(1);
            }
        }
    }
}

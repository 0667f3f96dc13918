package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.controller.IoPath;
import io.sluice.controller.Namespace;
import io.sluice.device.PciFunction;
import io.sluice.host.DmaArea;
import io.sluice.host.DriverOptions;
import io.sluice.host.QueuePair;
import io.sluice.linux.SocketOptions;
import io.sluice.mem.Memory;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import io.sluice.storage.NoopStorage;
import io.sluice.vfiouser.client.VfioUserClient;
import io.sluice.vfiouser.server.ServerLimits;
import io.sluice.vfiouser.server.VfioUserServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bounce pages, between clients that share none of their memory and a drive, or a volume of one. */
@Timeout(120)
class BounceMemoryTest {
    private static final int BLOCK = MediatedRig.BLOCK_BYTES;
    private static final int MIB = 1 << 20;
    private static final int QUEUES = 2;
    private static final int COMMANDS_EACH = 35;
    private static final int COMMANDS = QUEUES * COMMANDS_EACH;
    private static final byte SECRET = 0x5e;
    private static final byte UNTOUCHED = 0x11;

    @TempDir
    Path folder;

    private final long seed = Long.getLong("sluice.seed", System.nanoTime());
    private AutoCloseable drive;
    private VfioUserServer server;
    private int ended;

    private static Namespace namespace() {
        return new Namespace(1, (long) COMMANDS * MIB / BLOCK, BLOCK, 0, 0, 0, false);
    }

    private void serve(IoPath storage, boolean mediated) throws IOException {
        PciFunction function;
        if (mediated) {
            MediatedRig rig = new MediatedRig(storage, DriverOptions.polled(QUEUES, 64));
            drive = rig;
            function = rig.share(namespace().blockCount()).getFirst();
        } else {
            SoftwareModel model = SoftwareModel.start("BOUNCE", storage);
            drive = model;
            function = model.function();
        }
        server = new VfioUserServer(folder.resolve("s"), SocketOptions.PRIVATE, function, ServerLimits.DEFAULT);
    }

    private GuestDrive connect() throws IOException {
        return new GuestDrive(
                VfioUserClient.connectUnshared(server.socket(), VfioUserClient.DEFAULT_TIMEOUT, memory -> memory),
                QUEUES,
                MIB);
    }

    @BeforeEach
    void tellSeed() {
        System.out.println("BounceMemoryTest seed " + seed);
    }

    @AfterEach
    void stop() throws Exception {
        server.close();
        drive.close();
    }

    private static byte[] filled(byte value) {
        byte[] data = new byte[MIB];
        Arrays.fill(data, value);
        return data;
    }

    private static int count(byte[] data, byte value) {
        int count = 0;
        for (byte found : data) {
            count += found == value ? 1 : 0;
        }
        return count;
    }

    private static byte[] read(GuestDrive guest) throws IOException {
        byte[] found = filled(UNTOUCHED);
        Memory.copyIn(found, 0, guest.buffer.address(), found.length);
        assertEquals(Status.OK, guest.read(0, found));
        return found;
    }

    /** A drive that does nothing hands on what is in the bounce pages. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldShowNoClientWhatTheOneBeforeHasWritten(boolean mediated) throws Exception {
        serve(new NoopStorage(namespace()), mediated);
        try (GuestDrive first = connect()) {
            assertEquals(Status.OK, first.write(0, filled(SECRET)));
            assertTrue(count(read(first), SECRET) > MIB / 2, "such a drive shows nothing");
        }
        try (GuestDrive next = connect()) {
            assertArrayEquals(new byte[MIB], read(next));
        }
    }

    /** A command takes 256 pages, and there are some for four. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldEndAllCommandsWhereTheyNeedMorePagesThanThereAre(boolean mediated) throws Exception {
        serve(new MemoryStorage(namespace()), mediated);
        try (GuestDrive guest = connect();
                DmaArea area = guest.driver.allocate("much data", MIB + COMMANDS * Memory.PAGE_BYTES)) {
            byte[] data = new byte[MIB + COMMANDS * Memory.PAGE_BYTES];
            new Random(seed).nextBytes(data);
            Memory.copyIn(data, 0, area.address(), data.length);
            for (int i = 0; i < COMMANDS; i++) {
                submitWrite(guest.queue(i % QUEUES), area, i);
            }
            awaitAll(guest);

            for (int i = 0; i < COMMANDS; i++) {
                byte[] found = new byte[MIB];
                assertEquals(Status.OK, guest.read((long) i * MIB / BLOCK, found));
                int from = i * Memory.PAGE_BYTES;
                assertArrayEquals(Arrays.copyOfRange(data, from, from + MIB), found, "command " + i + ", seed " + seed);
            }
        }
    }

    private static void submitWrite(QueuePair queue, DmaArea area, int index) throws IOException {
        long slba = (long) index * MIB / BLOCK;
        long iova = area.iova() + (long) index * Memory.PAGE_BYTES;
        if (!queue.write(1, slba, MIB / BLOCK, iova, MIB, index)) {
            throw new AssertionError("no room for command " + index);
        }
        queue.ring();
    }

    private void awaitAll(GuestDrive guest) throws IOException {
        boolean[] seen = new boolean[COMMANDS];
        ended = 0;
        while (ended < COMMANDS) {
            for (int i = 0; i < QUEUES; i++) {
                guest.queue(i)
                        .poll(
                                (token, status, dw0) -> {
                                    assertEquals(Status.describe(Status.OK), Status.describe(status));
                                    assertFalse(seen[(int) token], "command " + token + " has ended twice");
                                    seen[(int) token] = true;
                                    ended++;
                                },
                                COMMANDS);
            }
            Thread.onSpinWait();
        }
    }
}

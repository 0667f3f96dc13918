package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.config.PollerSettings;
import io.sluice.controller.Namespace;
import io.sluice.controller.NvmeController;
import io.sluice.host.DmaArea;
import io.sluice.host.DriverOptions;
import io.sluice.host.NamespaceInfo;
import io.sluice.host.QueuePair;
import io.sluice.mem.Memory;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import java.io.IOException;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Guests on a shared device, all of it real but for the processes: two drivers, two controllers, a driver, a device. */
@Timeout(120)
class MediationTest {
    private static final int BLOCK = MediatedRig.BLOCK_BYTES;
    private static final long BLOCKS_EACH = 4096;
    private static final int TRANSFER = 64 << 10;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private MediatedRig rig;

    @BeforeEach
    void start() throws Exception {
        System.out.println("MediationTest seed " + seed);
        rig = new MediatedRig(
                new MemoryStorage(new Namespace(1, 3 * BLOCKS_EACH, BLOCK, 0, 0, 0, false)),
                DriverOptions.polled(2, 64));
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    private byte[] random(int bytes) {
        byte[] data = new byte[bytes];
        random.nextBytes(data);
        return data;
    }

    /** What is on the device, past the mediator. */
    private byte[] onDevice(long slba, int bytes) throws Exception {
        rig.stopSharing();
        QueuePair queue = rig.session.driver().queuePairs().getFirst();
        byte[] all = new byte[bytes];
        try (DmaArea area = rig.session.driver().allocate("proof", TRANSFER)) {
            for (int done = 0; done < bytes; done += TRANSFER) {
                queue.read(1, slba + done / BLOCK, TRANSFER / BLOCK, area.iova(), TRANSFER, 0);
                queue.ring();
                int[] status = {-1};
                while (status[0] < 0) {
                    queue.poll((token, end, dw0) -> status[0] = end, 1);
                }
                assertEquals(Status.OK, status[0]);
                Memory.copyOut(area.address(), all, done, TRANSFER);
            }
        }
        return all;
    }

    @Test
    void shouldKeepEachGuestsDataInItsOwnSlice() throws Exception {
        List<NvmeController> controllers = rig.share(BLOCKS_EACH, BLOCKS_EACH);
        byte[][] written = new byte[2][];
        for (int guest = 0; guest < 2; guest++) {
            try (GuestDrive drive = new GuestDrive(controllers.get(guest), 2, TRANSFER)) {
                assertEquals(BLOCKS_EACH, drive.blocks());
                written[guest] = random((int) BLOCKS_EACH * BLOCK);
                for (int at = 0; at < written[guest].length; at += TRANSFER) {
                    byte[] piece = java.util.Arrays.copyOfRange(written[guest], at, at + TRANSFER);
                    assertEquals(Status.OK, drive.write(at / BLOCK, piece));
                    byte[] back = new byte[TRANSFER];
                    assertEquals(Status.OK, drive.read(at / BLOCK, back));
                    assertArrayEquals(piece, back);
                }
                assertEquals(Status.OK, drive.flush());
                assertTrue(Status.LBA_OUT_OF_RANGE.is(drive.write(BLOCKS_EACH, new byte[BLOCK])));
            }
        }
        assertArrayEquals(written[0], onDevice(0, written[0].length));
        assertArrayEquals(written[1], onDevice(BLOCKS_EACH, written[1].length));
        assertArrayEquals(new byte[written[1].length], onDevice(2 * BLOCKS_EACH, written[1].length));
    }

    private static NamespaceInfo namespace(int nsid, long blocks, String uuid) {
        List<NamespaceInfo.LbaFormat> formats = List.of(new NamespaceInfo.LbaFormat(BLOCK, 0, 0));
        return new NamespaceInfo(
                nsid, blocks, blocks, blocks, 0, formats, false, false, false, "", "0123456789abcdef", uuid);
    }

    static Stream<Arguments> plannedNamespaces() {
        String uuid = "c9a6ff18-2f6a-4d4e-bd27-2d7d4ea2e04b";
        return Stream.of(
                Arguments.of(
                        List.of(namespace(1, 3 * BLOCKS_EACH, uuid)),
                        "expected was 12288 blocks of 512 bytes, EUI64 0123456789abcdef, UUID " + uuid),
                Arguments.of(
                        List.of(namespace(1, BLOCKS_EACH, "")),
                        "expected was 4096 blocks of 512 bytes, EUI64 0123456789abcdef"),
                Arguments.of(List.of(namespace(2, BLOCKS_EACH, "")), "expected was no such namespace"));
    }

    @ParameterizedTest
    @MethodSource("plannedNamespaces")
    void shouldRefuseANamespaceThatIsNotTheOneThatWasPlannedFor(List<NamespaceInfo> planned, String expected) {
        IOException refused = assertThrows(
                IOException.class,
                () -> Mediation.start(
                        rig.session,
                        List.of(MediatedRig.volume("a", 0, BLOCKS_EACH)),
                        planned,
                        PollerSettings.DEFAULT));
        assertEquals(
                "namespace 1 of MODEL has changed since volume a was planned: " + expected
                        + "; found was 12288 blocks of 512 bytes, without identifier, and the volume has 4096 blocks of 512"
                        + " bytes from block 0 on. Look at what has changed, and start again",
                refused.getMessage());
    }

    @Test
    void shouldRefuseWhenTheNamespaceHasNoRoomForAVolume() {
        IOException refused = assertThrows(IOException.class, () -> rig.share(BLOCKS_EACH, 3 * BLOCKS_EACH));
        assertTrue(
                refused.getMessage().contains("and the volume has 12288 blocks of 512 bytes from block 4096 on"),
                refused.getMessage());
    }
}

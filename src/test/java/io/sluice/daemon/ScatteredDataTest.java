package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.controller.Namespace;
import io.sluice.device.Loopback;
import io.sluice.device.PciDevice;
import io.sluice.device.PciFunction;
import io.sluice.host.DataPointers;
import io.sluice.host.DriverOptions;
import io.sluice.host.QueuePair;
import io.sluice.linux.SocketOptions;
import io.sluice.mem.Memory;
import io.sluice.nvme.IdentifyController;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sgl;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import io.sluice.vfiouser.client.VfioUserClient;
import io.sluice.vfiouser.server.ServerLimits;
import io.sluice.vfiouser.server.VfioUserServer;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A guest whose data lies in many pieces at any address, by SGLs, on the software model and on a slice of it behind a mediator:
 * NVMe 1.4, 4.4. What is written in pieces is read in one, and the other way round.
 */
@Timeout(120)
class ScatteredDataTest {
    private static final int BLOCK = MediatedRig.BLOCK_BYTES;
    private static final long BLOCKS = 4096;
    private static final int BUFFER_BYTES = 1 << 20;
    /** Where the data is in one. */
    private static final int WHOLE_AT = BUFFER_BYTES / 2;

    private static final int MAX_BLOCKS = 256;
    private static final byte UNTOUCHED = 0x55;
    /** The place of a piece that is a bit bucket. */
    private static final int DISCARDED = -1;

    @TempDir
    Path folder;

    private final long seed = Long.getLong("sluice.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private SoftwareModel model;
    private MediatedRig rig;

    @AfterEach
    void stop() {
        if (rig != null) {
            rig.close();
        }
        if (model != null) {
            model.close();
        }
    }

    private static MemoryStorage storage() throws Exception {
        return new MemoryStorage(new Namespace(1, BLOCKS, BLOCK, 0, 0, 0, false));
    }

    private PciFunction model() throws Exception {
        model = SoftwareModel.start("MODEL", storage());
        return model.function();
    }

    private PciFunction mediated() throws Exception {
        rig = new MediatedRig(storage(), DriverOptions.polled(2, 64));
        return rig.share(BLOCKS / 2, BLOCKS / 2).get(1);
    }

    @Test
    void shouldMoveScatteredDataOfTheModel() throws Exception {
        moveScattered(model());
    }

    @Test
    void shouldMoveScatteredDataOfAVolume() throws Exception {
        moveScattered(mediated());
    }

    @Test
    void shouldMoveScatteredDataOfTheModelWhereTheGuestDoesNotShareIt() throws Exception {
        moveUnshared(model());
    }

    @Test
    void shouldMoveScatteredDataOfAVolumeWhereTheGuestDoesNotShareIt() throws Exception {
        moveUnshared(mediated());
    }

    private void moveUnshared(PciFunction controller) throws Exception {
        Path socket = folder.resolve("s");
        try (VfioUserServer server =
                new VfioUserServer(socket, SocketOptions.PRIVATE, controller, ServerLimits.DEFAULT)) {
            moveScattered(
                    VfioUserClient.connectUnshared(server.socket(), VfioUserClient.DEFAULT_TIMEOUT, memory -> memory));
        }
    }

    private void moveScattered(PciFunction controller) throws Exception {
        moveScattered(new Loopback(controller));
    }

    private void moveScattered(PciDevice device) throws Exception {
        System.out.println("ScatteredDataTest seed " + seed);
        try (GuestDrive drive = new GuestDrive(device, 1, BUFFER_BYTES)) {
            assertEquals(
                    IdentifyController.SGLS_SUPPORTED | IdentifyController.SGLS_BIT_BUCKET,
                    drive.driver.controller().sglSupport());
            for (int round = 0; round < 300; round++) {
                moveScattered(
                        drive,
                        1 + random.nextInt(random.nextBoolean() ? MAX_BLOCKS : 4),
                        "seed " + seed + ", round " + round);
            }
        }
    }

    private void moveScattered(GuestDrive drive, int blockCount, String what) throws Exception {
        int bytes = blockCount * BLOCK;
        long slba = random.nextInt((int) drive.blocks() - blockCount + 1);
        int[][] pieces = pieces(bytes, 1 + random.nextInt(60));
        byte[] data = new byte[bytes];
        random.nextBytes(data);
        put(drive, pieces, data);
        assertEquals(Status.OK, transfer(drive, NvmOpcode.WRITE, slba, blockCount, pieces), what);
        assertEquals(Status.OK, transfer(drive, NvmOpcode.READ, slba, blockCount, whole(bytes)), what);
        assertArrayEquals(data, get(drive, whole(bytes)), what);

        random.nextBytes(data);
        put(drive, whole(bytes), data);
        assertEquals(Status.OK, transfer(drive, NvmOpcode.WRITE, slba, blockCount, whole(bytes)), what);
        Memory.fill(drive.buffer.address(), BUFFER_BYTES, UNTOUCHED);
        assertEquals(Status.OK, transfer(drive, NvmOpcode.READ, slba, blockCount, pieces), what);
        assertArrayEquals(data, get(drive, pieces), what);
        put(drive, pieces, filled(bytes));
        assertArrayEquals(
                filled(BUFFER_BYTES), get(drive, new int[][] {{0, BUFFER_BYTES}}), "nothing between, " + what);
        leaveOut(drive, slba, blockCount, pieces, data, what);
    }

    /** A Read of which some pieces go into bit buckets, and a Write that has some between its pieces. */
    private void leaveOut(GuestDrive drive, long slba, int blockCount, int[][] pieces, byte[] data, String what)
            throws Exception {
        int[][] some = new int[pieces.length][];
        byte[] expected = filled(BUFFER_BYTES);
        int done = 0;
        for (int i = 0; i < pieces.length; i++) {
            boolean wanted = random.nextBoolean();
            some[i] = new int[] {wanted ? pieces[i][0] : DISCARDED, pieces[i][1]};
            if (wanted) {
                System.arraycopy(data, done, expected, pieces[i][0], pieces[i][1]);
            }
            done += pieces[i][1];
        }
        Memory.fill(drive.buffer.address(), BUFFER_BYTES, UNTOUCHED);
        assertEquals(Status.OK, transfer(drive, NvmOpcode.READ, slba, blockCount, some), what);
        assertArrayEquals(expected, get(drive, new int[][] {{0, BUFFER_BYTES}}), "what is wanted, " + what);

        int[][] ignored = Arrays.copyOf(pieces, pieces.length + 1);
        ignored[pieces.length] = ignored[0];
        ignored[0] = new int[] {DISCARDED, random.nextInt(1 << 20)};
        byte[] written = get(drive, new int[][] {{0, BUFFER_BYTES}});
        assertEquals(Status.OK, transfer(drive, NvmOpcode.WRITE, slba, blockCount, ignored), what);
        assertEquals(Status.OK, transfer(drive, NvmOpcode.READ, slba, blockCount, whole(data.length)), what);
        assertArrayEquals(gather(written, ignored), get(drive, whole(data.length)), what);
    }

    private static byte[] gather(byte[] from, int[][] pieces) {
        ByteArrayOutputStream gathered = new ByteArrayOutputStream();
        for (int[] piece : pieces) {
            if (piece[0] != DISCARDED) {
                gathered.write(from, piece[0], piece[1]);
            }
        }
        return gathered.toByteArray();
    }

    /** Places and lengths, one after the other with gaps; they come in any order. */
    private int[][] pieces(int bytes, int count) {
        int[][] pieces = new int[count][];
        int at = random.nextInt(5000);
        int rest = bytes;
        for (int i = 0; i < count; i++) {
            int length = i == count - 1 ? rest : random.nextInt(rest / (count - i) * 2 + 1);
            pieces[i] = new int[] {at, length};
            at += length + random.nextInt(3000);
            rest -= length;
        }
        assertTrue(at < WHOLE_AT, "room for all");
        int swap = random.nextInt(count);
        int[] first = pieces[0];
        pieces[0] = pieces[swap];
        pieces[swap] = first;
        return pieces;
    }

    private static int[][] whole(int bytes) {
        return new int[][] {{WHOLE_AT, bytes}};
    }

    private static byte[] filled(int bytes) {
        byte[] filled = new byte[bytes];
        Arrays.fill(filled, UNTOUCHED);
        return filled;
    }

    private static void put(GuestDrive drive, int[][] pieces, byte[] data) {
        int done = 0;
        for (int[] piece : pieces) {
            Memory.copyIn(data, done, drive.buffer.address() + piece[0], piece[1]);
            done += piece[1];
        }
    }

    private static byte[] get(GuestDrive drive, int[][] pieces) {
        byte[] data = new byte[Arrays.stream(pieces).mapToInt(piece -> piece[1]).sum()];
        int done = 0;
        for (int[] piece : pieces) {
            Memory.copyOut(drive.buffer.address() + piece[0], data, done, piece[1]);
            done += piece[1];
        }
        return data;
    }

    /** By PRPs if it is in one, else by an SGL. */
    private static int transfer(GuestDrive drive, int opcode, long slba, int blockCount, int[][] pieces)
            throws Exception {
        QueuePair queue = drive.queue(0);
        return drive.run(queue, () -> {
            int slot = queue.nextSlot();
            long sqe = queue.begin(opcode, GuestDrive.NSID);
            Sqe.setSlba(sqe, slba);
            Sqe.setBlockCount(sqe, blockCount);
            if (pieces[0][0] == WHOLE_AT) {
                queue.setData(sqe, drive.buffer.iova() + WHOLE_AT, pieces[0][1]);
            } else if (pieces.length == 1 && pieces[0][0] != DISCARDED) {
                Sqe.setSglDataBlock(sqe, drive.buffer.iova() + pieces[0][0], pieces[0][1]);
            } else {
                for (int i = 0; i < pieces.length; i++) {
                    long at = queue.listAddress(slot) + (long) i * Sgl.BYTES;
                    if (pieces[i][0] == DISCARDED) {
                        Sgl.setBitBucket(at, pieces[i][1]);
                    } else {
                        Sgl.setDataBlock(at, drive.buffer.iova() + pieces[i][0], pieces[i][1]);
                    }
                }
                Sqe.setSglLastSegment(sqe, queue.listIova(slot), pieces.length);
            }
            queue.commit(0);
            return true;
        });
    }

    /** The mediator rebuilds an SGL in one page: what does not fit is refused, and nothing else suffers. */
    @Test
    void shouldRefuseMorePiecesThanAVolumeCanPassOn() throws Exception {
        try (GuestDrive drive = new GuestDrive(mediated(), 1, BUFFER_BYTES)) {
            int most = DataPointers.MAX_SGL_PIECES;
            assertEquals(Status.OK, writeInCrumbs(drive, most));
            int status = writeInCrumbs(drive, most + 1);
            assertEquals(
                    Status.describe(Status.INVALID_SGL_DESCRIPTOR_COUNT.dnr()), Status.describe(status & ~Status.MORE));
            assertEquals(Status.OK, writeInCrumbs(drive, most));
        }
    }

    /** One block in so many pieces, none of which follows another. The segment is in the buffer's second half. */
    private static int writeInCrumbs(GuestDrive drive, int count) throws Exception {
        for (int i = 0; i < count; i++) {
            int bytes = i == 0 ? BLOCK - count + 1 : 1;
            Sgl.setDataBlock(drive.buffer.address() + WHOLE_AT + 16L * i, drive.buffer.iova() + 1024L * i + 1, bytes);
        }
        QueuePair queue = drive.queue(0);
        return drive.run(queue, () -> {
            long sqe = queue.begin(NvmOpcode.WRITE, GuestDrive.NSID);
            Sqe.setSlba(sqe, 0);
            Sqe.setBlockCount(sqe, 1);
            Sqe.setSglLastSegment(sqe, drive.buffer.iova() + WHOLE_AT, count);
            queue.commit(0);
            return true;
        });
    }
}

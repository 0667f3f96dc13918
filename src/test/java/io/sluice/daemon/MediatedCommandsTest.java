package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.controller.Namespace;
import io.sluice.controller.NvmeController;
import io.sluice.host.DmaArea;
import io.sluice.host.DriverOptions;
import io.sluice.host.NvmeDriver;
import io.sluice.host.QueuePair;
import io.sluice.mem.Memory;
import io.sluice.nvme.CopyLimits;
import io.sluice.nvme.CopyRange;
import io.sluice.nvme.IdentifyController;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import io.sluice.storage.MemoryStorage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The optional commands of a guest whose slice is the second one of three: done by the device, in the slice and nowhere else. */
@Timeout(120)
class MediatedCommandsTest {
    private static final int BLOCK = MediatedRig.BLOCK_BYTES;
    private static final long BLOCKS_EACH = 4096;
    private static final int BUFFER = 64 << 10;
    private static final int FAILED_FUSED = Status.ABORTED_FAILED_FUSED.dnr();

    private MediatedRig rig;
    private List<NvmeController> controllers;
    private GuestDrive neighbour;
    private GuestDrive guest;
    private QueuePair queue;
    private DmaArea area;
    private final Map<Integer, Integer> statuses = new TreeMap<>();
    private int lastDw0;

    /** The device's blocks begin with a byte each that says whose they are, by guest. */
    @BeforeEach
    void start() throws Exception {
        rig = new MediatedRig(
                new MemoryStorage(new Namespace(1, 3 * BLOCKS_EACH, BLOCK, 0, 0, 0, false)),
                DriverOptions.polled(2, 64));
        controllers = rig.share(BLOCKS_EACH, BLOCKS_EACH, BLOCKS_EACH);
        neighbour = new GuestDrive(controllers.get(0), 1, BUFFER);
        guest = new GuestDrive(controllers.get(1), 1, BUFFER);
        queue = guest.queue(0);
        area = guest.driver.allocate("data", BUFFER);
        for (int block = 0; block < BLOCKS_EACH; block += BUFFER / BLOCK) {
            byte[] data = new byte[BUFFER];
            for (int i = 0; i < BUFFER / BLOCK; i++) {
                data[i * BLOCK] = (byte) (block + i);
                data[i * BLOCK + 1] = 1;
            }
            assertEquals(Status.OK, neighbour.write(block, data));
            for (int i = 0; i < BUFFER / BLOCK; i++) {
                data[i * BLOCK + 1] = 2;
            }
            assertEquals(Status.OK, guest.write(block, data));
        }
    }

    @AfterEach
    void stop() {
        area.close();
        guest.close();
        neighbour.close();
        rig.close();
    }

    private interface Entry {
        void fill(long sqe, int slot);
    }

    /** Submits commands with one doorbell, and returns their statuses in their order. */
    private int[] run(Object... opcodesAndEntries) throws IOException {
        List<Integer> slots = new ArrayList<>();
        for (int i = 0; i < opcodesAndEntries.length; i += 2) {
            long sqe = queue.begin((int) opcodesAndEntries[i], 1);
            assertTrue(sqe != 0);
            int slot = queue.begunSlot();
            ((Entry) opcodesAndEntries[i + 1]).fill(sqe, slot);
            queue.commit(slot);
            slots.add(slot);
        }
        queue.ring();
        statuses.clear();
        while (statuses.size() < slots.size()) {
            queue.poll(
                    (slot, status, dw0) -> {
                        statuses.put((int) slot, status);
                        lastDw0 = dw0;
                    },
                    64);
            Thread.onSpinWait();
        }
        return slots.stream()
                .mapToInt(slot -> statuses.get(slot) & ~Status.MORE)
                .toArray();
    }

    private Entry transfer(long slba, int blocks, int fuse, int offset) {
        return (sqe, slot) -> {
            Sqe.setTransfer(sqe, slba, blocks, false);
            Sqe.setFuse(sqe, fuse);
            Sqe.setPrp1(sqe, area.iova() + offset);
        };
    }

    private Entry blocks(long slba, int blocks) {
        return (sqe, slot) -> Sqe.setTransfer(sqe, slba, blocks, false);
    }

    private Entry copy(long sdlba, long[]... ranges) {
        return (sqe, slot) -> {
            for (int i = 0; i < ranges.length; i++) {
                CopyRange.set(queue.listAddress(slot) + (long) i * CopyRange.BYTES, ranges[i][0], (int) ranges[i][1]);
            }
            Sqe.setPrp1(sqe, queue.listIova(slot));
            Sqe.setCopy(sqe, sdlba, ranges.length, false);
        };
    }

    /** What the first bytes of some blocks of the guest's are now: the number of the block that they were, and whose. */
    private void assertBlocks(long slba, int... numbers) throws IOException {
        byte[] data = new byte[numbers.length * BLOCK];
        assertEquals(Status.OK, guest.read(slba, data));
        for (int i = 0; i < numbers.length; i++) {
            assertEquals((byte) numbers[i], data[i * BLOCK], "block " + (slba + i));
            assertEquals(2, data[i * BLOCK + 1], "whose block " + (slba + i) + " was");
        }
    }

    private void assertNeighbourUntouched() throws IOException {
        byte[] data = new byte[BUFFER];
        for (int block = 0; block < BLOCKS_EACH; block += BUFFER / BLOCK) {
            assertEquals(Status.OK, neighbour.read(block, data));
            for (int i = 0; i < BUFFER / BLOCK; i++) {
                assertEquals((byte) (block + i), data[i * BLOCK], "neighbour's block " + (block + i));
                assertEquals(1, data[i * BLOCK + 1], "whose the neighbour's block " + (block + i) + " is");
            }
        }
    }

    @Test
    void shouldOfferWhatTheDeviceOffers() {
        NvmeDriver driver = guest.driver;
        int commands = IdentifyController.ONCS_COMPARE
                | IdentifyController.ONCS_VERIFY
                | IdentifyController.ONCS_WRITE_UNCORRECTABLE
                | IdentifyController.ONCS_COPY;
        assertEquals(commands, driver.controller().optionalCommands() & commands);
        assertEquals(
                IdentifyController.FUSES_COMPARE_AND_WRITE, driver.controller().fusedCommands());
        CopyLimits limits = rig.session.driver().namespace(1).hints().copy();
        assertEquals(limits, driver.namespace(1).hints().copy());
        assertEquals(128, limits.ranges());
    }

    @Test
    void shouldCompareAndVerifyTheGuestsOwnBlocks() throws Exception {
        Memory.putByte(area.address(), (byte) 9);
        Memory.putByte(area.address() + 1, (byte) 2);
        assertArrayEquals(
                new int[] {Status.OK, Status.COMPARE_FAILURE.code(), Status.OK, Status.LBA_OUT_OF_RANGE.dnr()},
                run(
                        NvmOpcode.COMPARE,
                        transfer(9, 1, Sqe.FUSE_NONE, 0),
                        NvmOpcode.COMPARE,
                        transfer(10, 1, Sqe.FUSE_NONE, 0),
                        NvmOpcode.VERIFY,
                        blocks(0, (int) BLOCKS_EACH),
                        NvmOpcode.VERIFY,
                        blocks(1, (int) BLOCKS_EACH)));
    }

    @Test
    void shouldMarkOnlyTheGuestsOwnBlocksAsUncorrectable() throws Exception {
        assertArrayEquals(
                new int[] {Status.OK, Status.LBA_OUT_OF_RANGE.dnr()},
                run(
                        NvmOpcode.WRITE_UNCORRECTABLE,
                        blocks(0, 2),
                        NvmOpcode.WRITE_UNCORRECTABLE,
                        blocks(BLOCKS_EACH, 1)));
        assertEquals(
                Status.UNRECOVERED_READ_ERROR.dnr(),
                guest.read(0, new byte[BLOCK]) & ~Status.MORE,
                "the device's own status");
        assertBlocks(2, 2, 3);
        assertNeighbourUntouched();
    }

    @Test
    void shouldCopyWithinTheSlice() throws Exception {
        assertArrayEquals(new int[] {Status.OK}, run(NvmOpcode.COPY, copy(4094, new long[] {4095, 1}, new long[] {5, 1
        })));
        assertBlocks(4093, 4093, 4095, 5);
        int outside = Status.LBA_OUT_OF_RANGE.dnr();
        assertArrayEquals(
                new int[] {outside, outside, outside},
                run(
                        NvmOpcode.COPY,
                        copy(0, new long[] {-1, 1}),
                        NvmOpcode.COPY,
                        copy(0, new long[] {1, 1}, new long[] {BLOCKS_EACH, 1}),
                        NvmOpcode.COPY,
                        copy(BLOCKS_EACH - 1, new long[] {1, 2})));
        assertBlocks(0, 0, 1);
        assertNeighbourUntouched();
    }

    /** NVM Command Set 1.0, 3.2.2: dword 0 of the completion is the device's. */
    @Test
    void shouldTellWhichRangeOfACopyFailed() throws Exception {
        run(NvmOpcode.WRITE_UNCORRECTABLE, blocks(77, 1));
        assertArrayEquals(
                new int[] {Status.UNRECOVERED_READ_ERROR.dnr()},
                run(NvmOpcode.COPY, copy(1000, new long[] {1, 1}, new long[] {2, 1}, new long[] {70, 9})));
        assertEquals(2, lastDw0);
        assertBlocks(1000, 1, 2, 1002);
    }

    @Test
    void shouldWriteOnlyWhatComparesWhenTheTwoAreFused() throws Exception {
        Memory.putByte(area.address(), (byte) 7);
        Memory.putByte(area.address() + 1, (byte) 2);
        Memory.putByte(area.address() + 4096, (byte) 99);
        Memory.putByte(area.address() + 4097, (byte) 2);
        Object[] fused = {
            NvmOpcode.COMPARE,
            transfer(7, 1, Sqe.FUSE_FIRST, 0),
            NvmOpcode.WRITE,
            transfer(7, 1, Sqe.FUSE_SECOND, 4096),
        };
        assertArrayEquals(new int[] {Status.OK, Status.OK}, run(fused));
        assertBlocks(6, 6, 99, 8);
        assertArrayEquals(new int[] {Status.COMPARE_FAILURE.code(), FAILED_FUSED}, run(fused));
        assertBlocks(6, 6, 99, 8);
        assertNeighbourUntouched();
    }
}

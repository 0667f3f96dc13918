package io.sluice.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.linux.Fd;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class QueuePairTest {
    private static final int QID = 3;
    private static final int ENTRIES = 4;
    private static final int SLOTS_ROUNDED_UP = 4;
    private static final long IOVA = 0x10_0000;
    private static final long SQ_DOORBELL = 0x1018;
    private static final long CQ_DOORBELL = 0x101c;
    private static final int LIMIT = 64;
    private static final long DATA_IOVA = 0x7000_0000L;

    private Mapping mapping;
    private FakeBar bar;
    private QueueMemory memory;
    private QueuePair pair;
    private final List<Completion> completions = new ArrayList<>();

    private record Completion(long token, int status, int dw0) {}

    @BeforeEach
    void open() throws LinuxException {
        mapping = Mapping.anonymous(QueueMemory.bytes(ENTRIES), Mapping.PROT_READ | Mapping.PROT_WRITE);
        memory = new QueueMemory(mapping.address(), IOVA, ENTRIES);
        bar = new FakeBar();
        pair = newPair(false);
    }

    private QueuePair newPair(boolean sgl) {
        return new QueuePair(
                "queue 3 of fake",
                QID,
                memory,
                RecordFixture.record(ENTRIES),
                new Doorbell(bar, SQ_DOORBELL),
                new Doorbell(bar, CQ_DOORBELL),
                new PairTraits(Integer.MAX_VALUE, sgl, Timeouts.DEFAULT),
                Alarm.NONE);
    }

    @AfterEach
    void close() {
        mapping.close();
    }

    private int poll() throws IOException {
        return pair.poll((token, status, dw0) -> completions.add(new Completion(token, status, dw0)), LIMIT);
    }

    /** What a device does. */
    private void post(int index, int cid, int status, int phase) {
        Cqe.publish(memory.cqe(index), 0xd0 + index, 0, QID, cid, status, phase);
    }

    private boolean read(long token) {
        return pair.read(1, 0, 1, DATA_IOVA, 512, token);
    }

    @Test
    void shouldLayOutQueuesAndListsOnPagesOfTheirOwn() {
        assertEquals(IOVA, memory.sqIova());
        assertEquals(IOVA + 0x1000, memory.cqIova());
        assertEquals(IOVA + 0x2000, memory.listIova(0));
        assertEquals(IOVA + 0x4000, memory.listIova(2));
        assertEquals(0x5000, QueueMemory.bytes(ENTRIES));
        assertEquals(mapping.address() + 0x1000 + 16, memory.cqe(1));
        assertEquals(0x10_000 * 64L + 0x10_000 * 16L + 0xffffL * 0x1000, QueueMemory.bytes(0x1_0000));
    }

    @Test
    void shouldEncodeAllFieldsWhenWriteIsSubmitted() {
        assertTrue(pair.write(7, 0x1_2345_6789L, 8, 0x9000, 4096, 99));
        long sqe = memory.sqe(0);
        assertEquals(NvmOpcode.WRITE, Sqe.opcode(sqe));
        assertEquals(0, Sqe.cid(sqe));
        assertEquals(7, Sqe.nsid(sqe));
        assertEquals(0x1_2345_6789L, Sqe.slba(sqe));
        assertEquals(8, Sqe.blockCount(sqe));
        assertEquals(0x9000, Sqe.prp1(sqe));
        assertEquals(0, Sqe.prp2(sqe));
        assertEquals(1, pair.inFlight());
    }

    @Test
    void shouldDescribeDataByOneSglDataBlockWhenAskedTo() {
        assertTrue(newPair(true).read(1, 0, 1024, 0x9004, 512 << 10, 99));
        long sqe = memory.sqe(0);
        assertEquals(Sqe.PSDT_SGL, Sqe.psdt(sqe));
        assertEquals(0x9004, Memory.getLong(sqe + 24), "address");
        assertEquals(512 << 10, Memory.getLong(sqe + 32), "length, and a descriptor type of 0");
        assertEquals(0, Memory.getLong(memory.listAddress(0)), "no list");
    }

    @Test
    void shouldForceUnitAccessWhenWritingThrough() {
        assertTrue(pair.writeThrough(7, 5, 8, 0x9000, 4096, 99));
        assertEquals(NvmOpcode.WRITE, Sqe.opcode(memory.sqe(0)));
        assertTrue(Sqe.forceUnitAccess(memory.sqe(0)));
        assertTrue(pair.write(7, 5, 8, 0x9000, 4096, 99));
        assertFalse(Sqe.forceUnitAccess(memory.sqe(1)));
    }

    @Test
    void shouldEncodeAllFieldsWhenComparing() {
        assertTrue(pair.compare(7, 5, 8, 0x9000, 4096, 99));
        long sqe = memory.sqe(0);
        assertEquals(NvmOpcode.COMPARE, Sqe.opcode(sqe));
        assertEquals(5, Sqe.slba(sqe));
        assertEquals(8, Sqe.blockCount(sqe));
        assertEquals(0x9000, Sqe.prp1(sqe));
    }

    @Test
    void shouldLeaveNothingOfThePreviousCommandWhenAnEntryIsUsedAgain() throws IOException {
        for (int i = 0; i < ENTRIES; i++) {
            assertTrue(pair.writeZeroes(-1, -1L, 65536, true, i));
            post(i, Sqe.cid(memory.sqe(i)), Status.OK, 1);
            assertEquals(1, poll());
        }
        assertTrue(pair.flush(2, 0));
        long sqe = memory.sqe(0);
        assertEquals(2, Sqe.nsid(sqe));
        for (int offset = 8; offset < Sqe.BYTES; offset += 8) {
            assertEquals(0, Memory.getLong(sqe + offset), "offset " + offset);
        }
    }

    @Test
    void shouldEncodeRangesWhenDeallocating() {
        assertTrue(pair.deallocate(1, 0x5000, 256, 0));
        long sqe = memory.sqe(0);
        assertEquals(NvmOpcode.DATASET_MANAGEMENT, Sqe.opcode(sqe));
        assertEquals(256, Sqe.dsmRangeCount(sqe));
        assertTrue(Sqe.dsmDeallocate(sqe));
        assertEquals(0x5000, Sqe.prp1(sqe));
    }

    @Test
    void shouldTellTheDeviceOnlyOnceWhenManyAreSubmitted() throws IOException {
        read(1);
        read(2);
        assertTrue(bar.writes.isEmpty());
        pair.ring();
        pair.ring();
        assertEquals(List.of(new FakeBar.Write(SQ_DOORBELL, 2)), bar.writes);
    }

    @Test
    void shouldRefuseWhenAllSlotsAreOutstanding() throws IOException {
        assertEquals(3, pair.depth());
        assertTrue(read(1) && read(2) && read(3));
        assertFalse(read(4));
        assertFalse(pair.flush(1, 4));
        assertFalse(pair.writeZeroes(1, 0, 1, false, 4));
        assertFalse(pair.deallocate(1, DATA_IOVA, 1, 4));
        assertEquals(0, pair.begin(NvmOpcode.READ, 1));
        pair.ring();
        assertEquals(List.of(new FakeBar.Write(SQ_DOORBELL, 3)), bar.writes);
        post(0, 1, Status.OK, 1);
        assertEquals(1, poll());
        assertTrue(read(4));
        assertEquals(1 + SLOTS_ROUNDED_UP, Sqe.cid(memory.sqe(3)), "the freed slot is used again");
    }

    @Test
    void shouldLeaveNoTraceWhenArgumentsAreRefused() throws IOException {
        assertThrows(IllegalArgumentException.class, () -> pair.read(1, 0, 0, DATA_IOVA, 512, 0));
        assertThrows(IllegalArgumentException.class, () -> pair.read(1, 0, 65537, DATA_IOVA, 512, 0));
        assertThrows(IllegalArgumentException.class, () -> pair.read(1, 0, 1, DATA_IOVA, 0, 0));
        assertThrows(
                IllegalArgumentException.class,
                () -> pair.read(1, 0, 1, DATA_IOVA, QueuePair.MAX_TRANSFER_BYTES + 1, 0));
        assertThrows(IllegalArgumentException.class, () -> pair.deallocate(1, DATA_IOVA, 257, 0));
        assertEquals(0, pair.inFlight());
        pair.ring();
        assertTrue(bar.writes.isEmpty());
    }

    @Test
    void shouldDeliverTokenStatusAndResultInPostingOrder() throws IOException {
        read(11);
        read(12);
        read(13);
        post(0, 2, Status.LBA_OUT_OF_RANGE.dnr(), 1);
        post(1, 0, Status.OK, 1);
        assertEquals(2, poll());
        assertEquals(
                List.of(new Completion(13, Status.LBA_OUT_OF_RANGE.dnr(), 0xd0), new Completion(11, Status.OK, 0xd1)),
                completions);
        assertEquals(1, pair.inFlight());
        assertEquals(List.of(new FakeBar.Write(CQ_DOORBELL, 2)), bar.writes);
    }

    @Test
    void shouldDeliverNoMoreThanTheLimit() throws IOException {
        read(1);
        read(2);
        post(0, 0, Status.OK, 1);
        post(1, 1, Status.OK, 1);
        assertEquals(1, pair.poll((token, status, dw0) -> {}, 1));
        assertEquals(1, pair.inFlight());
        assertEquals(1, pair.poll((token, status, dw0) -> {}, 1));
        assertEquals(0, pair.poll((token, status, dw0) -> {}, 1));
    }

    @Test
    void shouldFollowThePhaseWhenQueuesWrapManyTimes() throws IOException {
        int phase = 1;
        for (int i = 0; i < 10 * ENTRIES; i++) {
            int index = i % ENTRIES;
            assertTrue(read(i));
            pair.ring();
            assertEquals(0, poll(), "before the device has answered");
            post(index, Sqe.cid(memory.sqe(index)), Status.OK, phase);
            assertEquals(1, poll());
            assertEquals(i, completions.getLast().token());
            FakeBar.Write last = bar.writes.getLast();
            assertEquals(new FakeBar.Write(CQ_DOORBELL, (index + 1) % ENTRIES), last);
            if (index == ENTRIES - 1) {
                phase ^= 1;
            }
        }
    }

    @Test
    void shouldSubmitFromTheListenerWhenDepthIsKept() throws IOException {
        read(0);
        post(0, 0, Status.OK, 1);
        assertEquals(1, pair.poll((token, status, dw0) -> assertTrue(read(token + 1)), LIMIT));
        assertEquals(1, pair.inFlight());
        assertEquals(SLOTS_ROUNDED_UP, Sqe.cid(memory.sqe(1)));
    }

    // ---- devices that lie

    @Test
    void shouldFailForGoodWhenCidIsNotOutstanding() throws IOException {
        read(5);
        post(0, 1, Status.OK, 1);
        DeviceFailure failure = assertThrows(DeviceFailure.class, this::poll);
        assertTrue(failure.getMessage().contains("for command 1, which is not outstanding"), failure.getMessage());
        assertTrue(failure.getMessage().contains("queue 3 of fake"), failure.getMessage());
        assertThrows(DeviceFailure.class, this::poll);
        read(6);
        assertThrows(DeviceFailure.class, pair::ring);
        assertTrue(completions.isEmpty());
    }

    @Test
    void shouldFailWhenCidIsOutsideOfAllSlots() {
        read(5);
        post(0, 0xffff, Status.OK, 1);
        assertThrows(DeviceFailure.class, this::poll);
    }

    @Test
    void shouldFailWhenACompletionComesTwice() throws IOException {
        read(5);
        post(0, 0, Status.OK, 1);
        assertEquals(1, poll());
        post(1, 0, Status.OK, 1);
        assertThrows(DeviceFailure.class, this::poll);
        assertEquals(1, completions.size());
    }

    @Test
    void shouldFailWhenADuplicateComesAfterItsSlotIsUsedAgain() throws IOException {
        read(5);
        post(0, 0, Status.OK, 1);
        assertEquals(1, poll());
        read(6); // in the same slot
        post(1, 0, Status.OK, 1);
        DeviceFailure failure = assertThrows(DeviceFailure.class, this::poll);
        assertTrue(failure.getMessage().contains("for command 0, which is not outstanding"), failure.getMessage());
        assertEquals(1, completions.size());
        assertEquals(1, pair.inFlight());
    }

    @Test
    void shouldFailWhenCompletionIsOfAnotherQueue() {
        read(5);
        Cqe.publish(memory.cqe(0), 0, 0, QID + 1, 0, Status.OK, 1);
        DeviceFailure failure = assertThrows(DeviceFailure.class, this::poll);
        assertTrue(failure.getMessage().contains("submission queue 4"), failure.getMessage());
    }

    @Test
    void shouldFailWhenHeadIsOutsideOfTheQueue() {
        read(5);
        Cqe.publish(memory.cqe(0), 0, ENTRIES, QID, 0, Status.OK, 1);
        DeviceFailure failure = assertThrows(DeviceFailure.class, this::poll);
        assertTrue(failure.getMessage().contains("head 4 in a queue of 4 entries"), failure.getMessage());
    }

    @Test
    void shouldEndWhenTheWholeQueueLiesAboutItsPhase() {
        read(5);
        for (int i = 0; i < ENTRIES; i++) {
            post(i, 0, Status.OK, 1);
        }
        assertThrows(DeviceFailure.class, this::poll);
        assertEquals(1, completions.size(), "the one that was outstanding");
    }

    /** As a BAR that is not decoded any more does it: a bus error, which Java tells as an InternalError, perhaps late. */
    @Test
    void shouldFailAndNotCrashWhenMemoryUnderItIsTakenAway() throws IOException {
        try (Fd file = Memfd.create("queue", QueueMemory.bytes(ENTRIES));
                Mapping cut = Mapping.shared(file, 0, QueueMemory.bytes(ENTRIES), 3)) {
            memory = new QueueMemory(cut.address(), IOVA, ENTRIES);
            pair = newPair(false);
            read(1);
            assertEquals(0, poll());
            Memfd.resize(file, 0);
            DeviceFailure failure = assertThrows(DeviceFailure.class, () -> {
                for (int i = 0; i < 1_000_000; i++) {
                    pollOrFail();
                }
            });
            assertTrue(failure.getMessage().contains("memory under it was taken away"), failure.getMessage());
            assertThrows(DeviceFailure.class, pair::ring);
        }
    }

    @Test
    void shouldGoOnWhenAnAccessErrorIsSomebodyElses() throws IOException {
        InternalError others = new InternalError("of another's memory, told late");
        List<InternalError> asked = new ArrayList<>();
        pair.onAccessError(asked::add);
        for (int i = 0; i < 3; i++) {
            read(i);
            post(i, i, Status.OK, 1);
        }
        pair.ring();
        bar.writes.clear();
        List<Long> seen = new ArrayList<>();
        CompletionListener listener = (token, status, dw0) -> {
            seen.add(token);
            if (token == 1) {
                throw others;
            }
        };
        assertEquals(0, pair.poll(listener, LIMIT));
        assertEquals(List.of(others), asked);
        assertEquals(1, pair.poll(listener, LIMIT));
        assertEquals(List.of(0L, 1L, 2L), seen, "each once");
        assertEquals(List.of(new FakeBar.Write(CQ_DOORBELL, 3)), bar.writes);
    }

    @Test
    void shouldTellTheDeviceOfAllItHasTakenWhenTheLastOfItWasCutShort() throws IOException {
        pair.onAccessError(fault -> true);
        read(0);
        post(0, 0, Status.OK, 1);
        pair.ring();
        bar.writes.clear();
        pair.poll(
                (token, status, dw0) -> {
                    throw new InternalError("of another's memory, told late");
                },
                LIMIT);
        assertEquals(0, poll());
        assertEquals(List.of(new FakeBar.Write(CQ_DOORBELL, 1)), bar.writes);
    }

    @Test
    void shouldRingAgainWhenAnAccessErrorIsSomebodyElses() throws IOException {
        int[] faults = {1};
        bar = new FakeBar() {
            @Override
            public void writeInt(long offset, int value) {
                if (faults[0]-- > 0) {
                    throw new InternalError("of another's memory, told late");
                }
                super.writeInt(offset, value);
            }
        };
        pair = newPair(false);
        pair.onAccessError(fault -> true);
        read(0);
        pair.ring();
        assertEquals(List.of(), bar.writes);
        pair.ring();
        pair.ring();
        assertEquals(List.of(new FakeBar.Write(SQ_DOORBELL, 1)), bar.writes);
    }

    private void pollOrFail() throws IOException {
        try {
            poll();
        } catch (InternalError late) {
            throw pair.memoryTaken(late);
        }
    }

    @Test
    void shouldSeeNothingWhenOldEntriesKeepTheirPhase() throws IOException {
        read(5);
        post(0, 0, Status.OK, 0);
        assertEquals(0, poll());
        assertNotEquals(0, pair.inFlight());
    }
}

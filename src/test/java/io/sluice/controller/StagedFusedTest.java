package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two fused commands, of which one has its data where the guest does not share it, or both. */
class StagedFusedTest extends IoQueuesFixture {
    private static final long HANG_NANOS = 60_000_000_000L;
    private static final long COMPARED = DATA_GPA;
    private static final long WRITTEN = DATA_GPA + 0x10_0000;
    private static final int FAILED = Status.ABORTED_FAILED_FUSED.dnr();
    private static final int TRANSFER_ERROR = Status.DATA_TRANSFER_ERROR.code();
    private static final int CANCELLED = Status.ABORTED_SQ_DELETION.code();
    private static final int BLOCKS_EACH = 16;
    private static final int BYTES = BLOCKS_EACH * 512;

    /** What the path had of each of the two when it got them. */
    private byte comparedByte;

    private byte writtenByte;
    private int ended;

    @BeforeEach
    void begin() {
        path.fused = true;
        path.sglAlignmentBytes = 1;
        guest.messages = new FakeMessages(guest);
        reopen();
        createPair(16, 16, 0);
        Memory.fill(guest.hva(COMPARED), BYTES, (byte) 0x11);
        Memory.fill(guest.hva(WRITTEN), BYTES, (byte) 0x22);
        path.onSubmitted = () -> {
            comparedByte = lastByte(path.submitted.get(path.submitted.size() - 2));
            writtenByte = lastByte(path.submitted.getLast());
        };
        warmUp();
    }

    /** Bounce pages are made by another thread. */
    private void warmUp() {
        makeRemote(DATA_GPA + 0x8_0000);
        long sqe = submit(NvmOpcode.WRITE, 0, 1, 0, 1);
        Sqe.setPrp1(sqe, DATA_GPA + 0x8_0000);
        path.status = IoPath.PENDING;
        Runnable look = path.onSubmitted;
        path.onSubmitted = () -> {};
        stepUntil(() -> path.submitted.size() == 1);
        path.held.remove().complete(Status.OK);
        path.submitted.clear();
        path.onSubmit = () -> {};
        path.onSubmitted = look;
        assertEnds(Status.OK);
    }

    @AfterEach
    void proveThatNothingIsLeft() {
        path.held.clear();
        stepUntil(() -> {
            path.cancelled.forEach(command -> {
                if (command.isPending()) {
                    command.complete(CANCELLED);
                }
            });
            return queues.reset();
        });
        assertEquals(0, guest.messages.underWay());
        assertFalse(queues.anyPending());
    }

    private static byte lastByte(IoCommand command) {
        int last = command.pieces().count() - 1;
        return Memory.getByte(command.pieces().address(last) + command.pieces().bytes(last) - 1);
    }

    private void makeRemote(long gpa) {
        guest.makePageRemote(gpa);
        guest.makePageRemote(gpa + PAGE);
        queues.memoryChanged(guest.epoch.current());
    }

    /** By their bits: 1 for the Compare, 2 for the Write. */
    private void makeRemote(int which) {
        if ((which & 1) != 0) {
            makeRemote(COMPARED);
        }
        if ((which & 2) != 0) {
            makeRemote(WRITTEN);
        }
    }

    private void submitPair(int cid) {
        part(NvmOpcode.COMPARE, cid, COMPARED, Sqe.FUSE_FIRST);
        part(NvmOpcode.WRITE, cid + 1, WRITTEN, Sqe.FUSE_SECOND);
    }

    private long part(int opcode, int cid, long gpa, int fuse) {
        long sqe = submit(opcode, cid, 1, 5, BLOCKS_EACH);
        Sqe.setFuse(sqe, fuse);
        Sqe.setPrp1(sqe, gpa);
        Sqe.setPrp2(sqe, gpa + PAGE);
        return sqe;
    }

    private void stepUntil(BooleanSupplier reached) {
        long start = System.nanoTime();
        while (!reached.getAsBoolean()) {
            assertTrue(System.nanoTime() - start < HANG_NANOS, "it does not come");
            step();
            LockSupport.parkNanos(1_000);
        }
    }

    private boolean hasEnded(int index) {
        return Cqe.phase(Cqe.tail(cqe(index))) != 0;
    }

    /** The next completions, in their order. */
    private void assertEnds(int... statuses) {
        for (int status : statuses) {
            int index = ended++;
            stepUntil(() -> hasEnded(index));
            assertEquals(
                    Status.describe(status),
                    Status.describe(Cqe.status(Cqe.tail(cqe(index))) & ~Status.MORE),
                    "completion " + index);
        }
        assertFalse(hasEnded(ended));
    }

    private void assertNothingHappens() {
        for (int i = 0; i < 5; i++) {
            assertEquals(0, step() - 1, "the fake path's own");
        }
        assertEquals(0, path.submitted.size());
        assertFalse(hasEnded(ended));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void shouldGiveBothToThePathWithTheirData(int which) {
        makeRemote(which);
        submitPair(1);
        stepUntil(() -> path.held.size() == 2);
        assertEquals(0x11, comparedByte);
        assertEquals(0x22, writtenByte);
        assertFalse(hasEnded(ended), "the path has them");
        path.held.remove().complete(Status.COMPARE_FAILURE.code());
        path.held.remove().complete(FAILED);
        assertEnds(Status.COMPARE_FAILURE.code(), FAILED);
    }

    @Test
    void shouldEndBothWithinTheCallOfThePath() {
        path.status = Status.OK;
        makeRemote(3);
        submitPair(1);
        submitPair(3);
        assertEnds(Status.OK, Status.OK, Status.OK, Status.OK);
        assertFalse(queues.anyPending());
        assertEquals(0, step());
    }

    @ParameterizedTest
    @ValueSource(longs = {COMPARED, WRITTEN})
    void shouldWaitForTheDataOfBoth(long late) {
        guest.messages.prompt = false;
        makeRemote(3);
        submitPair(1);
        step();
        guest.messages.answer(gpa -> gpa < late || gpa >= late + BYTES);
        assertNothingHappens();
        guest.messages.answer(gpa -> true);
        stepUntil(() -> path.held.size() == 2);
        assertEquals(0x11, comparedByte);
        assertEquals(0x22, writtenByte);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void shouldDoNothingWhenDataDoesNotCome(int refused) {
        makeRemote(3);
        guest.messages.refuses = gpa -> ((gpa >= WRITTEN ? 2 : 1) & refused) != 0;
        submitPair(1);
        assertEnds((refused & 1) != 0 ? TRANSFER_ERROR : FAILED, (refused & 2) != 0 ? TRANSFER_ERROR : FAILED);
        assertEquals(0, path.submitted.size());
        guest.messages.refuses = gpa -> false;
        path.status = Status.OK;
        submitPair(3);
        assertEnds(Status.OK, Status.OK);
    }

    @Test
    void shouldFetchTheListsOfBoth() {
        path.status = Status.OK;
        makeRemote(3);
        guest.makePageRemote(LIST_GPA);
        submitSgl(1);
        assertEnds(Status.OK, Status.OK);
        assertEquals(0x11, comparedByte);
        assertEquals(0x22, writtenByte);
    }

    /** Each has a list of two descriptors. */
    private void submitSgl(int cid) {
        long first = part(NvmOpcode.COMPARE, cid, COMPARED, Sqe.FUSE_FIRST);
        long second = part(NvmOpcode.WRITE, cid + 1, WRITTEN, Sqe.FUSE_SECOND);
        describe(first, LIST_GPA, COMPARED);
        describe(second, LIST_GPA + 32, WRITTEN);
    }

    private void describe(long sqe, long list, long gpa) {
        putDescriptor(list, gpa, PAGE);
        putDescriptor(list + 16, gpa + PAGE, PAGE);
        setSgl(sqe, list, 2);
    }

    private void putDescriptor(long at, long gpa, int bytes) {
        Memory.putLong(guest.hva(at), gpa);
        Memory.putLong(guest.hva(at) + 8, bytes);
    }

    private static void setSgl(long sqe, long list, int descriptors) {
        Memory.putInt(sqe, Memory.getInt(sqe) | 1 << 14);
        Sqe.setPrp1(sqe, list);
        Sqe.setPrp2(sqe, 16L * descriptors | 0x30L << 56);
    }

    /** Each has 400 pieces that go across the ends of pages, now here, now there: there is room for one of the two. */
    @Test
    void shouldEndBothWhenTheyNeedMorePagesThanThereAre() {
        makeRemote(3);
        int pieces = 400;
        int bytes = BYTES / pieces;
        for (int i = 0; i < pieces; i++) {
            int rest = i == pieces - 1 ? BYTES - bytes * (pieces - 1) : bytes;
            putDescriptor(LIST_GPA + 16L * i, (i % 2 == 0 ? COMPARED : WRITTEN) + PAGE - 8, rest);
        }
        setSgl(part(NvmOpcode.COMPARE, 1, 0, Sqe.FUSE_FIRST), LIST_GPA, pieces);
        setSgl(part(NvmOpcode.WRITE, 2, 0, Sqe.FUSE_SECOND), LIST_GPA, pieces);
        assertEnds(FAILED, TRANSFER_ERROR);
        submitPair(3);
        path.status = Status.OK;
        assertEnds(Status.OK, Status.OK);
    }

    @Test
    void shouldDoNothingWhenAListDoesNotCome() {
        makeRemote(3);
        guest.makePageRemote(LIST_GPA);
        guest.messages.refuses = gpa -> gpa == LIST_GPA + 32;
        submitSgl(1);
        assertEnds(FAILED, TRANSFER_ERROR);
        assertEquals(0, path.submitted.size());
    }

    /** Whose list is still on its way when that of the other turns out to be nonsense. */
    @Test
    void shouldDoNothingWhenOneOfTheTwoIsRefusedAtLast() {
        guest.messages.prompt = false;
        makeRemote(3);
        guest.makePageRemote(LIST_GPA);
        submitSgl(1);
        Memory.putLong(guest.hva(LIST_GPA) + 8, PAGE | 0x70L << 56);
        step();
        guest.messages.answer(gpa -> gpa == LIST_GPA);
        assertNothingHappens();
        guest.messages.answer(gpa -> true);
        assertEnds(Status.SGL_DESCRIPTOR_TYPE_INVALID.dnr(), FAILED);
    }

    @Test
    void shouldSayWhatIsWrongWithTheOtherOne() {
        makeRemote(3);
        Sqe.setSlba(part(NvmOpcode.COMPARE, 1, COMPARED, Sqe.FUSE_FIRST), BLOCKS);
        part(NvmOpcode.WRITE, 2, WRITTEN, Sqe.FUSE_SECOND);
        part(NvmOpcode.COMPARE, 3, COMPARED, Sqe.FUSE_FIRST);
        Sqe.setSlba(part(NvmOpcode.WRITE, 4, WRITTEN, Sqe.FUSE_SECOND), BLOCKS);
        assertEnds(Status.LBA_OUT_OF_RANGE.dnr(), FAILED, FAILED, Status.LBA_OUT_OF_RANGE.dnr());
        part(NvmOpcode.COMPARE, 5, COMPARED, Sqe.FUSE_FIRST);
        Sqe.setSlba(part(NvmOpcode.WRITE, 6, WRITTEN, Sqe.FUSE_SECOND), 6);
        part(NvmOpcode.READ, 7, COMPARED, Sqe.FUSE_FIRST);
        part(NvmOpcode.WRITE, 8, WRITTEN, Sqe.FUSE_SECOND);
        int invalid = Status.INVALID_FIELD.dnr();
        assertEnds(invalid, invalid, invalid, invalid);
        assertEquals(0, guest.messages.underWay());
    }

    @Test
    void shouldWaitForAPathThatIsBusy() {
        path.busy = true;
        makeRemote(3);
        submitPair(1);
        assertNothingHappens();
        long asked = guest.messages.made();
        path.busy = false;
        path.status = Status.OK;
        assertEnds(Status.OK, Status.OK);
        assertEquals(asked, guest.messages.made(), "what has come stays");
    }

    @Test
    void shouldLookAtBothAnewWhenMemoryHasChanged() {
        guest.messages.prompt = false;
        makeRemote(2);
        submitPair(1);
        step();
        assertTrue(guest.messages.isAsked(WRITTEN, BYTES));
        guest.unmapPage(COMPARED);
        queues.memoryChanged(guest.epoch.current());
        assertFalse(queues.anyPendingBefore(guest.epoch.current()));
        assertEquals(0, guest.messages.underWay());
        assertEnds(TRANSFER_ERROR, FAILED);
    }

    @Test
    void shouldAskAgainForDataThatHasMoved() {
        guest.messages.prompt = false;
        makeRemote(3);
        submitPair(1);
        step();
        guest.mapPage(WRITTEN + PAGE, WRITTEN + 2 * PAGE, 3);
        Memory.putByte(guest.hva(WRITTEN + 3 * PAGE - 1), (byte) 0x33);
        queues.memoryChanged(guest.epoch.current());
        assertEquals(0, guest.messages.underWay());
        step();
        guest.messages.answer(gpa -> true);
        stepUntil(() -> path.held.size() == 2);
        assertEquals(0x33, writtenByte);
        assertTrue(queues.anyPendingBefore(guest.epoch.current() + 1), "a part is shared");
    }

    @Test
    void shouldEndBothWhenTheirQueueIsDeleted() {
        guest.messages.prompt = false;
        makeRemote(3);
        submitPair(1);
        step();
        assertTrue(queues.deleteSubmissionQueue(1));
        assertEnds(CANCELLED, CANCELLED);
        assertEquals(0, guest.messages.underWay());
    }

    @Test
    void shouldEndBothOnceWhenTheControllerIsReset() {
        guest.messages.prompt = false;
        makeRemote(3);
        submitPair(1);
        step();
        assertTrue(queues.reset());
        assertEquals(0, guest.messages.underWay());
        assertFalse(hasEnded(ended));
    }

    /** The path is asked to end what it has. */
    @Test
    void shouldLeaveToThePathWhatItHasWhenTheControllerIsReset() {
        makeRemote(3);
        submitPair(1);
        stepUntil(() -> path.held.size() == 2);
        assertFalse(queues.reset());
        assertEquals(2, path.cancelled.size());
        path.held.remove().complete(CANCELLED);
        path.held.remove().complete(CANCELLED);
        assertTrue(queues.reset());
    }

    /** Some of the blocks may have been written. */
    @Test
    void shouldEndBothWhenAFaultComesUpInThePath() {
        guest.messages.prompt = false;
        makeRemote(3);
        submitPair(1);
        step();
        guest.messages.answer(gpa -> true);
        path.onSubmit = () -> {
            throw new InternalError("a fault, made for this test");
        };
        assertThrows(InternalError.class, () -> stepUntil(() -> false));
        path.onSubmit = () -> {};
        assertEnds(Status.INTERNAL_ERROR.code(), Status.INTERNAL_ERROR.code());
        assertFalse(queues.anyPending());
    }

    @Test
    void shouldLeaveToThePathWhatItHasWhenAFaultComesUp() {
        makeRemote(3);
        path.onSubmitted = () -> {
            throw new IllegalStateException("a bug, made for this test");
        };
        submitPair(1);
        assertThrows(IllegalStateException.class, () -> stepUntil(() -> false));
        assertEquals(2, path.held.size());
        path.held.remove().complete(Status.OK);
        path.held.remove().complete(Status.OK);
        assertEnds(Status.OK, Status.OK);
    }
}

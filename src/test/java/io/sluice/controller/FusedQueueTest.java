package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.nvme.Cqe;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Two fused commands, where there is not enough room for both, or the path cannot take them, or fails. */
class FusedQueueTest extends IoQueuesFixture {
    private static final int MISSING = Status.ABORTED_MISSING_FUSED.dnr();

    private void begin(int sqEntries, int cqEntries) {
        path.fused = true;
        reopen();
        createPair(sqEntries, cqEntries, 0);
    }

    private void submitPair(int cid) {
        Sqe.setFuse(submit(NvmOpcode.COMPARE, cid, 1, 5, 1), Sqe.FUSE_FIRST);
        Sqe.setFuse(submit(NvmOpcode.WRITE, cid + 1, 1, 5, 1), Sqe.FUSE_SECOND);
    }

    private List<Integer> posted(int count) {
        List<Integer> cids = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            cids.add(Cqe.cid(Cqe.tail(cqe((cqHead + i) % cqEntries))));
        }
        return cids;
    }

    private int status(int index) {
        return Cqe.status(Cqe.tail(cqe(index))) & ~Status.MORE;
    }

    @Test
    void shouldRefuseFusedCommandsWhereThePathDoesNotOfferThem() {
        createPair(8, 8, 0);
        long sqe = submit(NvmOpcode.READ, 1, 1, 5, 1);
        Sqe.setFuse(sqe, Sqe.FUSE_FIRST);
        assertStatus(Status.INVALID_FIELD.dnr(), sqe);
        sqe = submit(NvmOpcode.WRITE, 2, 1, 5, 1);
        Sqe.setFuse(sqe, Sqe.FUSE_SECOND);
        assertStatus(Status.INVALID_FIELD.dnr(), sqe);
    }

    @Test
    void shouldWaitWithBothUntilThereIsRoomForBothCompletions() {
        begin(8, 3);
        submit(NvmOpcode.READ, 1, 1, 5, 1);
        submitPair(2);
        assertEquals(1, step(), "the read alone: there is room for one more completion, and two are needed");
        assertEquals(0, step());
        consume(1, cqEntries);
        assertEquals(1, step());
        assertEquals(List.of(2, 3), posted(2));
        consume(2, cqEntries);
        assertEquals(0, step());
        assertEquals(3, path.submitted.size());
    }

    @Test
    void shouldWaitWithBothUntilThereAreSlotsForBoth() {
        begin(16, 16);
        path.status = IoPath.PENDING;
        submit(NvmOpcode.READ, 1, 1, 5, 1);
        submit(NvmOpcode.READ, 2, 1, 5, 1);
        submitPair(3);
        step();
        assertEquals(2, path.submitted.size(), "of three slots, two are in use");
        path.held.remove().complete(Status.OK);
        step();
        assertEquals(4, path.submitted.size());
        while (!path.held.isEmpty()) {
            path.held.remove().complete(Status.OK);
        }
        assertFalse(queues.anyPending());
        assertEquals(List.of(1, 2, 3, 4), posted(4));
    }

    /** A queue of three entries holds two commands: no more than they are ever pending. */
    @Test
    void shouldTakeAPairInAQueueThatHoldsJustThat() {
        begin(3, 8);
        for (int i = 0; i < 5; i++) {
            submitPair(2 * i);
            assertEquals(1, step());
            assertEquals(List.of(2 * i, 2 * i + 1), posted(2));
            consume(2, cqEntries);
        }
    }

    @Test
    void shouldPutBothBackWhenThePathIsBusy() {
        begin(8, 8);
        path.busy = true;
        submitPair(1);
        for (int i = 0; i < 5; i++) {
            assertEquals(0, step());
            assertFalse(queues.anyPending());
            assertTrue(queues.hasWork());
        }
        path.busy = false;
        assertEquals(1, step());
        assertEquals(List.of(1, 2), posted(2));
        assertEquals(0, step());
    }

    @Test
    void shouldEndBothWhenAFaultComesUpAndGoOn() {
        begin(8, 8);
        path.onSubmit = () -> {
            throw new InternalError("a fault, made for this test");
        };
        submitPair(1);
        submit(NvmOpcode.READ, 3, 1, 5, 1);
        assertThrows(InternalError.class, this::step);
        path.onSubmit = () -> {};
        step();

        assertEquals(List.of(1, 2, 3), posted(3));
        assertEquals(Status.INTERNAL_ERROR.code(), status(0));
        assertEquals(Status.INTERNAL_ERROR.code(), status(1));
        assertEquals(Status.OK, status(2));
        assertFalse(queues.anyPending());
    }

    @Test
    void shouldLeaveToThePathWhatItHasWhenAFaultComesUp() {
        begin(8, 8);
        path.status = IoPath.PENDING;
        path.onSubmitted = () -> {
            throw new IllegalStateException("a bug, made for this test");
        };
        submitPair(1);
        assertThrows(IllegalStateException.class, this::step);
        assertEquals(2, path.held.size());
        path.held.remove().complete(Status.OK);
        path.held.remove().complete(Status.OK);
        assertFalse(queues.anyPending());
        assertEquals(List.of(1, 2), posted(2));
    }

    @Test
    void shouldEndAFirstCommandInAQueueThatNeverHoldsTwo() {
        begin(2, 8);
        long sqe = submit(NvmOpcode.COMPARE, 1, 1, 5, 1);
        Sqe.setFuse(sqe, Sqe.FUSE_FIRST);
        assertStatus(MISSING, sqe);
    }

    @Test
    void shouldEndBothOnceWhenTheControllerIsReset() {
        begin(8, 8);
        path.status = IoPath.PENDING;
        submitPair(1);
        step();
        assertFalse(queues.reset());
        path.held.remove().complete(Status.OK);
        path.held.remove().complete(Status.OK);
        assertTrue(queues.reset());
    }
}

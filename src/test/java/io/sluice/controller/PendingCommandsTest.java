package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Translator;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Commands that the path has: when they are taken, how they end, and what a deletion, a reset or a fault makes of them. */
class PendingCommandsTest extends IoQueuesFixture {
    @Test
    void shouldPostTheCompletionOfAPendingCommandWhenItEnds() {
        createPair(8, 8, 1);
        path.status = IoPath.PENDING;
        submit(NvmOpcode.WRITE, 5, 1, 0, 1);
        submit(NvmOpcode.WRITE, 6, 1, 1, 1);
        step();
        assertEquals(0, Cqe.phase(Cqe.tail(cqe(0))));
        IoCommand first = path.held.poll();
        IoCommand second = path.held.poll();

        path.onPoll = () -> second.complete(Status.WRITE_FAULT.code());
        step();

        assertEquals(6, Cqe.cid(Cqe.tail(cqe(0))));
        assertEquals(Status.WRITE_FAULT.code(), Cqe.status(Cqe.tail(cqe(0))));
        assertEquals(List.of(1), raised);
        assertThrows(IllegalStateException.class, () -> second.complete(Status.OK), "each command ends once");
        first.complete(Status.OK);
        assertEquals(5, Cqe.cid(Cqe.tail(cqe(1))));
    }

    @Test
    void shouldKeepEachCommandInItsOwnSlotWhenOthersEndDuringASubmission() {
        createPair(8, 8, 0);
        path.status = IoPath.PENDING;
        submit(NvmOpcode.WRITE, 5, 1, 0, 1);
        submit(NvmOpcode.WRITE, 6, 1, 1, 1);
        step();
        path.onSubmit = () -> {
            path.onSubmit = () -> {};
            path.held.poll().complete(Status.OK);
            path.held.poll().complete(Status.WRITE_FAULT.code());
        };
        submit(NvmOpcode.WRITE, 7, 1, 2, 1);
        submit(NvmOpcode.WRITE, 8, 1, 3, 1);
        submit(NvmOpcode.WRITE, 9, 1, 4, 1);
        step();

        assertEquals(5, Cqe.cid(Cqe.tail(cqe(0))));
        assertEquals(6, Cqe.cid(Cqe.tail(cqe(1))));
        assertEquals(FakePath.MAX_PENDING, path.held.size());
        for (int i = 0; i < FakePath.MAX_PENDING; i++) {
            IoCommand command = path.held.poll();
            assertEquals(2 + i, command.slba());
            command.complete(Status.OK);
            assertEquals(7 + i, Cqe.cid(Cqe.tail(cqe(2 + i))));
        }
        assertTrue(queues.reset(), "nothing is pending");
    }

    @Test
    void shouldLoseNoSlotWhenASubmissionEndsOthersAndIsDoneAtOnceOrFails() {
        createPair(64, 64, 0);
        for (int i = 0; i < 10; i++) {
            path.status = IoPath.PENDING;
            submit(NvmOpcode.FLUSH, 1, 1, 0, 1);
            step();
            path.status = Status.OK;
            boolean fails = i % 2 == 1;
            path.onSubmit = () -> {
                path.held.poll().complete(Status.OK);
                if (fails) {
                    throw new IllegalStateException("a path's bug");
                }
            };
            submit(NvmOpcode.FLUSH, 2, 1, 0, 1);
            if (fails) {
                assertThrows(IllegalStateException.class, this::step);
            } else {
                step();
            }
            path.onSubmit = () -> {};
            assertEquals(fails ? 1 : 0, step(), "what has failed comes again");
        }

        path.status = IoPath.PENDING;
        for (int i = 0; i < 4; i++) {
            submit(NvmOpcode.FLUSH, 3, 1, 0, 1);
        }
        step();
        assertEquals(FakePath.MAX_PENDING, path.held.size());
        assertEquals(FakePath.MAX_PENDING, path.held.stream().distinct().count());
    }

    @Test
    void shouldHaveACommandPendingBeforeThePathHasIt() {
        createPair(64, 64, 0);
        path.status = IoPath.PENDING;
        path.onSubmitted = () -> {
            throw new InternalError("told late, when the path has it already");
        };
        submit(NvmOpcode.FLUSH, 1, 1, 0, 1);
        assertThrows(InternalError.class, this::step);

        path.onSubmitted = () -> {};
        assertTrue(queues.anyPending(), "or its memory would be let go of under it");
        submit(NvmOpcode.FLUSH, 2, 1, 0, 1);
        assertEquals(1, queues.doWork() - 1, "only the new one is taken");
        assertEquals(2, path.held.stream().distinct().count(), "and not in the slot of the first");
        path.held.poll().complete(Status.OK);
        assertEquals(1, Cqe.cid(Cqe.tail(cqe(0))));
    }

    @Test
    void shouldTakeACommandAgainThatAFaultHasCutShort() {
        createPair(64, 64, 0);
        path.onSubmit = () -> {
            throw new InternalError("another guest's, told late");
        };
        submit(NvmOpcode.FLUSH, 7, 1, 0, 1);
        assertThrows(InternalError.class, this::step);
        assertFalse(queues.anyPending());

        path.onSubmit = () -> {};
        step();
        assertEquals(7, Cqe.cid(Cqe.tail(cqe(0))));
        assertEquals(Status.OK, Cqe.status(Cqe.tail(cqe(0))));
    }

    @Test
    void shouldEndACommandThatMeetsAFaultAgain() {
        createPair(64, 64, 0);
        path.onSubmit = () -> {
            throw new InternalError("its own memory is gone");
        };
        submit(NvmOpcode.WRITE, 7, 1, 0, 1);
        assertThrows(InternalError.class, this::step);
        assertThrows(InternalError.class, this::step);
        assertEquals(7, Cqe.cid(Cqe.tail(cqe(0))));
        assertEquals(Status.DATA_TRANSFER_ERROR.code(), Cqe.status(Cqe.tail(cqe(0))));

        path.onSubmit = () -> {};
        raised.clear();
        submit(NvmOpcode.WRITE, 8, 1, 0, 1);
        step();
        assertEquals(8, Cqe.cid(Cqe.tail(cqe(1))), "the queue goes on");
        assertEquals(List.of(0), raised);
    }

    @Test
    void shouldRaiseTheInterruptOfACycleThatWasCutShort() {
        createPair(64, 64, 0);
        submit(NvmOpcode.FLUSH, 1, 1, 0, 1);
        submit(NvmOpcode.FLUSH, 2, 1, 0, 1);
        path.onSubmit = () -> {
            if (path.submitted.size() == 1) {
                throw new InternalError("another guest's, told late");
            }
        };
        assertThrows(InternalError.class, this::step);
        assertEquals(1, Cqe.cid(Cqe.tail(cqe(0))));
        assertEquals(List.of(), raised);

        path.status = IoPath.BUSY; // so that there is no work that would raise it anyway
        path.onSubmit = () -> {};
        step();
        assertEquals(List.of(0), raised);
    }

    @Test
    void shouldTakeNoMoreThanAGuestCanHaveOutstandingInAQueue() {
        createPair(2, 64, 0);
        path.status = IoPath.PENDING;
        submit(NvmOpcode.FLUSH, 1, 1, 0, 1);
        step();
        submit(
                NvmOpcode.FLUSH,
                2,
                1,
                0,
                1); // which overwrites nothing, but no guest may do it before the first has ended
        step();
        assertEquals(1, path.held.size());

        path.held.poll().complete(Status.OK);
        step();
        assertEquals(1, path.held.size());
    }

    @Test
    void shouldNeverHaveMorePendingThanThePathAllows() {
        createPair(32, 32, 0);
        path.status = IoPath.PENDING;
        for (int i = 0; i < 20; i++) {
            submit(NvmOpcode.FLUSH, i, 1, 0, 1);
        }

        step();
        assertEquals(FakePath.MAX_PENDING, path.held.size());
        path.held.poll().complete(Status.OK);
        step();

        assertEquals(FakePath.MAX_PENDING, path.held.size());
        assertEquals(FakePath.MAX_PENDING + 1, path.submitted.size());
    }

    @Test
    void shouldEndThePendingCommandsOfADeletedQueueBeforeItIsGone() {
        createPair(8, 8, 0);
        path.status = IoPath.PENDING;
        submit(NvmOpcode.FLUSH, 9, 1, 0, 1);
        step();

        assertFalse(queues.deleteSubmissionQueue(1));
        assertEquals(1, path.cancelled.size());
        submit(NvmOpcode.FLUSH, 10, 1, 0, 1);
        step();
        assertEquals(1, path.submitted.size(), "a queue that is being deleted takes nothing");
        path.cancelled.get(0).complete(Status.ABORTED_SQ_DELETION.code());

        assertTrue(queues.deleteSubmissionQueue(1));
        assertFalse(queues.hasSubmissionQueue(1));
        assertEquals(9, Cqe.cid(Cqe.tail(cqe(0))));
        assertFalse(queues.isCompletionQueueUsed(1));
    }

    @Test
    void shouldPostNothingMoreWhenReset() {
        createPair(8, 8, 0);
        path.status = IoPath.PENDING;
        submit(NvmOpcode.FLUSH, 9, 1, 0, 1);
        step();

        assertFalse(queues.reset());
        path.cancelled.get(0).complete(Status.ABORTED_SQ_DELETION.code());

        assertTrue(queues.reset());
        assertEquals(0, Cqe.tail(cqe(0)));
        assertTrue(queues.isEmpty());
    }

    @Test
    void shouldKeepAnEpochOpenWhileACommandOfBeforeIsPending() {
        createPair(8, 8, 0);
        path.status = IoPath.PENDING;
        submit(NvmOpcode.READ, 9, 1, 0, 1);
        step();
        long next = guest.epoch.advance();
        queues.memoryChanged(next);

        assertTrue(queues.anyPendingBefore(next));
        path.held.poll().complete(Status.OK);

        assertFalse(queues.anyPendingBefore(next));
    }

    @Test
    void shouldKeepNoEpochOpenForACommandWhoseDataIsNotInGuestMemory() {
        createPair(8, 8, 0);
        path.status = IoPath.PENDING;
        submit(NvmOpcode.FLUSH, 1, 1, 0, 1);
        submit(NvmOpcode.WRITE_ZEROES, 2, 1, 0, 1);
        submitDsm(Sqe.DSM_DEALLOCATE, new long[][] {{0, 1}});
        step();
        assertEquals(3, path.held.size());
        long next = guest.epoch.advance();
        queues.memoryChanged(next);

        assertFalse(queues.anyPendingBefore(next));
        assertTrue(queues.anyPending());
        assertFalse(queues.reset(), "they are in flight all the same");
    }

    @Test
    void shouldPostThroughTheMemoryOfNowWhenACompletionQueueMovesUnderAPendingCommand() {
        createPair(8, 8, 0);
        path.status = IoPath.PENDING;
        submit(NvmOpcode.WRITE_ZEROES, 2, 1, 0, 1);
        step();
        long elsewhere = 0x30_0000;
        guest.mapPage(CQ_GPA, elsewhere, Translator.READ | Translator.WRITE);
        queues.memoryChanged(guest.epoch.current());
        assertFalse(queues.anyPendingBefore(guest.epoch.current()));

        path.held.poll().complete(Status.OK);

        assertEquals(0, Cqe.tail(cqe(0)), "the memory of before");
        assertEquals(2, Cqe.cid(Cqe.tail(guest.hva(elsewhere))));
    }

    @Test
    void shouldDropAndCancelAllWhenAPathFailsAtCancellingOne() {
        createPair(8, 8, 0);
        path.status = IoPath.PENDING;
        for (int i = 1; i <= 3; i++) {
            submit(NvmOpcode.FLUSH, i, 1, 0, 1);
        }
        step();
        List<IoCommand> held = List.copyOf(path.held);
        path.uncancellable = held.get(0);

        assertThrows(IllegalStateException.class, queues::reset);

        assertEquals(2, path.cancelled.size(), "the others are asked all the same");
        assertThrows(IllegalStateException.class, queues::reset, "and all again");
        assertEquals(4, path.cancelled.size());
        held.forEach(command -> command.complete(Status.OK));
        assertTrue(queues.reset());
        assertEquals(0, Cqe.tail(cqe(0)), "nothing is posted after a reset");
    }

    @Test
    void shouldAskAgainToCancelWhenADeletionFailed() {
        createPair(8, 8, 0);
        path.status = IoPath.PENDING;
        submit(NvmOpcode.FLUSH, 1, 1, 0, 1);
        step();
        path.uncancellable = path.held.peek();
        assertThrows(IllegalStateException.class, () -> queues.deleteSubmissionQueue(1));
        path.uncancellable = null;

        assertFalse(queues.deleteSubmissionQueue(1));
        assertEquals(1, path.cancelled.size());
    }
}

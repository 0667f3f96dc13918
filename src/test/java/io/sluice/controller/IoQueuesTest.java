package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.Cqe;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Commands, completions, doorbells and the queues' own memory. */
class IoQueuesTest extends IoQueuesFixture {
    // ---- commands and completions

    @Test
    void shouldCompleteACommandWithItsIdentifiersAndTheFirstPhase() {
        createPair(8, 8, 3);
        submit(NvmOpcode.READ, 0x1234, 1, 7, 1);

        assertEquals(1, step());

        long tail = Cqe.tail(cqe(0));
        assertEquals(0x1234, Cqe.cid(tail));
        assertEquals(1, Cqe.sqid(tail));
        assertEquals(1, Cqe.sqHead(tail));
        assertEquals(1, Cqe.phase(tail));
        assertEquals(Status.OK, Cqe.status(tail));
        assertEquals(List.of(3), raised);
    }

    @Test
    void shouldFlipThePhaseEachTimeTheQueueWraps() {
        createPair(4, 4, VirtualCompletionQueue.NO_VECTOR);
        for (int i = 0; i < 23; i++) {
            submit(NvmOpcode.FLUSH, i, 1, 0, 1);
            step();

            long tail = Cqe.tail(cqe(i % 4));
            assertEquals(i, Cqe.cid(tail));
            assertEquals((i / 4 + 1) % 2, Cqe.phase(tail), "completion " + i);
            assertEquals((i + 1) % 4, Cqe.sqHead(tail));
            consume(1, 4);
        }
        assertEquals(List.of(), raised, "the queue is polled by the guest");
    }

    @Test
    void shouldConsumeNothingWhenThereIsNoRoomForItsCompletion() {
        createPair(16, 3, 0);
        for (int i = 0; i < 10; i++) {
            submit(NvmOpcode.FLUSH, i, 1, 0, 1);
        }

        assertEquals(2, step());
        assertEquals(0, step());
        consume(1, 3);
        assertEquals(1, step());
        assertEquals(0, step());
        consume(2, 3);
        assertEquals(2, step());

        assertEquals(5, path.submitted.size());
    }

    @Test
    void shouldRaiseOneInterruptForABatch() {
        createPair(64, 64, 2);
        for (int i = 0; i < 20; i++) {
            submit(NvmOpcode.FLUSH, i, 1, 0, 1);
        }

        assertEquals(20, step());

        assertEquals(List.of(2), raised);
    }

    @Test
    void shouldServeEachQueueABatchAtATimeWhenAllAreFull() {
        createPair(128, 128, 0);
        assertTrue(queues.createSubmissionQueue(2, 128, SQ2_GPA, 1));
        for (int i = 0; i < 100; i++) {
            submit(NvmOpcode.FLUSH, i, 1, 0, 1);
        }
        Sqe.clear(guest.hva(SQ2_GPA));
        Sqe.setCommand(guest.hva(SQ2_GPA), NvmOpcode.FLUSH, 777);
        Sqe.setNsid(guest.hva(SQ2_GPA), 1);
        ring(Doorbells.sqTailDoorbell(2), 1);

        assertEquals(IoQueues.BATCH + 1, step());

        long tail = Cqe.tail(cqe(IoQueues.BATCH));
        assertEquals(2, Cqe.sqid(tail));
        assertEquals(777, Cqe.cid(tail));
        assertEquals(1, Cqe.sqHead(tail));
    }

    @Test
    void shouldReadAnEntryOnceAndDecideOnTheCopy() {
        createPair(8, 8, 0);
        long sqe = submit(NvmOpcode.READ, 1, 1, 10, 4);
        path.onSubmit = () -> Sqe.setSlba(sqe, BLOCKS * 2);

        step();

        assertEquals(10, path.submitted.get(0).slba());
        assertEquals(4, path.submitted.get(0).blockCount());
        assertEquals(4 * 512, path.submitted.get(0).byteCount());
    }

    // ---- pending commands

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

    // ---- doorbells

    @Test
    void shouldTellOfABadValueAgainWhenAGoodOneWasBetween() {
        createPair(8, 8, 0);
        for (int doorbell : new int[] {Doorbells.sqTailDoorbell(1), Doorbells.cqHeadDoorbell(1)}) {
            told.clear();
            for (int value : new int[] {999, 0, 999, -1, 0}) {
                ring(doorbell, value);
                idleStep();
                idleStep();
            }
            String queue = Doorbells.isCqHead(doorbell) ? "CQ 1: " : "SQ 1: ";
            assertEquals(
                    List.of("doorbell of " + queue + 999, "doorbell of " + queue + 999, "doorbell of " + queue + -1),
                    told);
        }
    }

    @Test
    void shouldTellOfEachBadValueThatComesByMessage() {
        createPair(8, 8, 0);
        ring(Doorbells.cqHeadDoorbell(1), 998);
        queues.doorbellWritten(1, true);
        queues.doorbellWritten(1, true);
        ring(Doorbells.sqTailDoorbell(1), 997);
        queues.doorbellWritten(1, false);
        step();

        assertEquals(List.of("doorbell of CQ 1: 998", "doorbell of CQ 1: 998", "doorbell of SQ 1: 997"), told);
    }

    @Test
    void shouldSeeABadHeadOfEachOfManyQueuesThoughNoneIsFull() {
        for (int qid = 1; qid <= 4; qid++) {
            assertTrue(queues.createCompletionQueue(qid, 8, CQ_GPA + (long) qid * PAGE, 0));
            ring(Doorbells.cqHeadDoorbell(qid), 7);
        }
        for (int i = 0; i < 4; i++) {
            idleStep();
        }
        assertEquals(4, told.size(), told.toString());
    }

    @Test
    void shouldGiveARefusedHeadNoEffectWhenTheTailComesToPassIt() {
        createPair(8, 3, 0);
        ring(Doorbells.cqHeadDoorbell(1), 2);
        idleStep();
        assertEquals(List.of("doorbell of CQ 1: 2"), told);
        for (int i = 0; i < 3; i++) {
            submit(NvmOpcode.FLUSH, i, 1, 0, 1);
            step();
        }
        assertEquals(2, path.submitted.size(), "the queue is full: nothing has been consumed");
        ring(Doorbells.cqHeadDoorbell(1), 1);
        step();

        assertEquals(3, path.submitted.size());
    }

    @Test
    void shouldIgnoreATailOutOfRangeAndTellOfItOnce() {
        createPair(8, 8, 0);
        ring(Doorbells.sqTailDoorbell(1), 8);
        step();
        step();
        assertEquals(List.of("doorbell of SQ 1: 8"), told);
        ring(Doorbells.sqTailDoorbell(1), 0xffff);
        step();

        assertEquals(List.of("doorbell of SQ 1: 8", "doorbell of SQ 1: 65535"), told);
        assertEquals(List.of(), path.submitted);
    }

    @Test
    void shouldIgnoreAHeadThatPassesTheTail() {
        createPair(8, 2, 0);
        submit(NvmOpcode.FLUSH, 1, 1, 0, 1);
        submit(NvmOpcode.FLUSH, 2, 1, 0, 1);
        step();
        ring(Doorbells.cqHeadDoorbell(1), 2);
        step();
        assertEquals(List.of("doorbell of CQ 1: 2"), told);
        assertEquals(1, path.submitted.size());
        ring(Doorbells.cqHeadDoorbell(1), 1);
        step();

        assertEquals(2, path.submitted.size());
    }

    @Test
    void shouldZeroADoorbellThatWasWrittenBeforeItsQueueWasCreated() {
        ring(Doorbells.sqTailDoorbell(1), 5);
        ring(Doorbells.cqHeadDoorbell(1), 3);
        createPair(8, 8, 0);

        assertEquals(0, step());
        assertEquals(List.of(), told);
    }

    /** What a cycle without work does. */
    private void idleStep() {
        assertEquals(0, step());
        queues.checkAHead();
    }

    // ---- the queues' own memory

    @Test
    void shouldFollowAQueueWhosePageIsMappedElsewhere() {
        createPair(8, 8, 0);
        submit(NvmOpcode.FLUSH, 1, 1, 0, 1);
        step();
        long elsewhere = 0x30_0000;
        Memory.copy(guest.hva(SQ_GPA), guest.hva(elsewhere), PAGE);
        guest.mapPage(SQ_GPA, elsewhere, Translator.READ | Translator.WRITE);
        queues.memoryChanged(guest.epoch.current());
        long sqe = guest.hva(elsewhere) + Sqe.BYTES;
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, NvmOpcode.FLUSH, 99);
        Sqe.setNsid(sqe, 1);
        ring(Doorbells.sqTailDoorbell(1), 2);

        step();

        assertEquals(99, Cqe.cid(Cqe.tail(cqe(1))));
    }

    @Test
    void shouldTakeNothingWhileAQueueIsOutOfReachAndGoOnAfterwards() {
        createPair(8, 8, 0);
        guest.unmapPage(CQ_GPA);
        queues.memoryChanged(guest.epoch.current());
        submit(NvmOpcode.FLUSH, 1, 1, 0, 1);

        assertEquals(0, step());
        assertEquals(List.of("memory of CQ 1: -1"), told);
        guest.mapPage(CQ_GPA, CQ_GPA, Translator.READ | Translator.WRITE);
        queues.memoryChanged(guest.epoch.current());
        assertEquals(1, step());

        assertEquals(1, Cqe.cid(Cqe.tail(cqe(0))));
    }

    @Test
    void shouldTellWhenACompletionCannotBePosted() {
        createPair(8, 8, 0);
        path.status = IoPath.PENDING;
        submit(NvmOpcode.FLUSH, 4, 1, 0, 1);
        step();
        guest.unmapPage(CQ_GPA);
        queues.memoryChanged(guest.epoch.current());

        path.held.poll().complete(Status.OK);

        assertEquals(List.of("completion lost: CQ 1, SQ 1, command 4"), told);
    }

    @Test
    void shouldNotMakeAQueueWhoseMemoryIsNotThere() {
        guest.mapPage(CQ_GPA, CQ_GPA, Translator.READ);

        assertFalse(queues.createCompletionQueue(1, 8, CQ_GPA, 0), "read-only memory");
        assertFalse(queues.createCompletionQueue(1, 4096, (4 << 20) - PAGE, 0), "passes the end of memory");
        assertFalse(queues.hasCompletionQueue(1));
    }

    // ---- INTx

    @Test
    void shouldAssertIntxWhileCompletionsAreUnconsumedAndUnmasked() {
        createPair(8, 8, 0);
        assertFalse(queues.assertsIntx(0));
        submit(NvmOpcode.FLUSH, 1, 1, 0, 1);
        step();

        assertTrue(queues.assertsIntx(0));
        assertFalse(queues.assertsIntx(1));
        consume(1, 8);
        assertFalse(queues.assertsIntx(0));
    }
}

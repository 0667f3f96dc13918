package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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

/** Commands that are done at once, completions, doorbells and the queues' own memory; {@link PendingCommandsTest} has the others. */
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

package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.nvme.Cqe;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.NvmOpcode;
import io.sluice.nvme.Sqe;
import io.sluice.nvme.Status;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Queues are deleted whose completions go by messages: nothing may come of a queue that the guest has been told is gone. */
class MirroredDeletionTest extends IoQueuesFixture {
    private static final int ENTRIES = 8;

    @BeforeEach
    void begin() {
        guest.messages = new FakeMessages(guest);
        guest.makePageRemote(CQ_GPA);
        reopen();
        createPair(ENTRIES, ENTRIES, 0);
        guest.messages.prompt = false;
    }

    @Test
    void shouldNotSayThatAQueueIsDeletedBeforeTheGuestSeesHowItsCommandsHaveEnded() {
        submit(NvmOpcode.FLUSH, 1, 1, 0, 1);
        step();
        step();
        assertFalse(queues.deleteSubmissionQueue(1), "its completion is on its way");
        guest.messages.answer(gpa -> true);
        step();
        assertEquals(Status.OK, Cqe.status(Cqe.tail(cqe(0))));
        assertEquals(1, Cqe.phase(Cqe.tail(cqe(0))), "a completion");
        assertTrue(queues.deleteSubmissionQueue(1));
    }

    /** Others that share the completion queue go on: their completions are not waited for. */
    @Test
    void shouldDeleteAQueueWhileAnotherOneGoesOn() {
        assertTrue(queues.createSubmissionQueue(2, ENTRIES, SQ2_GPA, 1));
        submit(NvmOpcode.FLUSH, 1, 1, 0, 1);
        step();
        step();
        assertFalse(queues.deleteSubmissionQueue(1), "its completion is on its way");
        long sqe = guest.hva(SQ2_GPA);
        Sqe.clear(sqe);
        Sqe.setCommand(sqe, NvmOpcode.FLUSH, 2);
        Sqe.setNsid(sqe, 1);
        ring(Doorbells.sqTailDoorbell(2), 1);
        step();
        guest.messages.answer(gpa -> gpa == CQ_GPA);
        step();
        assertTrue(queues.deleteSubmissionQueue(1), "that of the other queue is not waited for");
        assertFalse(queues.deleteSubmissionQueue(2), "but by that queue");
    }
}

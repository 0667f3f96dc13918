package io.sluice.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sections 4.1, Submission Queue and Completion Queue Definition, 4.6, and 5.3 to 5.6. */
class QueueRulesTest extends Conformance {
    private static final long Q = Host.QUEUES;
    private static final int CQ_INVALID = 0x00;
    private static final int QID_INVALID = 0x01;
    private static final int SIZE_INVALID = 0x02;
    private static final int VECTOR_INVALID = 0x08;
    private static final int DELETION_INVALID = 0x0c;

    private static Command deleteSq(int qid) {
        return new Command(0x00).dw(10, qid);
    }

    private static Command deleteCq(int qid) {
        return new Command(0x04).dw(10, qid);
    }

    private int granted() throws IOException {
        return (feature(0x07) & 0xffff) + 1;
    }

    private int maxEntries() throws IOException {
        return (host.read(0) & 0xffff) + 1;
    }

    // ---- 5.3, Create I/O Completion Queue

    @Test
    void aCompletionQueueIsCreated() throws IOException {
        host.admin(Host.createCq(2, 16, Q)).good();
    }

    @Test
    void completionQueue0CannotBeCreated() throws IOException {
        host.admin(Host.createCq(0, 16, Q)).refused(SPECIFIC, QID_INVALID);
    }

    @Test
    void aCompletionQueueThatIsThereCannotBeCreated() throws IOException {
        host.admin(Host.createCq(1, 16, Q)).refused(SPECIFIC, QID_INVALID);
    }

    @Test
    void aCompletionQueueBeyondThoseGrantedCannotBeCreated() throws IOException {
        host.admin(Host.createCq(granted() + 1, 16, Q)).refused(SPECIFIC, QID_INVALID);
        host.admin(Host.createCq(0xffff, 16, Q)).refused(SPECIFIC, QID_INVALID);
    }

    @Test
    void aCompletionQueueOfOneEntryCannotBeCreated() throws IOException {
        host.admin(Host.createCq(2, 1, Q)).refused(SPECIFIC, SIZE_INVALID);
    }

    @Test
    void aCompletionQueueOfMoreThanMqesCannotBeCreated() throws IOException {
        host.admin(Host.createCq(2, maxEntries() + 1, Q)).refused(SPECIFIC, SIZE_INVALID);
        host.admin(Host.createCq(2, 0x1_0000, Q)).refused(SPECIFIC, SIZE_INVALID);
    }

    @Test
    void aCompletionQueueThatIsNotContiguousIsRefusedWhereCqrIs1() throws IOException {
        assertEquals(1, host.read(0) >>> 16 & 1);
        host.admin(Host.createCq(2, 16, Q).dw(11, 0)).refused(GENERIC, INVALID_FIELD);
    }

    @Test
    void aCompletionQueuesMemoryIsPageAligned() throws IOException {
        host.admin(Host.createCq(2, 16, Q + 0x10)).refused(GENERIC, PRP_OFFSET);
    }

    @Test
    void aCompletionQueuesVectorExists() throws IOException {
        host.admin(Host.createCq(2, 16, Q).dw(11, 0x7ff << 16 | 3)).refused(SPECIFIC, VECTOR_INVALID);
        host.admin(Host.createCq(2, 16, Q).dw(11, 0xffff << 16 | 3)).refused(SPECIFIC, VECTOR_INVALID);
    }

    // ---- 5.4, Create I/O Submission Queue

    @Test
    void submissionQueuesMayShareACompletionQueue() throws IOException {
        for (int qid = 2; qid <= 5; qid++) {
            host.admin(Host.createSq(qid, 16, Q + 0x1000L * qid, 1)).good();
        }
    }

    @Test
    void submissionQueue0CannotBeCreated() throws IOException {
        host.admin(Host.createSq(0, 16, Q, 1)).refused(SPECIFIC, QID_INVALID);
    }

    @Test
    void aSubmissionQueueThatIsThereCannotBeCreated() throws IOException {
        host.admin(Host.createSq(1, 16, Q, 1)).refused(SPECIFIC, QID_INVALID);
    }

    @Test
    void aSubmissionQueueBeyondThoseGrantedCannotBeCreated() throws IOException {
        host.admin(Host.createSq(granted() + 1, 16, Q, 1)).refused(SPECIFIC, QID_INVALID);
    }

    @Test
    void aSubmissionQueueOfOneEntryCannotBeCreated() throws IOException {
        host.admin(Host.createSq(2, 1, Q, 1)).refused(SPECIFIC, SIZE_INVALID);
    }

    @Test
    void aSubmissionQueueOfMoreThanMqesCannotBeCreated() throws IOException {
        host.admin(Host.createSq(2, maxEntries() + 1, Q, 1)).refused(SPECIFIC, SIZE_INVALID);
    }

    @Test
    void aSubmissionQueueThatIsNotContiguousIsRefusedWhereCqrIs1() throws IOException {
        host.admin(Host.createSq(2, 16, Q, 1).dw(11, 1 << 16)).refused(GENERIC, INVALID_FIELD);
    }

    @Test
    void aSubmissionQueuesMemoryIsPageAligned() throws IOException {
        host.admin(Host.createSq(2, 16, Q + 0x40, 1)).refused(GENERIC, PRP_OFFSET);
    }

    @Test
    void aSubmissionQueueCannotHaveTheAdminCompletionQueue() throws IOException {
        host.admin(Host.createSq(2, 16, Q, 0)).refused(SPECIFIC, QID_INVALID);
    }

    @Test
    void aSubmissionQueuesCompletionQueueExists() throws IOException {
        host.admin(Host.createSq(2, 16, Q, 3)).refused(SPECIFIC, CQ_INVALID);
    }

    @Test
    void aSubmissionQueuesCompletionQueueIsOneThatCouldExist() throws IOException {
        host.admin(Host.createSq(2, 16, Q, granted() + 1)).refused(SPECIFIC, QID_INVALID);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void aQueuesPriorityIsIgnoredInRoundRobin(int priority) throws IOException {
        host.admin(Host.createSq(2, 16, Q, 1).dw(11, 1 << 16 | priority << 1 | 1))
                .good();
    }

    // ---- 5.5 and 5.6, deletion

    @Test
    void queuesAreDeletedAndMadeAgain() throws IOException {
        for (int i = 0; i < 3; i++) {
            HostQueue queue = host.createPair(2, 16, Q, Q + 0x1000);
            queue.run(flush(1)).good();
            host.admin(deleteSq(2)).good();
            host.admin(deleteCq(2)).good();
        }
    }

    @Test
    void aCompletionQueueInUseCannotBeDeleted() throws IOException {
        host.admin(deleteCq(1)).refused(SPECIFIC, DELETION_INVALID);
        host.io(flush(1)).good();
    }

    @Test
    void aQueueThatIsNotThereCannotBeDeleted() throws IOException {
        host.admin(deleteSq(2)).refused(SPECIFIC, QID_INVALID);
        host.admin(deleteCq(2)).refused(SPECIFIC, QID_INVALID);
    }

    @Test
    void theAdminQueuesCannotBeDeleted() throws IOException {
        host.admin(deleteSq(0)).refused(SPECIFIC, QID_INVALID);
        host.admin(deleteCq(0)).refused(SPECIFIC, QID_INVALID);
    }

    @Test
    void aQueueThatCouldNotExistCannotBeDeleted() throws IOException {
        host.admin(deleteSq(0xffff)).refused(SPECIFIC, QID_INVALID);
        host.admin(deleteCq(0xffff)).refused(SPECIFIC, QID_INVALID);
    }

    // ---- 5.21.1.7, Number of Queues

    @Test
    void theNumberOfQueuesIsNotSetWhenThereAreQueues() throws IOException {
        host.admin(setFeature(0x07, 0)).refused(GENERIC, SEQUENCE_ERROR);
    }

    @Test
    void sixtyFourKiQueuesCannotBeAskedFor() throws IOException {
        host.disable();
        host.enable();
        host.admin(setFeature(0x07, 0xffff)).refused(GENERIC, INVALID_FIELD);
        host.admin(setFeature(0x07, 0xffff << 16)).refused(GENERIC, INVALID_FIELD);
    }

    @Test
    void noMoreQueuesAreGrantedThanAskedFor() throws IOException {
        host.disable();
        host.enable();
        int granted = host.admin(setFeature(0x07, 2 << 16 | 1)).good().dw0();
        assertEquals(2 << 16 | 1, granted);
        assertEquals(granted, feature(0x07));
        host.admin(Host.createCq(4, 16, Q)).refused(SPECIFIC, QID_INVALID);
        host.admin(Host.createCq(3, 16, Q)).good();
        host.admin(Host.createSq(3, 16, Q + 0x1000, 3)).refused(SPECIFIC, QID_INVALID);
    }

    // ---- 4.1, 4.6: what queues do

    @Test
    void completionsNameTheirCommandAndTheirQueue() throws IOException {
        HostQueue second = host.createPair(2, 16, Q, Q + 0x1000);
        Completion completion = second.run(flush(1)).good();
        assertEquals(2, completion.sqId());
        assertEquals(1, host.io(flush(1)).good().sqId());
        assertEquals(0, host.admin(getFeature(1, 0)).good().sqId());
    }

    @Test
    void theSubmissionQueuesHeadGoesRound() throws IOException {
        HostQueue queue = host.createPair(2, 4, Q, Q + 0x1000);
        for (int i = 1; i <= 20; i++) {
            assertEquals(i % 4, queue.run(flush(1)).good().sqHead());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5, 64})
    void thePhaseTagIsInvertedEachTimeRound(int entries) throws IOException {
        HostQueue queue = host.createPair(2, entries, Q, Q + 0x1000);
        for (int i = 0; i < 4 * entries + 1; i++) {
            queue.run(flush(1)).good();
        }
    }

    @Test
    void aQueueOfMqesEntriesWorks() throws IOException {
        int entries = maxEntries();
        HostQueue queue = host.createPair(2, entries, 0x20_0000, 0x10_0000);
        for (int i = 0; i < entries - 1; i++) {
            queue.put(flush(1));
        }
        queue.ring();
        Set<Integer> ended = new HashSet<>();
        for (int i = 0; i < entries - 1; i++) {
            ended.add(queue.await().good().cid());
        }
        assertEquals(entries - 1, ended.size());
    }

    @Test
    void aCompletionQueueIsNeverOverrun() throws IOException {
        HostQueue queue = new HostQueue(host, 2, 2, 16, 4, Q, Q + 0x1000);
        host.admin(Host.createCq(2, 4, Q + 0x1000)).good();
        host.admin(Host.createSq(2, 16, Q, 2)).good();
        for (int i = 0; i < 10; i++) {
            queue.put(flush(1));
        }
        queue.ring();
        for (int i = 0; i < 3; i++) {
            queue.awaitUntold();
        }
        assertTrue(queue.staysQuiet(), "a fourth would stand where the first one was not taken");
        queue.tell();
        for (int i = 3; i < 10; i++) {
            queue.await().good();
        }
    }

    @Test
    void commandsOfOneQueueEndInAnyOrderEachOnce() throws IOException {
        Set<Integer> expected = new HashSet<>();
        for (int i = 0; i < 100; i++) {
            expected.add(host.io().put(i % 3 == 0 ? flush(1) : read(i, 1)));
        }
        host.io().ring();
        for (int i = 0; i < 100; i++) {
            assertTrue(expected.remove(host.io().await().good().cid()));
        }
        assertTrue(host.io().staysQuiet());
    }

    @Test
    void ringingAgainWithTheSameTailDoesNothing() throws IOException {
        host.io(flush(1)).good();
        host.io().ring();
        host.io().ring();
        assertTrue(host.io().staysQuiet());
    }

    @Test
    void nothingIsTakenThatWasNotRungFor() throws IOException {
        host.io().put(flush(1));
        assertTrue(host.io().staysQuiet());
        host.io().ring();
        host.io().await().good();
    }

    @Test
    void anIdentifierMayBeUsedAgainOnceItsCommandHasEnded() throws IOException {
        for (int i = 0; i < 3; i++) {
            HostQueue queue = host.createPair(2, 16, Q, Q + 0x1000);
            assertEquals(0, queue.run(flush(1)).good().cid());
            host.admin(deleteSq(2)).good();
            host.admin(deleteCq(2)).good();
        }
    }

    @Test
    void reservedCompletionFieldsAre0() throws IOException {
        Completion completion = host.io(flush(1)).good();
        assertEquals(0, completion.dw0());
        assertEquals(0, completion.dw1());
        assertFalse(completion.more());
    }

    @Test
    void aSuccessHasNoDoNotRetry() throws IOException {
        assertFalse(host.io(flush(1)).good().doNotRetry());
    }

    // ---- 5.2: doorbells that are written wrongly (Asynchronous Event Information - Error Status)

    private int eventAfter(int offset, int value) throws IOException {
        host.admin().submit(new Command(0x0c));
        host.send(offset, value);
        return host.admin().await().good().dw0();
    }

    @Test
    void ringingAQueueThatIsNotThereIsAnErrorEvent() throws IOException {
        assertEquals(0x0001_0000, eventAfter(0x1000 + 8 * 9, 1));
    }

    @Test
    void aTailBeyondTheQueueIsAnErrorEvent() throws IOException {
        assertEquals(0x0001_0100, eventAfter(0x1000 + 8, Host.IO_ENTRIES));
    }

    @Test
    void aHeadBeyondTheQueueIsAnErrorEvent() throws IOException {
        assertEquals(0x0001_0100, eventAfter(0x1000 + 12, Host.IO_ENTRIES));
    }
}
